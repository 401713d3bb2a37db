"""The kernel's first half: starts in, the minute of each event out, as the reference engine has them; no causes.

Touches only what happens, and notes what it touched so that `undo` costs no more. Compiled; knows no patients.
"""

from riskdb.impact.kernel_layout import COUNT_COUNTED, COUNT_TOUCHED, COUNT_VISITS, I32, I64, Events, Room
from riskdb.impact.kernel_numba import part
from riskdb.impact.network import NEVER_MIN

EVENT_BITS = 32
EVENT_MASK = 2**EVENT_BITS - 1


@part
def push(queue: I64, size: int, key: int) -> int:
    """Put a key on a binary heap of `size` keys; the new size."""
    place = size
    while place > 0:
        parent = (place - 1) >> 1
        if queue[parent] <= key:
            break
        queue[place] = queue[parent]
        place = parent
    queue[place] = key
    return size + 1


@part
def pop(queue: I64, size: int) -> int:
    """Take the smallest key off the heap; its new size is one less, the key is left behind the end."""
    smallest, key = queue[0], queue[size - 1]
    size -= 1
    place = 0
    while 2 * place + 1 < size:
        child = 2 * place + 1
        if child + 1 < size and queue[child + 1] < queue[child]:
            child += 1
        if key <= queue[child]:
            break
        queue[place] = queue[child]
        place = child
    queue[place] = key
    queue[size] = smallest
    return size


@part
def happens(room: Room, event: int, at: int) -> None:
    """Note that an event happens at a minute, or earlier than thought."""
    if room.time[event] == NEVER_MIN:
        room.touched[room.filled[COUNT_TOUCHED]] = event
        room.filled[COUNT_TOUCHED] += 1
    room.time[event] = at


@part
def enough_delivered(events: Events, room: Room, gate: int) -> bool:
    """Count one more delivery at a gate: is it the one the gate waits for?"""
    if room.delivered[gate] == 0:
        room.counted[room.filled[COUNT_COUNTED]] = gate
        room.filled[COUNT_COUNTED] += 1
    room.delivered[gate] += 1
    return bool(room.delivered[gate] == events.thresholds[gate])


@part
def spread(events: Events, room: Room, starts: I32, starts_at: I32, leads_to: int) -> None:
    """The least fixpoint from starts, none of them a gate; `leads_to` is how far from taken to what it makes happen."""
    queue, time = room.queue, room.time
    size = 0
    for i in range(len(starts)):
        if starts_at[i] < time[starts[i]]:
            happens(room, starts[i], starts_at[i])
            size = push(queue, size, (int(starts_at[i]) << EVENT_BITS) | int(starts[i]))
    while size > 0:
        size = pop(queue, size)
        at, event = queue[size] >> EVENT_BITS, queue[size] & EVENT_MASK
        if events.thresholds[event] > 1:
            if time[event] <= at or not enough_delivered(events, room, event):
                continue
            happens(room, event, at)
        elif time[event] < at:
            continue
        size = _at_once(events, room, at, event, leads_to, size)


@part
def _at_once(events: Events, room: Room, at: int, first: int, leads_to: int, size: int) -> int:
    """Let an event happen with all that follows in the same minute; what follows later goes on the queue."""
    time, now, targets, delays = room.time, room.now, events.edge_target, events.edge_delay
    now[0] = first
    waiting = 1
    visits = 0
    while waiting > 0:
        waiting -= 1
        event = now[waiting]
        if leads_to > 0 and event < events.nodes and at < time[event + leads_to]:
            happens(room, event + leads_to, at)
            now[waiting] = event + leads_to
            waiting += 1
        begin, end = events.edge_start[event], events.edge_start[event + 1]
        visits += end - begin
        for edge in range(begin, end):
            target, when = targets[edge], at + delays[edge]
            if when >= time[target]:
                continue
            if events.thresholds[target] == 1:
                happens(room, target, when)
            elif when == at:
                if not enough_delivered(events, room, target):
                    continue
                happens(room, target, when)
            if when == at:
                now[waiting] = target
                waiting += 1
            else:
                size = push(room.queue, size, (when << EVENT_BITS) | target)
    room.filled[COUNT_VISITS] += visits
    return size


@part
def undo(room: Room) -> None:
    """Make the room empty again."""
    for i in range(room.filled[COUNT_TOUCHED]):
        room.time[room.touched[i]] = NEVER_MIN
    for i in range(room.filled[COUNT_COUNTED]):
        room.delivered[room.counted[i]] = 0
    room.filled[COUNT_TOUCHED] = 0
    room.filled[COUNT_COUNTED] = 0
