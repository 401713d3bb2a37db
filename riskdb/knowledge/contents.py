"""A whole knowledge pack, and the questions the other stations ask it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass

from riskdb.knowledge.tables import Tables
from riskdb.knowledge.types import (
    CapabilityType,
    Confidence,
    DeviceType,
    Number,
    PathwayType,
    Population,
    Source,
    SourceId,
    UnitType,
)
from riskdb.model.ids import CapabilityTypeId, DeviceTypeId, PathwayTypeId, PopulationId, UnitTypeId
from riskdb.model.policy import SafetyClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """Everything the product knows before it has seen a hospital."""

    version: str  # digest of the pack's files
    device_types: Mapping[DeviceTypeId, DeviceType]
    capabilities: Mapping[CapabilityTypeId, CapabilityType]
    pathways: Mapping[PathwayTypeId, PathwayType]
    unit_types: Mapping[UnitTypeId, UnitType]
    populations: Mapping[PopulationId, Population]
    sources: Mapping[SourceId, Source]
    tables: Tables

    def safety_class(self, device_type: DeviceTypeId | None) -> SafetyClass:
        """What may be sent to a device of this type; a type nobody knows is never sent a packet."""
        kind = None if device_type is None else self.device_types.get(device_type)
        if kind is None:
            return SafetyClass.PASSIVE
        table = self.tables.safety_classes
        sustains_life = (
            kind.is_medical_device
            and kind.life_support_class >= table.passive_from_life_support_class
            and kind.category not in table.gentle_although_life_support
        )
        if kind.category in table.passive_categories or sustains_life:
            return SafetyClass.PASSIVE
        if kind.id in table.infrastructure_types:
            return SafetyClass.INFRASTRUCTURE
        return SafetyClass.GENTLE if kind.is_medical_device else SafetyClass.ASK

    def provided_by(self, device_type: DeviceTypeId) -> tuple[CapabilityTypeId, ...]:
        """The capabilities that assets of this type provide."""
        return tuple(c.id for c in self.capabilities.values() if device_type in c.provided_by)

    def count_numbers(self) -> "NumberCount":
        """How many numbers there are, and how many of them nobody stood up for."""
        all_numbers = [placed.number for placed in self.numbers()]
        return NumberCount(
            total=len(all_numbers),
            published=sum(number.confidence is Confidence.PUBLISHED for number in all_numbers),
            unreviewed=sum(not number.is_reviewed for number in all_numbers),
        )

    def numbers(self) -> Iterator["PlacedNumber"]:
        """Every number with the object it belongs to and its place in it."""
        for kind in (self.device_types, self.capabilities, self.pathways):
            for identifier, thing in kind.items():
                yield from numbers_in(str(identifier), thing)
        for name in ("severity_weights", "edge_confidence", "safety_classes"):
            yield from numbers_in(name, getattr(self.tables, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberCount:
    """The review state of a pack in three figures."""

    total: int
    published: int
    unreviewed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedNumber:
    """A number and where it stands: `stemi`, `steps/ecg/tolerance_min`."""

    owner: str
    place: str
    number: Number


def numbers_in(owner: str, thing: object, place: str = "") -> Iterator[PlacedNumber]:
    """Every number inside one object of a pack, in file order."""
    if isinstance(thing, Number):
        yield PlacedNumber(owner=owner, place=place, number=thing)
    elif isinstance(thing, Mapping):
        for key, part in thing.items():
            yield from numbers_in(owner, part, f"{place}/{key}".lstrip("/"))
    elif isinstance(thing, tuple):
        for index, part in enumerate(thing):
            yield from numbers_in(owner, part, f"{place}/{getattr(part, 'id', index)}".lstrip("/"))
    elif is_dataclass(thing):
        for part_field in fields(thing):
            yield from numbers_in(owner, getattr(thing, part_field.name), f"{place}/{part_field.name}".lstrip("/"))
