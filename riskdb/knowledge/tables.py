"""The decision tables of a knowledge pack: numbers that decide, versioned, so that a run can say which it used."""

from collections.abc import Mapping
from dataclasses import dataclass

from riskdb.knowledge.types import STRICT, DeviceCategory, Number
from riskdb.model.care import Provenance
from riskdb.model.ids import DeviceTypeId


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityWeights:
    """How much one patient counts at each severity 1..5. A table's version goes into every run that used it."""

    __pydantic_config__ = STRICT

    version: int
    purpose: str
    weights: Mapping[str, Number]

    def by_severity(self) -> dict[int, float]:
        """Severity to weight. The engine counts with a table of its own; a test holds the two together."""
        return {int(severity): float(number.value) for severity, number in self.weights.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeConfidence:
    """How far an edge is to be believed, by how it came to be known."""

    __pydantic_config__ = STRICT

    version: int
    purpose: str
    observed: Number
    declared: Number
    inferred: Number
    assumed: Number

    def of(self, provenance: Provenance) -> float:
        """The confidence of edges of this provenance."""
        number: Number = getattr(self, provenance.value)
        return float(number.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyClasses:
    """What may be sent to a device of a type."""

    __pydantic_config__ = STRICT

    version: int
    purpose: str
    passive_categories: tuple[DeviceCategory, ...]
    passive_from_life_support_class: int
    gentle_although_life_support: tuple[DeviceCategory, ...]
    infrastructure_types: tuple[DeviceTypeId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """The pack's decision tables."""

    __pydantic_config__ = STRICT

    severity_weights: SeverityWeights
    edge_confidence: EdgeConfidence
    safety_classes: SafetyClasses
