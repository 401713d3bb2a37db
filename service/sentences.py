"""Station 8, the words: chains and reasons into English and French sentences. All prose about impact is composed here.

Pure. It adds no number and no cause: what a sentence says is in the values it was given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from riskdb.knowledge import Pack
from riskdb.knowledge.types import Text
from riskdb.model.care import CareGraph, Node, NodeKind, Pathway
from riskdb.model.ids import UnitId
from riskdb.model.impact import Chain, Event, EventKind, Impact, RankedNode
from riskdb.model.scenario import Mode

LINKS_TOLD_MAX = 6  # of one chain; a sentence with more is not read


class Language(StrEnum):
    """The languages of the product."""

    EN = "en"
    FR = "fr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What people call the nodes, capabilities, steps and pathways of one graph, in one language."""

    language: Language
    nodes: Mapping[str, str]
    kinds: Mapping[str, str] = field(default_factory=dict)  # the device type of a node
    capabilities: Mapping[str, str]
    pathways: Mapping[str, str]
    steps: Mapping[tuple[str, str], str] = field(default_factory=dict)  # by pathway and step

    def introduced(self, node: str) -> str:
        """The name of a node with what it is: `PUMPSRV-1 (infusion pump server)`."""
        kind = self.kinds.get(node)
        return self.nodes.get(node, node) + (f" ({kind})" if kind else "")

    def of(self, event: Event, *, pathway: str) -> str:
        """The name of what an event happened to."""
        subject = str(event.subject)
        if event.kind in (EventKind.LOST, EventKind.EXPOSED):
            return self.pathways.get(subject, subject)
        if event.kind is EventKind.SHORT:
            return self.capabilities.get(subject) or self.steps.get((pathway, subject), subject)
        return self.nodes.get(subject, subject)


def names_of(
    graph: CareGraph, *, language: Language, pack: Pack | None = None, units: Mapping[UnitId, str] | None = None
) -> Names:
    """The names in a graph: those of the pack in this language where it has them, else those the graph carries."""
    words = _Words(pack, language)
    places = units or {}
    capabilities = {
        str(c.id): _placed(words.capability(c.id) or c.name or c.id, c.unit, places) for c in graph.capabilities
    }
    return Names(
        language=language,
        nodes={n.id: _node_name(n, capabilities) for n in graph.nodes},
        kinds={n.id: words.device_type(n.type) for n in graph.nodes if n.type is not None},
        capabilities=capabilities,
        pathways={str(p.id): _placed(words.pathway(p) or p.name or p.id, p.unit, places) for p in graph.pathways},
        steps={(str(p.id), str(s.id)): words.step(p, s.id) or s.name or s.id for p in graph.pathways for s in p.steps},
    )


def _node_name(node: Node, capabilities: Mapping[str, str]) -> str:
    """A stand-in for what the inventory lacks goes by the name of the capability it stands for."""
    if node.kind in (NodeKind.MANUAL, NodeKind.ASSUMED):
        return capabilities.get(node.id.partition(":")[2]) or node.name or node.id
    return node.name or node.id


class _Words:
    """The words of a pack in one language; None where it has none."""

    def __init__(self, pack: Pack | None, language: Language) -> None:
        self._language = language
        kinds = () if pack is None else pack.pathways.values()
        self._types = {} if pack is None else {str(t.id): self._text(t.name) for t in pack.device_types.values()}
        self._capabilities = {} if pack is None else {str(c.id): self._text(c.name) for c in pack.capabilities.values()}
        self._pathways = {str(p.id): self._text(p.name) for p in kinds}
        self._steps = {(str(p.id), str(s.id)): self._text(s.name) for p in kinds for s in p.steps}

    def device_type(self, device_type: str) -> str:
        return self._types.get(device_type) or device_type

    def capability(self, capability: str) -> str | None:
        return self._capabilities.get(capability.partition("@")[0])

    def pathway(self, pathway: Pathway) -> str | None:
        """Its name; a companion (`stroke~0.4`) says for which share of the same people it stands."""
        kind, companion, people = str(pathway.instance_of).partition("~")
        name = self._pathways.get(kind)
        if name is None or not companion:
            return name
        share = percent(float(people), self._language)
        return f"{name}, {share} of patients" if self._language is Language.EN else f"{name}, {share} des patients"

    def step(self, pathway: Pathway, step: str) -> str | None:
        return self._steps.get((str(pathway.instance_of).partition("~")[0], step))

    def _text(self, text: Text) -> str:
        return text.fr if self._language is Language.FR and text.fr else text.en


def _placed(name: str, unit: UnitId | None, places: Mapping[UnitId, str]) -> str:
    """A name with the unit of its instance: `Infusion (Intensive care A)`."""
    return name if unit is None else f"{name} ({places.get(unit, unit)})"


def duration(minutes: int, language: Language) -> str:
    """A length of time as people say it: 30 minutes, 2 hours, 4 h 30 min, 3 days."""
    hours, rest = divmod(minutes, 60)
    if hours == 0:
        return f"{rest} minute{'s' if rest > 1 else ''}"
    if rest:
        return f"{hours} h {rest:02d} min"
    if hours >= 48 and hours % 24 == 0:
        return f"{hours // 24} {'days' if language is Language.EN else 'jours'}"
    unit = "hour" if language is Language.EN else "heure"
    return f"{hours} {unit}{'s' if hours > 1 else ''}"


def percent(share: float, language: Language) -> str:
    """A share of 0..1: `50 %` in French, `50%` in English; a trace is not rounded to nothing."""
    gap = "\u00a0%" if language is Language.FR else "%"
    if 0 < share < 0.01:
        return f"< 1{gap}"
    return f"{share * 100:.0f}{gap}"


def count(patients: float, language: Language) -> str:
    """A number of patients: whole from ten on, else with one decimal."""
    text = f"{patients:.0f}" if patients >= 10 or patients == int(patients) else f"{patients:.1f}"
    return text.replace(".", ",") if language is Language.FR else text


_VERBS: Mapping[Language, Mapping[EventKind, str]] = {
    Language.EN: {
        EventKind.TAKEN: "is taken over",
        EventKind.DOWN: "stops",
        EventKind.LYING: "gives false values",
        EventKind.LEAKING: "leaks records",
        EventKind.SHORT: "falls short",
        EventKind.LOST: "loses care",
        EventKind.EXPOSED: "works on false values",
    },
    Language.FR: {
        EventKind.TAKEN: "passe sous contrôle de l’attaquant",
        EventKind.DOWN: "s’arrête",
        EventKind.LYING: "donne des valeurs fausses",
        EventKind.LEAKING: "laisse fuir des dossiers",
        EventKind.SHORT: "ne suffit plus",
        EventKind.LOST: "perd des soins",
        EventKind.EXPOSED: "travaille sur des valeurs fausses",
    },
}


def chain_sentence(chain: Chain, names: Names) -> str:
    """How one loss comes about, cause first: `2 hours after Pump server P0 stops, Intensive care loses ...`."""
    told = _told(chain.events)
    root = told[0] if told else None
    step = names.steps.get((str(chain.pathway), str(chain.step)), str(chain.step))
    pathway = names.pathways.get(str(chain.pathway), str(chain.pathway))
    effect = _effect(chain, pathway=pathway, step=step, language=names.language)
    if root is None:
        return f"{effect}."
    opening = _opening(root, names, after_min=chain.starts_at_min - root.at_min, pathway=str(chain.pathway))
    links = _links(told[1:], names, pathway=str(chain.pathway))
    return f"{opening}, {effect}{links}."


def _told(events: Sequence[Event]) -> list[Event]:
    """The events worth a clause, cause first: a takeover says nothing beside the stop or lie it brings at once."""
    causes_first = [event for event in reversed(events) if event.kind not in (EventKind.LOST, EventKind.EXPOSED)]
    return [
        event
        for event, following in zip(causes_first, [*causes_first[1:], None], strict=True)
        if not (
            event.kind is EventKind.TAKEN
            and following is not None
            and following.subject == event.subject
            and following.at_min == event.at_min
        )
    ]


def _opening(root: Event, names: Names, *, after_min: int, pathway: str) -> str:
    cause = f"{names.of(root, pathway=pathway)} {_VERBS[names.language][root.kind]}"
    if names.language is Language.FR:
        que = f"qu’{cause}" if cause[:1].lower() in "aeiouyéèêàâîôûh" else f"que {cause}"
        return f"Dès {que}" if after_min <= 0 else f"{duration(after_min, Language.FR)} après {que}"
    return f"As soon as {cause}" if after_min <= 0 else f"{duration(after_min, Language.EN)} after {cause}"


def _effect(chain: Chain, *, pathway: str, step: str, language: Language) -> str:
    share = percent(chain.share, language)
    if language is Language.FR:
        if chain.kind is EventKind.EXPOSED:
            return f"{pathway} traite jusqu’à {share} de ses patients sur des valeurs fausses, à l’étape « {step} »"
        return f"{pathway} perd jusqu’à {share} de ses soins à l’étape « {step} »"
    if chain.kind is EventKind.EXPOSED:
        return f"{pathway} treats up to {share} of its patients on false values, at the step “{step}”"
    return f"{pathway} loses up to {share} of its care at the step “{step}”"


def _links(events: Sequence[Event], names: Names, *, pathway: str) -> str:
    shown = list(events)
    if len(shown) > LINKS_TOLD_MAX:
        half = LINKS_TOLD_MAX // 2
        shown = [*shown[:half], *shown[-half:]]
    if not shown:
        return ""
    return ": " + ", ".join(_link(event, names, pathway=pathway) for event in shown)


def _link(event: Event, names: Names, *, pathway: str) -> str:
    clause = f"{names.of(event, pathway=pathway)} {_VERBS[names.language][event.kind]}"
    if event.at_min == 0:
        return clause
    word = "after" if names.language is Language.EN else "après"
    return f"{clause} {word} {duration(event.at_min, names.language)}"


def reason_sentence(row: RankedNode, names: Names, *, horizon: str) -> str:
    """Why an asset has its rank: what its compromise does to whom, and the strongest chain."""
    name = names.introduced(str(row.id))
    pathways = [names.pathways.get(str(p), str(p)) for p in row.reason.pathways]
    french = names.language is Language.FR
    head = (_HEAD_FR if french else _HEAD_EN)[row.mode].format(name=name)
    affected, exposed = row.patients_affected.get(horizon, 0.0), row.patients_exposed.get(horizon, 0.0)
    harm = _harm(affected, exposed, names.language, horizon=horizon)
    where = _where(pathways, names.language)
    chains = f" {chain_sentence(row.reason.chains[0], names)}" if row.reason.chains else ""
    return f"{head}{where} {harm}{chains}"


def impact_sentence(node: str, mode: Mode, impact: Impact, *, names: Names, horizon: str) -> str:
    """What the compromise of one asset does, whether it is ranked or not."""
    name, french = names.introduced(node), names.language is Language.FR
    if mode is Mode.CONFIDENTIALITY:
        records = impact.records_exposed[horizon]
        exposes = f"expose {records} dossiers" if french else f"exposes {records} records"
        return f"{_WITHIN[names.language][horizon]}, {name} {exposes}."
    worst = sorted(impact.pathways, key=lambda p: (-p.index[horizon], p.id))
    hit = [names.pathways.get(str(p.id), str(p.id)) for p in worst if p.index[horizon] > 0]
    if not hit:
        nobody = "ne touche aucun patient" if french else "harms no patient"
        return f"{_WITHIN[names.language][horizon]}, {name} {nobody}."
    head = (_HEAD_FR if french else _HEAD_EN)[mode].format(name=name)
    affected = sum(p.patients_affected[horizon] for p in impact.pathways)
    exposed = sum(p.patients_exposed[horizon] for p in impact.pathways)
    harm = _harm(affected, exposed, names.language, horizon=horizon)
    return f"{head}{_where(hit, names.language)} {harm}"


_HEAD_EN = {
    Mode.AVAILABILITY: "Whoever takes {name} and stops it stops care in",
    Mode.INTEGRITY: "Whoever takes {name} and makes it lie endangers",
    Mode.CONFIDENTIALITY: "Whoever takes {name} can read the records of",
}
_HEAD_FR = {
    Mode.AVAILABILITY: "Qui prend {name} et l’arrête interrompt les soins de",
    Mode.INTEGRITY: "Qui prend {name} et falsifie ses valeurs met en danger",
    Mode.CONFIDENTIALITY: "Qui prend {name} peut lire les dossiers de",
}
PATHWAYS_TOLD_MAX = 3


def _where(pathways: Sequence[str], language: Language) -> str:
    shown = ", ".join(pathways[:PATHWAYS_TOLD_MAX])
    more = len(pathways) - PATHWAYS_TOLD_MAX
    if more <= 0:
        return f" {shown}."
    if language is Language.FR:
        return f" {shown} et {more} autre{'s' if more > 1 else ''} parcours."
    return f" {shown} and {more} more pathway{'s' if more > 1 else ''}."


def _harm(affected: float, exposed: float, language: Language, *, horizon: str) -> str:
    within = _WITHIN[language][horizon]
    if language is Language.FR:
        parts = [f"{_people(affected, language)} privés de soins"] if affected else []
        parts += [f"{_people(exposed, language)} exposés à des valeurs fausses"] if exposed else []
        return f"{within} : {' et '.join(parts) or 'aucun patient touché'}."
    parts = [f"care is lost for {_people(affected, language)}"] if affected else []
    parts += [f"false values reach {_people(exposed, language)}"] if exposed else []
    return f"{within}, {' and '.join(parts) or 'no patient is affected'}."


def _people(patients: float, language: Language) -> str:
    return f"{count(patients, language)} patient{'' if patients == 1 else 's'}"


_WITHIN: Mapping[Language, Mapping[str, str]] = {
    Language.EN: {
        "1h": "Within an hour", "4h": "Within 4 hours", "24h": "Within a day",
        "72h": "Within 3 days", "7d": "Within 7 days", "30d": "Within 30 days",
    },
    Language.FR: {
        "1h": "En une heure", "4h": "En 4 heures", "24h": "En un jour",
        "72h": "En 3 jours", "7d": "En 7 jours", "30d": "En 30 jours",
    },
}  # fmt: skip
