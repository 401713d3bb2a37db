"""What the kernel reads and where it works: flat arrays by name, and the limits of its words.

Types only. Rows of a list lie one after the other; `*_start` says where each begins, its last entry where all end.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riskdb.model.care import HORIZONS_MIN

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

HORIZON_COUNT = len(HORIZONS_MIN)
LIMB_BITS = 32  # exact sums are held in limbs of this size, so that a product of two fits a machine word
LIMBS_MAX = 64  # 2,048 bits: more unlike pools than a region has; beyond it the reference counts
EVENTS_MAX = 2**31 - 1  # event numbers are 32 bits in a queue entry
MINUTES_MAX = 10**9  # longer waits are never; keeps sums of minutes within a machine word
PARTS_MAX = 2**26  # of a share; two shares and a weight multiplied still fit a machine word
RECORDS_MAX = 2**62  # of all nodes together


class KernelLimitError(ValueError):
    """This network has numbers beyond the kernel's words; the reference engine takes it."""


class Events(NamedTuple):
    """The threshold network: `edge_*` of an event are at edge_start[event] up to edge_start[event + 1]."""

    nodes: int
    edge_start: I64
    edge_target: I32
    edge_delay: I32
    thresholds: I32


class Care(NamedTuple):
    """Who provides what to which step, and what it weighs.

    A share is `parts` over the denominator of a slot; a slot belongs to one pathway and has, in limbs, what one part of
    it is worth in the network's `total_parts`: once for the census, and for each minute for the arrivals.
    """

    provides_start: I64
    provides: I32
    lies_for: I64
    records: I64
    pool_size: I64
    pool_needed: I64
    used_by_start: I64
    used_by: I32
    step_pathway: I32
    step_tolerance: I64
    step_detected: I64
    step_availability_weight: I64
    step_integrity_weight: I64
    step_vital: I32
    step_program: I32
    step_used_start: I64
    step_used: I32
    step_required_start: I64
    step_required: I32
    step_required_slot: I32
    stage_start: I64
    stage_holds: I64
    stage_program: I32
    program_start: I64
    code_k: I32  # LEAF, CONSTANT, or how many of the last `code_argument` values are enough
    code_argument: I32  # of a leaf: the pool
    code_factor: I64
    code_slot: I32
    slot_parts: I64
    slot_census: U64
    slot_arrivals: U64
    pathway_first_step: I64
    pathway_group: I32
    group_population: I32


class Room(NamedTuple):
    """Where one thread works. Everything is as it was when a scenario is over."""

    time: I32  # by event; NEVER_MIN when it has not happened
    delivered: I32  # by event, gates only
    queue: I64  # a binary heap of minute << 32 | event
    now: I32
    touched: I32
    counted: I32
    node_mark: I32
    pool_mark: I32
    step_mark: I32
    pathway_mark: I32
    group_mark: I32
    population_mark: I32
    pools: I32
    pathways: I32
    groups: I32
    populations: I32
    pool_head: I32
    entry_node: I32
    entry_next: I32
    pool_gone: I64
    keys: I64
    cuts: I64
    stack_parts: I64
    stack_slot: I32
    point_at: I64
    point_parts: I64
    point_slot: I32
    course_first: I64
    course_end: I64
    course_step: I32
    course_weight: I64
    course_next: I64
    step_short: I64
    pathway_sums: U64  # horizons x limbs: index; then affected, then exposed
    running: U64
    group_sums: U64
    population_sums: U64
    total: U64
    filled: I64  # how full the lists are, by the COUNT_ names


COUNT_TOUCHED, COUNT_COUNTED, COUNT_POOLS, COUNT_PATHWAYS, COUNT_GROUPS, COUNT_POPULATIONS = range(6)
COUNT_LOSSES, COUNT_LIES, COUNT_MARK, COUNT_VITAL, COUNT_VISITS = range(6, 11)
COUNTS = 11
LEAF, CONSTANT = 0, -1  # what `code_k` says other than how many are enough
SUM_INDEX, SUM_AFFECTED, SUM_EXPOSED = range(3)
