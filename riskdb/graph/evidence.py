"""What station 5 notes down while it builds: why each edge is there, what nobody knows, which numbers it used.

It decides nothing about the graph.
"""

from riskdb.knowledge.contents import Pack
from riskdb.knowledge.types import Number
from riskdb.model.care import EdgeKey, EdgeSource, Provenance, Question, QuestionKind

NEEDS, MANAGES, FEEDS, PROVIDES = "needs", "manages", "feeds", "provides"


class Evidence:
    """Collects sources, questions and used numbers. One for each build."""

    def __init__(self, pack: Pack) -> None:
        table = pack.tables.edge_confidence
        self._confidence = {provenance: table.of(provenance) for provenance in Provenance}
        self._assumed_confidence = float(table.assumed.value)
        self._cache: dict[tuple[str, str], EdgeSource] = {}
        self._used: dict[int, Number] = {}
        self._questions: dict[tuple[QuestionKind, str], Question] = {}
        self.sources: dict[EdgeKey, EdgeSource] = {}

    def value(self, number: Number) -> float:
        """The number, remembered as used."""
        self._used[id(number)] = number  # by place in the pack, not by value: two equal numbers are two reviews
        return float(number.value)

    def minutes(self, number: Number) -> int:
        """The number as whole minutes, remembered as used."""
        return int(self.value(number))

    def inferred(self, source: str, kind: str, target: str, template: str) -> None:
        """An edge that a template of the pack supplies."""
        self._note(source, kind, target, provenance=Provenance.INFERRED, because=template)

    def observed(self, source: str, kind: str, target: str, observation: str) -> None:
        """An edge that an observation shows."""
        self._note(source, kind, target, provenance=Provenance.OBSERVED, because=observation)

    def declared(self, source: str, kind: str, target: str, person: str) -> None:
        """An edge that a person states."""
        self._note(source, kind, target, provenance=Provenance.DECLARED, because=person)

    def assumed(self, source: str, kind: str, target: str, template: str) -> None:
        """An edge to or from something that nobody has found."""
        self.sources[EdgeKey(source, kind, target)] = self._source(
            Provenance.INFERRED, template, confidence=self._assumed_confidence
        )

    def ask(self, kind: QuestionKind, about: str, *, en: str, fr: str) -> None:
        """A fact that somebody could supply; asked once for each thing."""
        self._questions.setdefault((kind, about), Question(kind=kind, about=about, text_en=en, text_fr=fr))

    @property
    def questions(self) -> tuple[Question, ...]:
        """All questions, by kind and thing."""
        return tuple(self._questions[key] for key in sorted(self._questions))

    @property
    def unreviewed_numbers(self) -> int:
        """How many of the pack's numbers were used that nobody stood up for."""
        return sum(not number.is_reviewed for number in self._used.values())

    def _note(self, source: str, kind: str, target: str, *, provenance: Provenance, because: str) -> None:
        self.sources[EdgeKey(source, kind, target)] = self._source(
            provenance, because, confidence=self._confidence[provenance]
        )

    def _source(self, provenance: Provenance, because: str, *, confidence: float) -> EdgeSource:
        key = (f"{provenance}{confidence}", because)
        if key not in self._cache:
            self._cache[key] = EdgeSource(provenance=provenance, because=because, confidence=confidence)
        return self._cache[key]
