"""Station 6, the fast engine: a network into exact harm, by compiled loops over flat arrays that touch only what fails.

The reference engine says what the numbers mean; this one has them sooner, to the last bit. It knows no causes.
Importing this module imports numba: `engine` decides whether that is worth it.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue

import numpy as np
import numpy.typing as npt

from riskdb.impact.course import NOTHING, Course, highest
from riskdb.impact.evaluation import impact_of
from riskdb.impact.harm import PathwayHarm
from riskdb.impact.kernel_arrays import care_arrays, event_arrays, limbs_of, room
from riskdb.impact.kernel_harm import HORIZON_MINUTES, pathway_harm, total_harm
from riskdb.impact.kernel_layout import (
    COUNT_LIES,
    COUNT_LOSSES,
    COUNT_MARK,
    COUNT_PATHWAYS,
    COUNT_TOUCHED,
    COUNT_VISITS,
    COUNT_VITAL,
    HORIZON_COUNT,
    I32,
    I64,
    LIMB_BITS,
    SUM_AFFECTED,
    SUM_EXPOSED,
    SUM_INDEX,
    Care,
    Events,
    KernelLimitError,
    Room,
)
from riskdb.impact.kernel_limbs import add
from riskdb.impact.kernel_numba import entry, part
from riskdb.impact.kernel_spread import spread, undo
from riskdb.impact.kernel_steps import gather
from riskdb.impact.network import NEVER_MIN, Happening, Network
from riskdb.impact.reference import Times, event_of
from riskdb.impact.step_harm import StepHarm
from riskdb.model.impact import Impact
from riskdb.model.scenario import Mode, Scenario

__all__ = ["MODES", "Kernel", "KernelLimitError", "Scores", "wholes"]

NODES_A_CALL = 512  # or pairs: between two reports of progress, and two chances to stop
LIMB_BYTES = LIMB_BITS // 8
MODES = (Mode.AVAILABILITY, Mode.INTEGRITY)  # in the order of the second axis of `Scores.index`

OnProgress = Callable[[int, int], None]
Limbs = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What compromising each of some nodes does, at one horizon; rows in the order of the nodes."""

    index: Limbs  # nodes x MODES x limbs, in 100 x `total_parts`
    patients: Limbs  # nodes x MODES x limbs: affected and exposed within 30 days, in `total_parts`
    vital: npt.NDArray[np.bool_]
    records: I64
    edge_visits: int

    def harmful(self) -> Iterator[tuple[int, list[int], list[int]]]:
        """Of the rows that harm anybody: their number, the index by mode and the patients by mode."""
        rows = np.flatnonzero(self.index.any(axis=(1, 2)))
        return zip(rows.tolist(), _by_mode(self.index[rows]), _by_mode(self.patients[rows]), strict=True)


class Kernel:
    """A network in arrays. KernelLimitError if it does not fit; then the reference engine takes it."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._events = event_arrays(network)
        self._care = care_arrays(network)
        self._limbs = limbs_of(network)
        self._rooms: SimpleQueue[Room] = SimpleQueue()
        self._rooms.put(self._room())

    def evaluate(self, scenarios: Iterable[Scenario]) -> list[Impact]:
        """The impact of each scenario, as the reference engine's `evaluate` has it."""
        found = []
        for scenario in scenarios:
            starts = [(change.at_min, event_of(self.network, change)) for change in scenario.changes]
            found.append(impact_of(self.network, *self.harms(starts, mode=scenario.mode)))
        return found

    def harms(self, starts: Iterable[tuple[int, int]], *, mode: Mode | None) -> tuple[Times, Mapping[int, PathwayHarm]]:
        """The times, without causes, and the harmed pathways that follow from (minute, event) starts."""
        earliest: dict[int, int] = {}
        for at, event in starts:
            earliest[event] = min(at, earliest.get(event, NEVER_MIN))
        room = self._rooms.get()
        try:
            events_at = np.fromiter(earliest.values(), dtype=np.int32)
            _happen(
                self._events,
                self._care,
                room,
                np.fromiter(earliest, dtype=np.int32),
                events_at,
                self._consequence(mode),
            )
            touched = room.pathways[: room.filled[COUNT_PATHWAYS]].tolist()
            return self._times(room, mode), {pathway: self._pathway(room, pathway) for pathway in sorted(touched)}
        finally:
            _forget(room)
            self._rooms.put(room)

    def scores(self, nodes: Sequence[int], *, place: int, on_progress: OnProgress | None = None) -> Scores:
        """What compromising each node alone does in both modes, and the records it leaks, at horizon `place`."""
        found = Scores(
            index=np.zeros((len(nodes), len(MODES), self._limbs), dtype=np.uint32),
            patients=np.zeros((len(nodes), len(MODES), self._limbs), dtype=np.uint32),
            vital=np.zeros(len(nodes), dtype=np.bool_),
            records=np.zeros(len(nodes), dtype=np.int64),
            edge_visits=0,
        )
        # Those that bring down much often stand together: dealt out like cards, no thread has them all.
        calls = -(-len(nodes) // NODES_A_CALL) or 1
        dealt = np.argsort(np.arange(len(nodes)) % calls, kind="stable")
        numbers, at = np.array(nodes, dtype=np.int32)[dealt], np.zeros(1, dtype=np.int32)

        def score(room: Room, rows: slice) -> None:
            index, patients, vital = found.index[rows], found.patients[rows], found.vital[rows]
            _score_nodes(
                self._events, self._care, room, numbers[rows], at, place, index, patients, vital, found.records[rows]
            )

        visits = 0
        for done, visited in self._in_threads(score, len(nodes)):
            visits += visited
            if on_progress is not None:
                on_progress(done, len(nodes))
        back = np.argsort(dealt)
        return Scores(
            index=found.index[back],
            patients=found.patients[back],
            vital=found.vital[back],
            records=found.records[back],
            edge_visits=visits,
        )

    def joint_indices(self, pairs: Sequence[tuple[int, int]]) -> list[int]:
        """The index (30 days) of each pair of nodes that are down at 0, in 100 x `total_parts`."""
        down = Happening.DOWN * self.network.nodes
        events = np.array(pairs, dtype=np.int32).reshape(-1, 2) + np.int32(down)
        at = np.zeros(2, dtype=np.int32)
        index = np.zeros((len(pairs), self._limbs), dtype=np.uint32)

        def add_up(room: Room, rows: slice) -> None:
            _index_pairs(self._events, self._care, room, events[rows], at, index[rows])

        for _ in self._in_threads(add_up, len(pairs)):
            pass
        return wholes(index)

    def _in_threads(self, work: Callable[[Room, slice], None], rows: int) -> Iterator[tuple[int, int]]:
        """Do work on all rows, some a call; how many are done, and the edge visits of the last of them."""
        firsts = range(0, rows, NODES_A_CALL)
        workers = max(1, min(os.cpu_count() or 1, len(firsts)))
        while self._rooms.qsize() < workers:
            self._rooms.put(self._room())
        executor = ThreadPoolExecutor(max_workers=workers)
        try:
            calls: list[Future[int]] = [executor.submit(self._call, work, first) for first in firsts]
            for first, call in zip(firsts, calls, strict=True):
                yield min(first + NODES_A_CALL, rows), call.result()
        finally:
            executor.shutdown(cancel_futures=True)

    def _call(self, work: Callable[[Room, slice], None], first: int) -> int:
        room = self._rooms.get()
        room.filled[COUNT_VISITS] = 0
        try:
            work(room, slice(first, first + NODES_A_CALL))
            return int(room.filled[COUNT_VISITS])
        finally:
            self._rooms.put(room)

    def _room(self) -> Room:
        return room(self._events, self._care, limbs=self._limbs)

    def _consequence(self, mode: Mode | None) -> int:
        happening = {Mode.AVAILABILITY: Happening.DOWN, Mode.INTEGRITY: Happening.LYING}
        return happening[mode] * self.network.nodes if mode in happening else 0

    def _times(self, room: Room, mode: Mode | None) -> Times:
        events = room.touched[: room.filled[COUNT_TOUCHED]]
        pairs = zip(events.tolist(), room.time[events].tolist(), strict=True)
        by_happening: tuple[dict[int, int], dict[int, int], dict[int, int]] = ({}, {}, {})
        for event, at in pairs:
            happening, node = divmod(event, self.network.nodes)
            if happening < Happening.GATE:
                by_happening[happening][node] = at
        taken, down, lying = by_happening
        leaking = taken if mode is Mode.CONFIDENTIALITY else {}
        return Times(taken=taken, down=down, lying=lying, leaking=leaking, causes={})

    def _pathway(self, room: Room, number: int) -> PathwayHarm:
        _harm_pathway(self._events, self._care, room, number)
        index, affected, exposed = (
            tuple(part // self.network.pathways[number].total_factor for part in wholes(room.pathway_sums[kind]))
            for kind in (SUM_INDEX, SUM_AFFECTED, SUM_EXPOSED)
        )
        losses, lies = int(room.filled[COUNT_LOSSES]), int(room.filled[COUNT_LIES])
        lost = self._courses(room, number, 0, losses)
        lied = self._courses(room, number, losses, lies)
        steps = {
            step: StepHarm(
                short_from_min=None if room.step_short[step] == NEVER_MIN else int(room.step_short[step]),
                loss=highest(lost.get(step, [])),
                lying=highest(lied.get(step, [])),
            )
            for step in self.network.pathways[number].steps
            if room.step_mark[step] == room.filled[COUNT_MARK]
        }
        return PathwayHarm(steps=steps, affected=affected, exposed=exposed, index=index)

    def _courses(self, room: Room, pathway: int, first: int, end: int) -> Mapping[int, list[Course]]:
        """By step, courses in counts of the pathway's unit parts."""
        unit = self.network.pathways[pathway].unit_parts
        found: dict[int, list[Course]] = {}
        for course in range(first, end):
            points = slice(room.course_first[course], room.course_end[course])
            denominators = self._care.slot_parts[room.point_slot[points]].tolist()
            values = [
                (at, parts * (unit // of))
                for at, parts, of in zip(
                    room.point_at[points].tolist(), room.point_parts[points].tolist(), denominators, strict=True
                )
            ]
            begin = () if values[0][0] == 0 else NOTHING
            found.setdefault(int(room.course_step[course]), []).append((*begin, *values))
        return found


def wholes(limbs: Limbs) -> list[int]:
    """Rows of limbs as whole numbers."""
    width = limbs.shape[-1] * LIMB_BYTES
    packed = np.ascontiguousarray(limbs, dtype="<u4").tobytes()
    return [int.from_bytes(packed[at : at + width], "little") for at in range(0, len(packed), width)]


def _by_mode(limbs: Limbs) -> Iterator[list[int]]:
    numbers = iter(wholes(limbs))
    return map(list, zip(*[numbers] * len(MODES), strict=True))


@entry
def _happen(events: Events, care: Care, room: Room, starts: I32, starts_at: I32, leads_to: int) -> None:
    spread(events, room, starts, starts_at, leads_to)
    gather(events, care, room)


@entry
def _harm_pathway(events: Events, care: Care, room: Room, pathway: int) -> None:
    pathway_harm(events, care, room, pathway, 0, HORIZON_COUNT, 0)


@entry
def _forget(room: Room) -> None:
    undo(room)


@entry
def _score_nodes(
    events: Events,
    care: Care,
    room: Room,
    nodes: I32,
    at: I32,
    place: int,
    index: Limbs,
    patients: Limbs,
    vital: npt.NDArray[np.bool_],
    records: I64,
) -> None:
    last = HORIZON_COUNT - 1
    for i in range(len(nodes)):
        for mode in range(2):
            spread(
                events, room, nodes[i : i + 1], at, (mode + 1) * events.nodes
            )  # MODES are in the order of happenings
            total_harm(events, care, room, place)
            if mode == 0:
                records[i] = _records_taken(events, care, room, HORIZON_MINUTES[place])
            undo(room)
            vital[i] |= room.filled[COUNT_VITAL] > 0
            add(room.total[SUM_AFFECTED, last], room.total[SUM_EXPOSED, last])
            for limb in range(index.shape[2]):
                index[i, mode, limb] = room.total[SUM_INDEX, place, limb]
                patients[i, mode, limb] = room.total[SUM_AFFECTED, last, limb]


@entry
def _index_pairs(events: Events, care: Care, room: Room, pairs: I32, at: I32, index: Limbs) -> None:
    for i in range(len(pairs)):
        spread(events, room, pairs[i], at, 0)
        total_harm(events, care, room, HORIZON_COUNT - 1)
        undo(room)
        for limb in range(index.shape[1]):
            index[i, limb] = room.total[SUM_INDEX, HORIZON_COUNT - 1, limb]


@part
def _records_taken(events: Events, care: Care, room: Room, end_min: int) -> int:
    """Records of what is taken before a minute: who takes it could also make it leak, at the same time."""
    found = 0
    for i in range(room.filled[COUNT_TOUCHED]):
        event = room.touched[i]
        if event < events.nodes and room.time[event] < end_min:
            found += care.records[event]
    return found
