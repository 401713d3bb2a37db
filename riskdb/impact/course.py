"""Step functions over the minutes of a scenario: how a share goes up and down. Whole numbers, pure.

A course is a tuple of (from_min, value): the first from minute 0, then one at each change before 30 days.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from riskdb.model.care import HORIZON_END_MIN, HORIZONS_MIN

HORIZONS = tuple(HORIZONS_MIN.values())

Course = tuple[tuple[int, int], ...]
NOTHING: Course = ((0, 0),)


def course(values: Iterable[tuple[int, int]]) -> Course:
    """From (minute, value) in strict order of time, 0 before the first: the changes before 30 days."""
    found = [(0, 0)]
    for at, value in values:
        if at >= HORIZON_END_MIN or value == found[-1][1]:
            continue
        if at == 0:
            found.clear()
        found.append((at, value))
    return tuple(found)


def highest(courses: Sequence[Course]) -> Course:
    """At every moment the highest of several."""
    if not courses:
        return NOTHING
    if len(courses) == 1:
        return courses[0]
    current = [0] * len(courses)
    marks = sorted((at, number, value) for number, one in enumerate(courses) for at, value in one)
    values: list[tuple[int, int]] = []
    for (at, number, value), (following, _, _) in pairwise([*marks, (HORIZON_END_MIN, 0, 0)]):
        current[number] = value
        if following > at:
            values.append((at, max(current)))
    return course(values)


def scaled(one: Course, factor: int) -> Course:
    """The course with each value times `factor`, which is not 0."""
    return tuple((at, value * factor) for at, value in one)


def peaks(one: Course) -> tuple[int, ...]:
    """By horizon: the highest value before it."""
    return tuple(max(value for at, value in one if at < horizon) for horizon in HORIZONS)


def integrals(one: Course) -> tuple[int, ...]:
    """By horizon: the sum of value x minutes before it."""
    spans = [(at, until, value) for (at, value), (until, _) in pairwise([*one, (HORIZON_END_MIN, 0)]) if value]
    return tuple(
        sum(value * (min(until, horizon) - at) for at, until, value in spans if at < horizon) for horizon in HORIZONS
    )
