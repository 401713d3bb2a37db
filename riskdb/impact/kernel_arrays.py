"""A network into the flat arrays that the kernel reads, and empty room for it to work in.

Computes no harm. What does not fit the kernel's words is refused by KernelLimitError, never cut off.
"""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import accumulate, chain
from typing import NamedTuple

import numpy as np

from riskdb.impact.kernel_layout import (
    CONSTANT,
    COUNTS,
    EVENTS_MAX,
    HORIZON_COUNT,
    I32,
    I64,
    LEAF,
    LIMB_BITS,
    LIMBS_MAX,
    MINUTES_MAX,
    PARTS_MAX,
    RECORDS_MAX,
    U64,
    Care,
    Events,
    KernelLimitError,
    Room,
)
from riskdb.impact.network import NEVER_MIN, CompiledStage, Network, ShareTree


def event_arrays(network: Network) -> Events:
    """The edges and thresholds of a network."""
    if len(network.edges) > EVENTS_MAX:
        raise KernelLimitError(f"the graph compiles to {len(network.edges)} events, the kernel takes {EVENTS_MAX}")
    ends = np.fromiter(
        chain.from_iterable(chain.from_iterable(network.edges)),
        dtype=np.int32,
        count=2 * sum(map(len, network.edges)),
    )
    return Events(
        nodes=network.nodes,
        edge_start=_starts(network.edges),
        edge_target=np.ascontiguousarray(ends[0::2]),
        edge_delay=np.ascontiguousarray(ends[1::2]),
        thresholds=np.array(network.thresholds, dtype=np.int32),
    )


def care_arrays(network: Network) -> Care:
    """The care of a network; KernelLimitError if its numbers need longer words than the kernel has."""
    slots = _Slots(network, limbs=limbs_of(network))
    programs = _Programs(network, slots)
    steps, nodes = network.steps, network.graph.nodes
    if sum(node.records for node in nodes) > RECORDS_MAX:
        raise KernelLimitError("the records of all nodes together are more than the kernel can count")
    code = programs.code
    return Care(
        provides_start=_starts(network.provides),
        provides=_joined(network.provides),
        lies_for=_longs(network.lies_for_min),
        records=_longs(node.records for node in nodes),
        pool_size=_longs(len(pool.providers) for pool in network.capabilities),
        pool_needed=_longs(pool.needed for pool in network.capabilities),
        used_by_start=_starts(network.used_by),
        used_by=_joined(network.used_by),
        step_pathway=_ints(step.pathway for step in steps),
        step_tolerance=_longs(min(step.tolerance_min, MINUTES_MAX) for step in steps),
        step_detected=_longs(min(step.detected_after_min, MINUTES_MAX) for step in steps),
        step_availability_weight=_longs(step.availability_weight for step in steps),
        step_integrity_weight=_longs(step.integrity_weight for step in steps),
        step_vital=_ints(step.vital for step in steps),
        step_program=_ints(programs.of_step),
        step_used_start=_starts([step.used for step in steps]),
        step_used=_joined([step.used for step in steps]),
        step_required_start=_starts([step.required for step in steps]),
        step_required=_joined([step.required for step in steps]),
        step_required_slot=_ints(programs.required_slots),
        stage_start=_starts([step.stages for step in steps]),
        stage_holds=_longs(min(stage.holds_min, MINUTES_MAX) for step in steps for stage in step.stages),
        stage_program=_ints(programs.of_stage),
        program_start=_longs([*programs.starts, len(code)]),
        code_k=_ints(one.k for one in code),
        code_argument=_ints(one.argument for one in code),
        code_factor=_longs(one.factor for one in code),
        code_slot=_ints(one.slot for one in code),
        slot_parts=_longs(slots.parts),
        slot_census=slots.census(),
        slot_arrivals=slots.arrivals(),
        pathway_first_step=_longs([*(pathway.steps[0] for pathway in network.pathways), len(steps)]),
        pathway_group=_ints(pathway.group for pathway in network.pathways),
        group_population=_ints(network.population_of),
    )


class _Slots:
    """The denominators in use, by pathway, and what one part of each is worth in the network's `total_parts`."""

    def __init__(self, network: Network, *, limbs: int) -> None:
        self._network = network
        self._bytes = limbs * LIMB_BITS // 8
        self._numbers: dict[tuple[int, int], int] = {}

    def number(self, pathway: int, parts: int) -> int:
        """The slot of a pathway's shares over `parts`."""
        if parts > PARTS_MAX:
            raise KernelLimitError(f"a share of 1 in {parts} is finer than 1 in {PARTS_MAX}")
        return self._numbers.setdefault((pathway, parts), len(self._numbers))

    @property
    def parts(self) -> list[int]:
        """By slot: the denominator."""
        return [parts for _, parts in self._numbers]

    def census(self) -> U64:
        """By slot, in limbs: the worth of a part as long as the census is there."""
        return self._limbs(self._network.pathways[pathway].census_factor for pathway, _ in self._numbers)

    def arrivals(self) -> U64:
        """By slot, in limbs: the worth of a part for a minute of arrivals."""
        return self._limbs(self._network.pathways[pathway].arrivals_factor for pathway, _ in self._numbers)

    def _limbs(self, factors: Iterable[int]) -> U64:
        packed = b"".join(
            (factor * (self._network.pathways[pathway].unit_parts // parts) * total).to_bytes(self._bytes, "little")
            for factor, (pathway, parts) in zip(factors, self._numbers, strict=True)
            for total in [self._network.pathways[pathway].total_factor]
        )
        return np.frombuffer(packed, dtype="<u4").reshape(len(self._numbers), -1).astype(np.uint64)


class _Code(NamedTuple):
    k: int
    argument: int
    factor: int
    slot: int


class _Programs:
    """The share trees of steps and stages as programs for a stack: parts first, then how many of them are enough."""

    def __init__(self, network: Network, slots: _Slots) -> None:
        self._network = network
        self._slots = slots
        self.code: list[_Code] = []
        self.starts: list[int] = []
        self.of_step: list[int] = []
        self.of_stage: list[int] = []
        self.required_slots: list[int] = []
        for step in network.steps:
            self.of_step.append(self._program(self._tree(step.requires, step.pathway, Fraction(1))))
            self.of_stage += [self._program(self._stage(stage, step.pathway)) for stage in step.stages]
            self.required_slots += [
                slots.number(step.pathway, len(network.capabilities[pool].providers)) for pool in step.required
            ]

    def _program(self, code: Iterable[_Code]) -> int:
        self.starts.append(len(self.code))
        self.code += code
        return len(self.starts) - 1

    def _stage(self, stage: CompiledStage, pathway: int) -> Iterator[_Code]:
        share = Fraction(stage.share_numerator, stage.share_denominator)
        if stage.requires is None:
            slot = self._slots.number(pathway, share.denominator)
            return iter([_Code(k=CONSTANT, argument=0, factor=share.numerator, slot=slot)])
        return self._tree(stage.requires, pathway, share)

    def _tree(self, tree: ShareTree, pathway: int, share: Fraction) -> Iterator[_Code]:
        """The tree's share times `share`: its leaves are scaled, which keeps their order."""
        if isinstance(tree, int):
            slot = self._slots.number(pathway, share.denominator * self._network.capabilities[tree].needed)
            yield _Code(k=LEAF, argument=tree, factor=share.numerator, slot=slot)
            return
        for part in tree.parts:
            yield from self._tree(part, pathway, share)
        yield _Code(k=tree.k, argument=len(tree.parts), factor=0, slot=0)


def limbs_of(network: Network) -> int:
    """How many limbs hold the largest index the network could have."""
    heaviest = 2 * max((max(step.availability_weight, step.integrity_weight) for step in network.steps), default=1)
    most = sum(
        (pathway.census_factor + pathway.arrivals_factor * NEVER_MIN) * pathway.unit_parts * pathway.total_factor
        for pathway in network.pathways
    )
    limbs = (most * heaviest).bit_length() // LIMB_BITS + 1
    if limbs > LIMBS_MAX:
        raise KernelLimitError(f"its shares need {limbs * LIMB_BITS} bits to be added exactly")
    return limbs


def room(events: Events, care: Care, *, limbs: int) -> Room:
    """Empty room for one thread."""
    numbers, pools, steps = len(events.thresholds), len(care.pool_size), len(care.step_pathway)
    pathways, groups = len(care.pathway_group), len(care.group_population)
    populations = int(care.group_population.max(initial=-1)) + 1
    providers = _most_providers(care)
    points = _most_points(care, providers)
    courses = steps + len(care.step_required) + 1
    code = len(care.code_k) + 1
    return Room(
        time=np.full(numbers, NEVER_MIN, dtype=np.int32),
        delivered=np.zeros(numbers, dtype=np.int32),
        queue=np.zeros(len(events.edge_target) + 3 * events.nodes + 2, dtype=np.int64),
        now=_room32(numbers + 1),
        touched=_room32(numbers),
        counted=_room32(numbers),
        node_mark=_room32(events.nodes),
        pool_mark=_room32(pools),
        step_mark=_room32(steps),
        pathway_mark=_room32(pathways),
        group_mark=_room32(groups),
        population_mark=_room32(populations),
        pools=_room32(pools),
        pathways=_room32(pathways),
        groups=_room32(groups),
        populations=_room32(populations),
        pool_head=_room32(pools),
        entry_node=_room32(len(care.provides)),
        entry_next=_room32(len(care.provides)),
        pool_gone=_room64(pools),
        keys=_room64(2 * int(providers.max(initial=0)) + 2),
        cuts=_room64(int((providers + np.diff(care.stage_start)).max(initial=0)) + 2),
        stack_parts=_room64(code),
        stack_slot=_room32(code),
        point_at=_room64(points),
        point_parts=_room64(points),
        point_slot=_room32(points),
        course_first=_room64(courses),
        course_end=_room64(courses),
        course_step=_room32(courses),
        course_weight=_room64(courses),
        course_next=_room64(courses),
        step_short=np.full(steps, NEVER_MIN, dtype=np.int64),
        pathway_sums=np.zeros((3, HORIZON_COUNT, limbs), dtype=np.uint64),
        running=np.zeros(limbs, dtype=np.uint64),
        group_sums=np.zeros((groups, HORIZON_COUNT, limbs), dtype=np.uint64),
        population_sums=np.zeros((populations, HORIZON_COUNT, limbs), dtype=np.uint64),
        total=np.zeros((3, HORIZON_COUNT, limbs), dtype=np.uint64),
        filled=_room64(COUNTS),
    )


def _most_providers(care: Care) -> I64:
    """By step: how many providers, counted once a capability, could end."""
    sizes = care.pool_size[care.step_used]
    sums = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
    found: I64 = sums[care.step_used_start[1:]] - sums[care.step_used_start[:-1]]
    return found


def _most_points(care: Care, providers: I64) -> int:
    """The points of all courses of the largest pathway: each end, stage and tolerance, and two for each lie."""
    of_step = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(3 * providers + np.diff(care.stage_start) + 2)])
    return int(np.diff(of_step[care.pathway_first_step]).max(initial=0)) + 2


def _starts(rows: Sequence[Sequence[object]]) -> I64:
    return np.fromiter(accumulate(map(len, rows), initial=0), dtype=np.int64, count=len(rows) + 1)


def _joined(rows: Iterable[Iterable[int]]) -> I32:
    return np.fromiter(chain.from_iterable(rows), dtype=np.int32)


def _longs(values: Iterable[int]) -> I64:
    return np.fromiter(values, dtype=np.int64)


def _ints(values: Iterable[int]) -> I32:
    return np.fromiter(values, dtype=np.int32)


def _room32(size: int) -> I32:
    return np.zeros(size, dtype=np.int32)


def _room64(size: int) -> I64:
    return np.zeros(size, dtype=np.int64)
