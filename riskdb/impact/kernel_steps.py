"""The kernel's middle: event times into the courses of loss and lies of one pathway's steps. Compiled.

A course is a row of points (minute, parts over a slot's denominator), 0 before the first. The meaning is that of
`step_harm`, which is the one to read; only providers to which something happens are looked at.
"""

from riskdb.impact.kernel_layout import (
    CONSTANT,
    COUNT_LIES,
    COUNT_LOSSES,
    COUNT_MARK,
    COUNT_PATHWAYS,
    COUNT_POOLS,
    COUNT_TOUCHED,
    COUNT_VITAL,
    I64,
    LEAF,
    Care,
    Events,
    Room,
)
from riskdb.impact.kernel_numba import part
from riskdb.impact.kernel_spread import pop, push
from riskdb.impact.network import NEVER_MIN
from riskdb.model.care import HORIZON_END_MIN, HORIZONS_MIN

VITAL_WITHIN_MIN = HORIZONS_MIN["7d"]  # whatever horizon a ranking asks for
KEY_BITS = 32
KEY_MASK = 2**KEY_BITS - 1
SHORT_SORT = 32


@part
def gather(events: Events, care: Care, room: Room) -> None:
    """List the pools with providers to which something happens, those providers, and the pathways that use them."""
    room.filled[COUNT_MARK] += 1
    room.filled[COUNT_POOLS] = 0
    room.filled[COUNT_PATHWAYS] = 0
    mark, nodes = room.filled[COUNT_MARK], events.nodes
    entries = 0
    for i in range(room.filled[COUNT_TOUCHED]):
        event = room.touched[i]
        if event < nodes or event >= 3 * nodes:
            continue
        node = event % nodes
        if room.node_mark[node] == mark:
            continue
        room.node_mark[node] = mark
        for place in range(care.provides_start[node], care.provides_start[node + 1]):
            pool = care.provides[place]
            if room.pool_mark[pool] != mark:
                _touch_pool(care, room, pool)
            room.entry_node[entries] = node
            room.entry_next[entries] = room.pool_head[pool]
            room.pool_head[pool] = entries
            entries += 1


@part
def _touch_pool(care: Care, room: Room, pool: int) -> None:
    mark = room.filled[COUNT_MARK]
    room.pool_mark[pool] = mark
    room.pool_head[pool] = -1
    room.pools[room.filled[COUNT_POOLS]] = pool
    room.filled[COUNT_POOLS] += 1
    for place in range(care.used_by_start[pool], care.used_by_start[pool + 1]):
        step = care.used_by[place]
        room.step_mark[step] = mark
        pathway = care.step_pathway[step]
        if room.pathway_mark[pathway] != mark:
            room.pathway_mark[pathway] = mark
            room.pathways[room.filled[COUNT_PATHWAYS]] = pathway
            room.filled[COUNT_PATHWAYS] += 1


@part
def pathway_courses(events: Events, care: Care, room: Room, pathway: int) -> None:
    """The courses of the touched steps of a pathway: COUNT_LOSSES of loss, then up to COUNT_LIES of lies."""
    mark = room.filled[COUNT_MARK]
    first, last = care.pathway_first_step[pathway], care.pathway_first_step[pathway + 1]
    points = courses = 0
    for step in range(first, last):
        if room.step_mark[step] == mark:
            end = _loss(events, care, room, step, points)
            courses = _keep_course(room, courses, points, end, step, care.step_availability_weight[step])
            if care.step_vital[step] and end > points and room.point_at[points] < VITAL_WITHIN_MIN:
                room.filled[COUNT_VITAL] = 1
            points = end
    room.filled[COUNT_LOSSES] = courses
    for step in range(first, last):
        if room.step_mark[step] == mark:
            for place in range(care.step_required_start[step], care.step_required_start[step + 1]):
                if room.pool_mark[care.step_required[place]] == mark:
                    end = _lies(events, care, room, step, place, points)
                    courses = _keep_course(room, courses, points, end, step, care.step_integrity_weight[step])
                    points = end
    room.filled[COUNT_LIES] = courses


@part
def _keep_course(room: Room, courses: int, first: int, end: int, step: int, weight: int) -> int:
    if end == first:
        return courses
    room.course_first[courses] = first
    room.course_end[courses] = end
    room.course_step[courses] = step
    room.course_weight[courses] = weight
    return courses + 1


@part
def _loss(events: Events, care: Care, room: Room, step: int, first: int) -> int:
    """Write what a step loses from point `first` on, and when it falls short; the end of its points."""
    ends = _ends(events, care, room, step)
    short = _short_from(care, room, step, ends)
    room.step_short[step] = short
    end = first
    if short < NEVER_MIN and short + care.step_tolerance[step] < HORIZON_END_MIN:
        end = _loss_from(care, room, step, ends, first)
    for i in range(ends):
        room.pool_gone[room.keys[i] & KEY_MASK] = 0
    return end


@part
def _ends(events: Events, care: Care, room: Room, step: int) -> int:
    """When which provider is of no use to a step any longer, sorted, as minute << 32 | pool; how many."""
    mark, nodes, detected = room.filled[COUNT_MARK], events.nodes, care.step_detected[step]
    ends = 0
    for place in range(care.step_used_start[step], care.step_used_start[step + 1]):
        pool = int(care.step_used[place])
        if room.pool_mark[pool] != mark:
            continue
        entry = room.pool_head[pool]
        while entry >= 0:
            node = room.entry_node[entry]
            at = min(int(room.time[nodes + node]), room.time[2 * nodes + node] + detected)
            if at < NEVER_MIN:
                room.keys[ends] = (at << KEY_BITS) | pool
                ends += 1
            entry = room.entry_next[entry]
    _sort(room.keys, ends)
    return ends


@part
def _short_from(care: Care, room: Room, step: int, ends: int) -> int:
    """The first minute at which normal service is not full; leaves no provider gone."""
    short = NEVER_MIN
    i = 0
    while i < ends and short == NEVER_MIN:
        at = room.keys[i] >> KEY_BITS
        i = _gone_until(room, i, ends, at)
        parts, slot = _share(care, room, care.step_program[step])
        if parts < care.slot_parts[slot]:
            short = at
    for done in range(i):
        room.pool_gone[room.keys[done] & KEY_MASK] = 0
    return short


@part
def _gone_until(room: Room, i: int, ends: int, at: int) -> int:
    """Count the providers that end until `at`, that minute included; the first that does not."""
    while i < ends and room.keys[i] >> KEY_BITS <= at:
        room.pool_gone[room.keys[i] & KEY_MASK] += 1
        i += 1
    return i


@part
def _loss_from(care: Care, room: Room, step: int, ends: int, first: int) -> int:
    """Write the points of a loss that begins."""
    cuts = _cuts(care, room, step, ends)
    point = first
    i = 0
    before_parts, before_slot = 0, care.code_slot[care.program_start[care.step_program[step]]]
    for cut in range(cuts):
        at = room.cuts[cut]
        i = _gone_until(room, i, ends, at)
        parts, slot = _share(care, room, care.step_program[step])
        stage = _stage_at(care, room, step, at)
        if stage >= 0:
            served, served_slot = _share(care, room, care.stage_program[stage])
            if served * care.slot_parts[slot] > parts * care.slot_parts[served_slot]:
                parts, slot = served, served_slot
        lost = care.slot_parts[slot] - parts
        if lost * care.slot_parts[before_slot] != before_parts * care.slot_parts[slot]:
            room.point_at[point] = at
            room.point_parts[point] = lost
            room.point_slot[point] = slot
            point += 1
            before_parts, before_slot = lost, slot
    return point


@part
def _cuts(care: Care, room: Room, step: int, ends: int) -> int:
    """The minutes at which a loss can change, sorted, each once: its begin, the ends of stages, the ends of use."""
    begins = room.step_short[step]
    harm_from = begins + care.step_tolerance[step]
    room.cuts[0] = harm_from
    cuts = 1
    for stage in range(care.stage_start[step], care.stage_start[step + 1]):
        begins += care.stage_holds[stage]
        if harm_from < begins < HORIZON_END_MIN:
            room.cuts[cuts] = begins
            cuts += 1
    for i in range(ends):
        at = room.keys[i] >> KEY_BITS
        if harm_from < at < HORIZON_END_MIN and (i == 0 or at != room.keys[i - 1] >> KEY_BITS):
            room.cuts[cuts] = at
            cuts += 1
    _sort(room.cuts, cuts)
    different = 1
    for cut in range(1, cuts):
        if room.cuts[cut] != room.cuts[different - 1]:
            room.cuts[different] = room.cuts[cut]
            different += 1
    return different


@part
def _stage_at(care: Care, room: Room, step: int, at: int) -> int:
    """The fallback in use at a minute, -1 for none."""
    ends = room.step_short[step]
    for stage in range(care.stage_start[step], care.stage_start[step + 1]):
        ends += care.stage_holds[stage]
        if at < ends:
            return stage
    return -1


@part
def _share(care: Care, room: Room, program: int) -> tuple[int, int]:
    """The share that a program finds with what is gone: parts and their slot."""
    parts, slots = room.stack_parts, room.stack_slot
    height = 0
    for code in range(care.program_start[program], care.program_start[program + 1]):
        k = care.code_k[code]
        if k == LEAF:
            pool = care.code_argument[code]
            working = care.pool_size[pool] - room.pool_gone[pool]
            parts[height] = care.code_factor[code] * min(working, care.pool_needed[pool])
            slots[height] = care.code_slot[code]
            height += 1
        elif k == CONSTANT:
            parts[height] = care.code_factor[code]
            slots[height] = care.code_slot[code]
            height += 1
        else:
            height -= care.code_argument[code]
            _largest_first(care, room, height, height + care.code_argument[code], k)
            parts[height] = parts[height + k - 1]
            slots[height] = slots[height + k - 1]
            height += 1
    return parts[0], slots[0]


@part
def _largest_first(care: Care, room: Room, first: int, end: int, k: int) -> None:
    """Bring the k largest shares of a stretch of the stack to its front, in order."""
    parts, slots = room.stack_parts, room.stack_slot
    for place in range(first, first + k):
        largest = place
        for other in range(place + 1, end):
            if parts[other] * care.slot_parts[slots[largest]] > parts[largest] * care.slot_parts[slots[other]]:
                largest = other
        parts[place], parts[largest] = parts[largest], parts[place]
        slots[place], slots[largest] = slots[largest], slots[place]


@part
def _lies(events: Events, care: Care, room: Room, step: int, place: int, first: int) -> int:
    """Write the lying share of one pool that a step requires, from point `first` on; the end of its points."""
    pool, slot = care.step_required[place], care.step_required_slot[place]
    changes = 0
    entry = room.pool_head[pool]
    while entry >= 0:
        node = room.entry_node[entry]
        begins = int(room.time[2 * events.nodes + node])
        lasts = min(care.step_detected[step], care.lies_for[node])
        if begins < HORIZON_END_MIN and lasts > 0:
            room.keys[changes] = begins << 1 | 1
            room.keys[changes + 1] = (begins + lasts) << 1
            changes += 2
        entry = room.entry_next[entry]
    _sort(room.keys, changes)
    point, lying, before = first, 0, 0
    for i in range(changes):
        at = room.keys[i] >> 1
        lying += 1 if room.keys[i] & 1 else -1
        last_of_minute = i + 1 == changes or room.keys[i + 1] >> 1 > at
        if at < HORIZON_END_MIN and last_of_minute and lying != before:
            room.point_at[point] = at
            room.point_parts[point] = lying
            room.point_slot[point] = slot
            point += 1
            before = lying
    return point


@part
def _sort(keys: I64, size: int) -> None:
    if size > SHORT_SORT:
        _heap_sort(keys, size)
        return
    for i in range(1, size):
        key = keys[i]
        place = i
        while place > 0 and keys[place - 1] > key:
            keys[place] = keys[place - 1]
            place -= 1
        keys[place] = key


@part
def _heap_sort(keys: I64, size: int) -> None:
    """Each key taken off the heap is left behind its end: they come out largest first, and are turned round."""
    for i in range(size):
        push(keys, i, keys[i])
    for i in range(size, 0, -1):
        pop(keys, i)
    for i in range(size // 2):
        keys[i], keys[size - 1 - i] = keys[size - 1 - i], keys[i]
