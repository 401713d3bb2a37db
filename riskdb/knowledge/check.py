"""Do the records of a pack make sense together? Every finding names file, object and place. Pure.

Dependency cycles are legal: the engine's fixpoint gives them a meaning.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass

from riskdb.knowledge.contents import PlacedNumber, numbers_in
from riskdb.knowledge.reading import Finding, Placed, Reading
from riskdb.knowledge.trees import alternatives, leaves
from riskdb.knowledge.types import (
    ESTABLISHMENT,
    CapabilityKind,
    CapabilityType,
    Confidence,
    DeviceType,
    Number,
    PathwayType,
    Scope,
    StepType,
    Text,
)

SEVERITY_MIN, SEVERITY_MAX = 1, 5
LIFE_SUPPORT_CLASS_MAX = 3


def check_reading(reading: Reading) -> list[Finding]:
    """All findings: those of shape first; those of meaning only once everything could be read."""
    if reading.findings:
        return list(reading.findings)
    return [*_duplicates(reading), *_Meaning(reading).findings()]


def _duplicates(reading: Reading) -> Iterator[Finding]:
    kinds: tuple[list[Placed[DeviceType]] | list[Placed[CapabilityType]] | list[Placed[PathwayType]], ...] = (
        reading.device_types,
        reading.capabilities,
        reading.pathways,
    )
    groups: list[list[tuple[str, str]]] = [[(p.file, str(p.record.id)) for p in kind] for kind in kinds]
    groups += [
        [(p.file, str(p.record.id)) for p in reading.unit_types],
        [(p.file, str(p.record.id)) for p in reading.populations],
        [(p.file, str(p.record.id)) for p in reading.sources],
    ]
    for group in groups:
        counts = Counter(identifier for _, identifier in group)
        yield from (
            Finding(file=file, id=identifier, place="id", message="duplicate id")
            for file, identifier in group
            if counts[identifier] > 1
        )


class _Meaning:
    """The known ids of a pack, and the checks against them."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.types = {p.record.id for p in reading.device_types}
        self.capabilities = {p.record.id: p.record for p in reading.capabilities}
        self.unit_types = {str(p.record.id) for p in reading.unit_types}
        self.populations = {p.record.id for p in reading.populations}
        self.sources = {p.record.id for p in reading.sources}

    def findings(self) -> Iterator[Finding]:
        """Everything that does not make sense."""
        for device_type in self.reading.device_types:
            yield from self._judge(device_type.file, device_type.record.id, device_type.record, self._device_type)
        for capability in self.reading.capabilities:
            yield from self._judge(capability.file, capability.record.id, capability.record, self._capability)
        for pathway in self.reading.pathways:
            yield from self._judge(pathway.file, pathway.record.id, pathway.record, self._pathway)
        for unit_type in self.reading.unit_types:
            yield from self._judge(unit_type.file, unit_type.record.id, unit_type.record, _nothing_more)
        for population in self.reading.populations:
            yield from self._judge(population.file, population.record.id, population.record, _nothing_more)
        if self.reading.tables is not None:
            yield from self._judge("tables.json", "tables", self.reading.tables, lambda _: self._tables())

    def _judge(
        self, file: str, identifier: str, record: object, judge: Callable[..., Iterable[tuple[str, str]]]
    ) -> Iterator[Finding]:
        """The findings of one record: its own rules, its numbers, its texts."""
        complaints = [*judge(record), *_untranslated(record)]
        complaints += [c for placed in numbers_in(identifier, record) for c in self._number(placed)]
        for place, message in complaints:
            yield Finding(file=file, id=identifier, place=place, message=message)

    def _device_type(self, record: DeviceType) -> Iterator[tuple[str, str]]:
        yield from self._unknown("dependencies", (d.capability for d in record.dependencies), self.capabilities)
        yield from self._unknown("manages", (t for m in record.manages for t in m.types), self.types)
        yield from self._unknown("feeds", (t for f in record.feeds for t in f.types), self.types)
        yield from self._unknown("feeds", (c for f in record.feeds for c in f.capabilities), self.capabilities)
        yield from self._unknown("carries", record.carries, self.capabilities)
        yield from self._unknown("loses_when_alone", record.loses_when_alone, self.capabilities)
        if not 0 <= record.life_support_class <= LIFE_SUPPORT_CLASS_MAX:
            yield "life_support_class", f"not 0 to {LIFE_SUPPORT_CLASS_MAX}"
        for feeds in record.feeds:
            if not feeds.types and not feeds.capabilities:
                yield "feeds", "feeds neither a type nor a capability"

    def _capability(self, record: CapabilityType) -> Iterator[tuple[str, str]]:
        yield from self._unknown("provided_by", record.provided_by, self.types)
        yield from self._unknown("minimum_share_by_unit_type", record.minimum_share_by_unit_type, self.unit_types)
        manual = record.kind is CapabilityKind.MANUAL
        if manual and record.provided_by:
            yield "provided_by", "a manual capability is provided by people, not by a device type"
        if not manual and not record.provided_by:
            yield "provided_by", "nobody provides this capability"
        if not manual and record.minimum_share is None:
            yield "minimum_share", "the key is missing"

    def _pathway(self, record: PathwayType) -> Iterator[tuple[str, str]]:
        if record.population not in self.populations:
            yield "population", f"unknown population {record.population!r}"
        if record.instance_per != ESTABLISHMENT and record.instance_per not in self.unit_types:
            yield "instance_per", f"unknown unit type {record.instance_per!r}"
        if not record.steps:
            yield "steps", "a pathway has at least one step"
        counts = Counter(step.id for step in record.steps)
        for step in record.steps:
            place = f"steps/{step.id}"
            if counts[step.id] > 1:
                yield place, "duplicate id"
            yield from self._step(place, step, lives_in_its_unit=record.unit_type is not None)

    def _step(self, place: str, step: StepType, *, lives_in_its_unit: bool) -> Iterator[tuple[str, str]]:
        yield from self._unknown(f"{place}/unit_types", step.unit_types, self.unit_types)
        trees = [step.requires, *(fallback.requires for fallback in step.fallbacks)]
        names = ["requires", *(f"fallbacks/{index}/requires" for index in range(len(step.fallbacks)))]
        for name, tree in zip(names, trees, strict=True):
            yield from self._unknown(f"{place}/{name}", leaves(tree), self.capabilities)
        for branch in alternatives(step.requires):
            named = [self.capabilities.get(c) for c in leaves(branch)]
            if all(c is not None and c.kind is CapabilityKind.MANUAL for c in named):
                yield f"{place}/requires", "a manual way of working is a fallback, not a part of normal service"
        known = [self.capabilities[c] for t in trees for c in leaves(t) if c in self.capabilities]
        if any(c.scope is Scope.UNIT for c in known) and not step.unit_types and not lives_in_its_unit:
            yield f"{place}/unit_types", "needs a capability of a unit but names no unit type"

    def _tables(self) -> Iterator[tuple[str, str]]:
        tables = self.reading.tables
        if tables is None:
            return
        wanted = {str(severity) for severity in range(SEVERITY_MIN, SEVERITY_MAX + 1)}
        if set(tables.severity_weights.weights) != wanted:
            yield "severity_weights/weights", f"must weigh exactly the severities {SEVERITY_MIN} to {SEVERITY_MAX}"
        place = "safety_classes/infrastructure_types"
        yield from self._unknown(place, tables.safety_classes.infrastructure_types, self.types)

    def _number(self, placed: PlacedNumber) -> Iterator[tuple[str, str]]:
        number, place = placed.number, placed.place
        low = number.value if number.low is None else number.low
        high = number.value if number.high is None else number.high
        if not low <= number.value <= high:
            yield place, f"not low <= value <= high: {number.low} <= {number.value} <= {number.high}"
        yield from ((place, problem) for problem in _out_of_range(place, number))
        yield from self._unknown(f"{place}/sources", number.sources, self.sources)
        if number.confidence is Confidence.PUBLISHED and not number.sources:
            yield place, "called published, but names no source"
        if (number.reviewed_by is None) != (number.reviewed_at is None):
            yield place, "a review names both a person and a day"

    def _unknown(self, place: str, named: Iterable[str], known: Iterable[str]) -> Iterator[tuple[str, str]]:
        known = known if isinstance(known, dict | set) else set(known)
        yield from ((place, f"unknown id {name!r}") for name in dict.fromkeys(named) if name not in known)


def _nothing_more(_: object) -> Iterable[tuple[str, str]]:
    return ()


def _out_of_range(place: str, number: Number) -> Iterator[str]:
    """The limits that the name of a number sets: shares, severities, minutes."""
    values = [v for v in (number.value, number.low, number.high) if v is not None]
    name = next((part for part in reversed(place.split("/")) if not part.isdigit()), "")
    in_shares = "share" in place
    if in_shares and not all(0 <= v <= 1 for v in values):
        yield "a share lies in 0 to 1"
    if ("severity" in place.split("/")) and not all(SEVERITY_MIN <= v <= SEVERITY_MAX for v in values):
        yield f"a severity lies in {SEVERITY_MIN} to {SEVERITY_MAX}"
    if any(v < 0 for v in values):
        yield "negative minutes" if name.endswith("_min") else "a negative number"
    if (name.endswith("_min") or "severity" in place.split("/")) and type(number.value) is not int:
        yield "not a whole number"


def _untranslated(thing: object, place: str = "") -> Iterator[tuple[str, str]]:
    """Every text that lacks a language."""
    if isinstance(thing, Text):
        for language in ("en", "fr"):
            if not getattr(thing, language).strip():
                yield f"{place}/{language}", "missing translation"
    elif isinstance(thing, tuple):
        for index, part in enumerate(thing):
            yield from _untranslated(part, f"{place}/{getattr(part, 'id', index)}".lstrip("/"))
    elif is_dataclass(thing) and not isinstance(thing, Number):
        for part_field in fields(thing):
            yield from _untranslated(getattr(thing, part_field.name), f"{place}/{part_field.name}".lstrip("/"))
