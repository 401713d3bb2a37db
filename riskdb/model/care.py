"""Station 5: the care graph - what care needs what, in the terms of docs/guides/engine.md (format care-graph/1).

Times are whole minutes, shares 0..1. A tree says what is enough; the graph says nothing about when things fail.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from riskdb.model.ids import (
    CapabilityId,
    DeviceTypeId,
    NodeId,
    PathwayId,
    PathwayTypeId,
    PopulationId,
    StepId,
    UnitId,
)

HORIZON_END_MIN = 43_200  # 30 days; an event later than this never happens (ENGINE: times)
HORIZONS_MIN: Mapping[str, int] = {
    "1h": 60,
    "4h": 240,
    "24h": 1_440,
    "72h": 4_320,
    "7d": 10_080,
    "30d": 43_200,
}
DEFAULT_HORIZON = "7d"
DETECTION_DEFAULT_MIN = 1_440


@dataclass(frozen=True, slots=True)
class Leaf:
    """One node or capability; `tolerance_min` is how long the dependent copes without it (needs of nodes only)."""

    id: str
    tolerance_min: int = 0


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part is needed."""

    parts: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One part is enough."""

    parts: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class KOf:
    """k of the parts are enough, 1 <= k <= len(parts)."""

    k: int
    parts: tuple["Tree", ...]


Tree = Leaf | AllOf | AnyOf | KOf


class NodeKind(StrEnum):
    """What a node is. Only assets and services are ranked; files may hold other words, which change no number."""

    ASSET = "asset"
    SERVICE = "service"
    SEGMENT = "segment"
    CIRCUIT = "circuit"
    MANUAL = "manual"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Delayed:
    """The other end of a manages or feeds edge, and how long the effect takes to reach it."""

    id: NodeId
    delay_min: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An asset, a service, or anything else that can fail, be taken, lie or leak."""

    id: NodeId
    kind: str = ""
    needs: Tree | None = None
    manages: tuple[Delayed, ...] = ()
    feeds: tuple[Delayed, ...] = ()
    cross_check: int = 1  # how many lying sources it takes to make it lie
    fails_safe_after_min: int | None = None  # how long after it began to lie it stops by itself or is withdrawn
    records: int = 0  # personal records it exposes when it leaks
    type: DeviceTypeId | None = None
    name: str | None = None
    unit: UnitId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """Something the ward can do while at least `needed` of its providers work; below that, in proportion."""

    id: CapabilityId
    providers: tuple[NodeId, ...]
    needed: int
    name: str | None = None
    unit: UnitId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Severity:
    """How bad it is, 1 (negligible) to 5 (catastrophic), to lose each of the three."""

    availability: int
    integrity: int
    confidentiality: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """A degraded way of doing a step: what it needs (nothing if None), how long it holds, what share it serves."""

    requires: Tree | None
    served_share: float
    holds_min: int = HORIZON_END_MIN
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that must happen on a pathway. Fallbacks are stages, used one after the other."""

    id: StepId
    requires: Tree
    severity: Severity
    tolerance_min: int = 0
    fallbacks: tuple[Fallback, ...] = ()
    integrity_detected_after_min: int = DETECTION_DEFAULT_MIN
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pathway:
    """A care pathway in one place. Instances of one pathway are different wards; a population is the same people."""

    id: PathwayId
    instance_of: PathwayTypeId
    population: PopulationId
    steps: tuple[Step, ...]
    census: float = 0.0
    arrivals_per_h: float = 0.0
    name: str | None = None
    unit: UnitId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CareGraph:
    """A whole hospital's dependencies. Ids are unique per kind of object; every reference resolves."""

    nodes: tuple[Node, ...]
    capabilities: tuple[Capability, ...]
    pathways: tuple[Pathway, ...]


class Provenance(StrEnum):
    """How an edge of the graph came to be known."""

    OBSERVED = "observed"
    DECLARED = "declared"
    INFERRED = "inferred"


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSource:
    """Why an edge is in the graph."""

    provenance: Provenance
    because: str  # an observation id, a person and date, or the pack's template
    confidence: float  # 0..1


@dataclass(frozen=True, slots=True, order=True)
class EdgeKey:
    """Names an edge: (source, needs|manages|feeds|provides, target)."""

    source: str
    kind: str
    target: str


class QuestionKind(StrEnum):
    """What is missing."""

    ASSUMED_CAPABILITY = "assumed_capability"  # nothing in the inventory provides it; assumed present
    UNKNOWN_LOCATION = "unknown_location"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_SWITCH = "unknown_switch"
    NO_UNIT_OF_TYPE = "no_unit_of_type"
    UNKNOWN_BEDS = "unknown_beds"
    UNCLEAR_LINK = "unclear_link"  # a declared link whose ends are not found, not told apart, or contradicted


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A fact that is missing and that somebody could supply."""

    kind: QuestionKind
    about: str  # the id of the node, capability or pathway concerned
    text_en: str
    text_fr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltGraph:
    """A care graph with the reasons for its edges, what is not known, and how many of its numbers nobody reviewed."""

    graph: CareGraph
    sources: Mapping[EdgeKey, EdgeSource] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()
    unreviewed_numbers: int = 0
