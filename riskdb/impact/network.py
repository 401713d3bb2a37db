"""Station 6, the compiled graph: everything by number, ready for event propagation and for exact arithmetic.

Plain frozen tuples, no behaviour: `compile` fills them, `reference` and `harm` read them, a kernel could too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from riskdb.model.care import HORIZON_END_MIN, CareGraph
from riskdb.model.ids import NodeId

NEVER_MIN = HORIZON_END_MIN + 1  # the first minute that is never

# Severity weights, table 1 (expert default), in hundredths.
WEIGHTS_HUNDREDTHS: Mapping[int, int] = {1: 1, 2: 10, 3: 100, 4: 500, 5: 1_000}


class Happening(IntEnum):
    """What an event number means: event = happening x nodes + node; numbers from GATE x nodes on are gates."""

    TAKEN = 0
    DOWN = 1
    LYING = 2
    GATE = 3  # a part of a tree, or enough lying sources


@dataclass(frozen=True, slots=True)
class Quorum:
    """k of the parts are enough: all has k = len(parts), any has k = 1. A leaf is a capability number."""

    k: int
    parts: tuple["ShareTree", ...]


ShareTree = int | Quorum


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledStage:
    """A fallback with its served share as an exact fraction."""

    requires: ShareTree | None
    holds_min: int
    share_numerator: int
    share_denominator: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledStep:
    """A step with its trees by capability number."""

    pathway: int
    requires: ShareTree
    required: tuple[int, ...]  # the capabilities in `requires`
    used: tuple[int, ...]  # these and those of the fallbacks
    stages: tuple[CompiledStage, ...]
    tolerance_min: int
    detected_after_min: int
    availability_weight: int  # hundredths
    integrity_weight: int
    vital: bool  # losing it is of severity 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledCapability:
    """A pool of providers by node number."""

    providers: tuple[int, ...]
    needed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledPathway:
    """A pathway in whole numbers, so that sums and comparisons are exact.

    A share is a count of `unit_parts`. Patients are (census_factor x largest share + arrivals_factor x integral of the
    share over minutes) / patients_parts; `total_factor` brings that number to the network's `total_parts`.
    """

    steps: tuple[int, ...]
    group: int  # instances of one pathway in one population
    unit_parts: int
    census_factor: int
    arrivals_factor: int
    patients_parts: int
    total_factor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A care graph compiled to a timed monotone threshold network (docs/guides/engine.md).

    An event fires when `thresholds[event]` of the edges that lead to it have delivered; `edges[event]` are the
    (target, delay_min) it sends to when it fires. Each event fires once, so each edge delivers once.
    """

    graph: CareGraph
    numbers: Mapping[NodeId, int]
    edges: tuple[tuple[tuple[int, int], ...], ...]
    thresholds: tuple[int, ...]
    lies_for_min: tuple[int, ...]  # by node: how long it lies before it fails safe; NEVER_MIN if it never does
    provides: tuple[tuple[int, ...], ...]  # capabilities by node
    used_by: tuple[tuple[int, ...], ...]  # steps by capability
    capabilities: tuple[CompiledCapability, ...]
    steps: tuple[CompiledStep, ...]
    pathways: tuple[CompiledPathway, ...]
    population_of: tuple[int, ...]  # by group of pathways: the people they serve
    total_parts: int  # patients over all pathways are counts of this; an index of 100 times this

    @property
    def nodes(self) -> int:
        """How many nodes it has."""
        return len(self.lies_for_min)
