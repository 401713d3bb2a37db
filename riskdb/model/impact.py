"""Stations 6 and 7: which care stops, for whom, when, and the order in which it should worry us."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from riskdb.model.ids import CapabilityId, NodeId, PathwayId, StepId
from riskdb.model.scenario import Mode

PerHorizon = Mapping[str, float]  # keys of riskdb.model.care.HORIZONS_MIN, in their order


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeTimes:
    """When things happen to one node, in minutes; None is never."""

    taken_min: int | None = None
    down_min: int | None = None
    lying_min: int | None = None
    leaking_min: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepImpact:
    """One step over time: `loss` and `lying` are step functions as (from_min, share), starting at 0."""

    id: StepId
    short_from_min: int | None
    loss: tuple[tuple[int, float], ...]
    lying: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PathwayImpact:
    """What one pathway loses, in patients by horizon."""

    id: PathwayId
    patients_affected: PerHorizon
    patients_exposed: PerHorizon
    index: PerHorizon
    steps: tuple[StepImpact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """The outcome of one scenario. `nodes` holds only nodes to which something happens."""

    nodes: Mapping[NodeId, NodeTimes]
    records_exposed: Mapping[str, int]
    index: PerHorizon
    pathways: tuple[PathwayImpact, ...]


class EventKind(StrEnum):
    """What can happen to a node, a capability, a step or a pathway."""

    TAKEN = "taken"
    DOWN = "down"
    LYING = "lying"
    LEAKING = "leaking"
    SHORT = "short"  # a capability or a step has less than it needs
    LOST = "lost"  # patients are affected
    EXPOSED = "exposed"  # patients are treated on lies


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One link of a causal chain: this happened to that, then."""

    kind: EventKind
    subject: NodeId | CapabilityId | StepId | PathwayId
    at_min: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A loss and its causes, from the pathway down to the change of the scenario: effect first."""

    pathway: PathwayId
    step: StepId
    kind: EventKind  # LOST or EXPOSED
    starts_at_min: int
    share: float  # the largest share lost or exposed, 0..1
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why an asset has its rank: the pathways it hurts most, each with the chain that shows how."""

    mode: Mode
    pathways: tuple[PathwayId, ...]  # by falling index
    chains: tuple[Chain, ...]  # of the first of them


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedNode:
    """One row of the ranking; a rank without a reason cannot be built."""

    rank: int
    id: NodeId
    score: float
    mode: Mode
    vital: bool  # alone makes a step of severity 5 lose care within 7 days
    index: Mapping[Mode, PerHorizon]
    patients_affected: PerHorizon
    patients_exposed: PerHorizon
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakingNode:
    """One row of the confidentiality list."""

    id: NodeId
    records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """The order of all assets and services that harm care or expose records."""

    horizon: str
    rows: tuple[RankedNode, ...]
    confidentiality: tuple[LeakingNode, ...]
    computed_by: str = "reference"  # the engine; the numbers do not depend on it


@dataclass(frozen=True, slots=True, kw_only=True)
class SinglePoints:
    """The nodes whose outage alone makes a pathway lose care within 30 days."""

    pathway: PathwayId
    nodes: tuple[NodeId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DangerousPair:
    """Two nodes whose joint outage harms more than both alone together; `excess` is by how much (index, 30 days)."""

    nodes: tuple[NodeId, NodeId]
    excess: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CutSets:
    """What must not fail: single points by pathway, and pairs by falling excess."""

    single: tuple[SinglePoints, ...]
    pairs: tuple[DangerousPair, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonCause:
    """The nodes whose outage alone takes both a step's normal service and a fallback that should replace it."""

    pathway: PathwayId
    step: StepId
    nodes: tuple[NodeId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedGroup:
    """Nodes that each wait for another of them to start; a root waits for no other such group."""

    nodes: tuple[NodeId, ...]
    root: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdStart:
    """From everything down: the order in which nodes can start, wave by wave, and what can never start."""

    waves: tuple[tuple[NodeId, ...], ...]
    blocked: tuple[BlockedGroup, ...]
