"""The kernel's second half: event times into patients and the index, added up exactly. Compiled.

The meaning is that of `harm`, which is the one to read: counts of the network's `total_parts`, an index of 100 times as
many, here in limbs.
"""

import numpy as np

from riskdb.impact.course import HORIZONS
from riskdb.impact.kernel_layout import (
    COUNT_GROUPS,
    COUNT_LIES,
    COUNT_LOSSES,
    COUNT_MARK,
    COUNT_PATHWAYS,
    COUNT_POPULATIONS,
    COUNT_VITAL,
    HORIZON_COUNT,
    SUM_AFFECTED,
    SUM_EXPOSED,
    SUM_INDEX,
    U64,
    Care,
    Events,
    Room,
)
from riskdb.impact.kernel_limbs import add, add_product, clear, raise_to
from riskdb.impact.kernel_numba import part
from riskdb.impact.kernel_steps import gather, pathway_courses
from riskdb.model.care import HORIZON_END_MIN

HORIZON_MINUTES = np.array(HORIZONS, dtype=np.int64)


@part
def total_harm(events: Events, care: Care, room: Room, place: int) -> None:
    """Leave in `room.total` what happened to the hospital at horizon `place`, and patients at 30 days."""
    gather(events, care, room)
    room.filled[COUNT_VITAL] = 0
    room.filled[COUNT_GROUPS] = 0
    room.filled[COUNT_POPULATIONS] = 0
    clear(room.total[SUM_INDEX, place])
    for kind in range(SUM_AFFECTED, SUM_EXPOSED + 1):
        clear(room.total[kind, HORIZON_COUNT - 1])
    for i in range(room.filled[COUNT_PATHWAYS]):
        pathway = room.pathways[i]
        pathway_harm(events, care, room, pathway, place, place + 1, HORIZON_COUNT - 1)
        for kind in range(SUM_AFFECTED, SUM_EXPOSED + 1):
            add(room.total[kind, HORIZON_COUNT - 1], room.pathway_sums[kind, HORIZON_COUNT - 1])
        _add_to_group(care, room, pathway, place)
    _add_up_groups(care, room, place)


@part
def pathway_harm(
    events: Events, care: Care, room: Room, pathway: int, place: int, place_end: int, patients_place: int
) -> None:
    """Leave in `room.pathway_sums` the index of a pathway at some horizons, and its patients from theirs on."""
    pathway_courses(events, care, room, pathway)
    for horizon in range(place, place_end):
        clear(room.pathway_sums[SUM_INDEX, horizon])
    for horizon in range(patients_place, HORIZON_COUNT):
        clear(room.pathway_sums[SUM_AFFECTED, horizon])
        clear(room.pathway_sums[SUM_EXPOSED, horizon])
    losses, lies = room.filled[COUNT_LOSSES], room.filled[COUNT_LIES]
    if losses > 0:
        _add_worst(care, room, 0, losses, True, place, place_end, room.pathway_sums[SUM_INDEX])
        _add_worst(care, room, 0, losses, False, patients_place, HORIZON_COUNT, room.pathway_sums[SUM_AFFECTED])
    if lies > losses:
        _add_worst(care, room, losses, lies, True, place, place_end, room.pathway_sums[SUM_INDEX])
        _add_worst(care, room, losses, lies, False, patients_place, HORIZON_COUNT, room.pathway_sums[SUM_EXPOSED])


@part
def _add_worst(
    care: Care, room: Room, first: int, end: int, weighted: bool, place: int, place_end: int, sums: U64
) -> None:
    """Add to `sums`, at the horizons from `place` to before `place_end`, the patients of the worst at each moment."""
    running = room.running
    clear(running)
    for course in range(first, end):
        room.course_next[course] = room.course_first[course]
    parts = peak_parts = 0
    slot = peak_slot = room.point_slot[room.course_first[first]]
    at = 0
    while place < place_end:
        until = _next_change(room, first, end)
        while place < place_end and HORIZON_MINUTES[place] <= until:
            add_product(running, parts * (HORIZON_MINUTES[place] - at), care.slot_arrivals[slot])
            at = HORIZON_MINUTES[place]
            add(sums[place], running)
            add_product(sums[place], peak_parts, care.slot_census[peak_slot])
            place += 1
        if place == place_end:
            return
        if parts > 0:
            add_product(running, parts * (until - at), care.slot_arrivals[slot])
        at = until
        parts, slot = _worst_at(care, room, first, end, weighted, at)
        if parts * care.slot_parts[peak_slot] > peak_parts * care.slot_parts[slot]:
            peak_parts, peak_slot = parts, slot


@part
def _next_change(room: Room, first: int, end: int) -> int:
    """The earliest point that no course has passed; the end of time when there is none."""
    until = HORIZON_END_MIN
    for course in range(first, end):
        if room.course_next[course] < room.course_end[course]:
            until = min(until, room.point_at[room.course_next[course]])
    return until


@part
def _worst_at(care: Care, room: Room, first: int, end: int, weighted: bool, at: int) -> tuple[int, int]:
    """Pass the points at a minute; the highest value from then on, times its weight: parts and their slot."""
    worst, worst_slot = 0, room.point_slot[room.course_first[first]]
    for course in range(first, end):
        point = room.course_next[course]
        if point < room.course_end[course] and room.point_at[point] == at:
            point += 1
            room.course_next[course] = point
        if point == room.course_first[course]:
            continue
        parts, slot = room.point_parts[point - 1], room.point_slot[point - 1]
        if weighted:
            parts *= room.course_weight[course]
        if parts * care.slot_parts[worst_slot] > worst * care.slot_parts[slot]:
            worst, worst_slot = parts, slot
    return worst, worst_slot


@part
def _add_to_group(care: Care, room: Room, pathway: int, place: int) -> None:
    """Instances of one pathway are different people: they add."""
    group, mark = care.pathway_group[pathway], room.filled[COUNT_MARK]
    if room.group_mark[group] != mark:
        room.group_mark[group] = mark
        room.groups[room.filled[COUNT_GROUPS]] = group
        room.filled[COUNT_GROUPS] += 1
        clear(room.group_sums[group, place])
    add(room.group_sums[group, place], room.pathway_sums[SUM_INDEX, place])


@part
def _add_up_groups(care: Care, room: Room, place: int) -> None:
    """The same people count once, by the largest group; different people add."""
    mark = room.filled[COUNT_MARK]
    for i in range(room.filled[COUNT_GROUPS]):
        group = room.groups[i]
        population = care.group_population[group]
        if room.population_mark[population] != mark:
            room.population_mark[population] = mark
            room.populations[room.filled[COUNT_POPULATIONS]] = population
            room.filled[COUNT_POPULATIONS] += 1
            clear(room.population_sums[population, place])
        raise_to(room.population_sums[population, place], room.group_sums[group, place])
    for i in range(room.filled[COUNT_POPULATIONS]):
        add(room.total[SUM_INDEX, place], room.population_sums[room.populations[i], place])
