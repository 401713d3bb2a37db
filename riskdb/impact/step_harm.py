"""Station 6: what happened to the providers of one step into the care it loses and the lies it works on, over time.

Shares are counts of the pathway's `unit_parts`. Only providers to which something happens are looked at. Pure.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from riskdb.impact.course import NOTHING, Course, course, highest
from riskdb.impact.network import NEVER_MIN, CompiledStage, CompiledStep, Network, ShareTree
from riskdb.impact.reference import Times


@dataclass(frozen=True, slots=True, kw_only=True)
class StepHarm:
    """What one step loses and how much of it lies; `short_from_min` is None if it never falls short."""

    short_from_min: int | None
    loss: Course
    lying: Course


def touched_providers(network: Network, times: Times) -> dict[int, list[int]]:
    """By capability number, its providers to which something happens."""
    touched: dict[int, list[int]] = {}
    for node in times.down.keys() | times.lying.keys():
        for capability in network.provides[node]:
            touched.setdefault(capability, []).append(node)
    return touched


def step_harm(network: Network, times: Times, touched: Mapping[int, Sequence[int]], step: CompiledStep) -> StepHarm:
    """The harm of a step; `touched` are, by capability, the providers to which something happens."""
    pools = Pools(network, times, touched, step)
    short_from_min = next((at for at in pools.moments if pools.share(step.requires, at) < pools.unit), None)
    return StepHarm(
        short_from_min=short_from_min,
        loss=NOTHING if short_from_min is None else _loss(step, pools, short_from_min),
        lying=_lying(network, times, touched, step) if times.lying else NOTHING,
    )


class Pools:
    """How much of each capability is there at each moment at which a provider ends."""

    def __init__(
        self, network: Network, times: Times, touched: Mapping[int, Sequence[int]], step: CompiledStep
    ) -> None:
        self.unit = network.pathways[step.pathway].unit_parts
        self._pools = {number: network.capabilities[number] for number in step.used if number in touched}
        self._ends = {
            number: sorted(end for node in touched[number] if (end := works_until(times, node, step)) < NEVER_MIN)
            for number in self._pools
        }
        self.moments = sorted({end for ends in self._ends.values() for end in ends})
        self._shares: dict[int, dict[int, int]] = {}

    def share(self, tree: ShareTree, at: int) -> int:
        """The share that a tree of capabilities has at a moment."""
        if at not in self._shares:
            self._shares[at] = {number: self._share(number, at) for number in self._pools}
        return _share(tree, self._shares[at], self.unit)

    def _share(self, number: int, at: int) -> int:
        pool = self._pools[number]
        working = len(pool.providers) - bisect_right(self._ends[number], at)
        return min(working, pool.needed) * self.unit // pool.needed


def works_until(times: Times, node: int, step: CompiledStep) -> int:
    """The minute from which a provider is of no use to a step: it is down, or found lying and withdrawn."""
    down, lying = times.down.get(node, NEVER_MIN), times.lying.get(node, NEVER_MIN)
    return min(down, lying + step.detected_after_min)


def _share(tree: ShareTree, shares: Mapping[int, int], unit: int) -> int:
    if isinstance(tree, int):
        return shares.get(tree, unit)
    parts = [_share(part, shares, unit) for part in tree.parts]
    if tree.k == 1:
        return max(parts)
    return min(parts) if tree.k == len(parts) else sorted(parts, reverse=True)[tree.k - 1]


def _loss(step: CompiledStep, pools: Pools, short_from_min: int) -> Course:
    harm_from_min = short_from_min + step.tolerance_min
    stages: list[tuple[int, int, CompiledStage]] = []
    begins = short_from_min
    for stage in step.stages:
        stages.append((begins, begins + stage.holds_min, stage))
        begins += stage.holds_min
    cuts = {harm_from_min, *pools.moments, *(end for _, end, _ in stages)}
    return course(
        (at, pools.unit - max(pools.share(step.requires, at), _served(stages, pools, at)))
        for at in sorted(cuts)
        if harm_from_min <= at < NEVER_MIN
    )


def _served(stages: Sequence[tuple[int, int, CompiledStage]], pools: Pools, at: int) -> int:
    """The share that the fallback in use at a moment serves."""
    for begins, ends, stage in stages:
        if begins <= at < ends:
            open_share = pools.unit if stage.requires is None else pools.share(stage.requires, at)
            return open_share * stage.share_numerator // stage.share_denominator
    return 0


def _lying(network: Network, times: Times, touched: Mapping[int, Sequence[int]], step: CompiledStep) -> Course:
    unit = network.pathways[step.pathway].unit_parts
    courses: list[Course] = []
    for number in step.required:
        changes = [
            change
            for node in touched.get(number, ())
            if node in times.lying
            for change in _lies(times.lying[node], min(step.detected_after_min, network.lies_for_min[node]))
        ]
        part = unit // len(network.capabilities[number].providers)
        if changes:
            courses.append(_running(sorted(changes), part))
    return highest(courses)


def _lies(begins: int, lasts_min: int) -> tuple[tuple[int, int], tuple[int, int]]:
    return (begins, 1), (begins + lasts_min, -1)


def _running(changes: Sequence[tuple[int, int]], part: int) -> Course:
    """A running count of (minute, +1 or -1), each worth `part`; what begins and ends in a minute cancels out."""
    totals: dict[int, int] = {}
    count = 0
    for at, change in changes:
        count += change
        totals[at] = count * part
    return course(totals.items())
