"""What must not fail: single points of failure, pairs that are worse together than apart, common causes.

Exact, by looking again only where two outages meet. Pure. An outage here is `down` at minute 0.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from riskdb.impact.course import NOTHING
from riskdb.impact.engine import Engine, engine_for
from riskdb.impact.evaluation import INDEX_PARTS
from riskdb.impact.harm import PathwayHarm, harms, pathway_harm, total_index
from riskdb.impact.network import NEVER_MIN, CompiledStep, Happening, Network
from riskdb.impact.reference import Times, spread
from riskdb.impact.step_harm import Pools, step_harm, touched_providers
from riskdb.model.care import HORIZON_END_MIN
from riskdb.model.ids import NodeId
from riskdb.model.impact import CommonCause, CutSets, DangerousPair, SinglePoints

if TYPE_CHECKING:
    from riskdb.impact.kernel import Kernel

EXCESS_PARTS = 10**9  # a pair is dangerous from an excess of 1 in this many of its index, or of 1 if that is less

PAIRS_A_CALL = 100_000  # of the kernel: some MB, and a report of progress within a second

OnProgress = Callable[[int, int], None]
_Excesses = list[tuple[int, tuple[int, int]]]


def cut_sets(network: Network, *, on_progress: OnProgress | None = None, engine: Engine | None = None) -> CutSets:
    """All single points of failure by pathway, and all dangerous pairs by falling excess, then by id."""
    outages = [_outage(network, node) for node in range(network.nodes)]
    meetings = _Meetings(network, outages)
    kernel = (engine or engine_for(network)).kernel
    found = _excesses(meetings, network) if kernel is None else _kernel_excesses(meetings, network, kernel)
    pairs: list[tuple[int, tuple[NodeId, NodeId]]] = []
    for done, excesses in found:
        for excess, (one, two) in excesses:
            first, second = sorted((network.graph.nodes[one].id, network.graph.nodes[two].id))
            pairs.append((excess, (first, second)))
        if on_progress is not None:
            on_progress(done, network.nodes)
    unit = INDEX_PARTS * network.total_parts
    return CutSets(
        single=tuple(_single_points(network, outages)),
        pairs=tuple(
            DangerousPair(nodes=nodes, excess=excess / unit)
            for excess, nodes in sorted(pairs, key=lambda found: (-found[0], found[1]))
        ),
    )


def _excesses(meetings: "_Meetings", network: Network) -> Iterator[tuple[int, _Excesses]]:
    """How many nodes are done, and the dangerous pairs of the last of them."""
    for node in range(network.nodes):
        pairs = [(node, other) for other in meetings.of(node)]
        excesses = ((meetings.excess(*pair), pair) for pair in pairs)
        yield node + 1, [found for found in excesses if found[0]]


def _kernel_excesses(meetings: "_Meetings", network: Network, kernel: "Kernel") -> Iterator[tuple[int, _Excesses]]:
    """The same, the joint index of each pair by the kernel, many at a time."""
    pairs: list[tuple[int, int]] = []
    for node in range(network.nodes):
        pairs += [(node, other) for other in meetings.of(node)]
        if len(pairs) >= PAIRS_A_CALL or node + 1 == network.nodes:
            joint = kernel.joint_indices(pairs)
            excesses = ((meetings.danger(pair, index), pair) for pair, index in zip(pairs, joint, strict=True))
            yield node + 1, [found for found in excesses if found[0]]
            pairs = []


def common_causes(network: Network) -> tuple[CommonCause, ...]:
    """The steps whose normal service and fallback fall together, each with the nodes that take both."""
    found: dict[int, list[NodeId]] = {}
    for node in range(network.nodes):
        outage = _outage(network, node)
        touched = touched_providers(network, outage.times)
        for harm in outage.by_pathway.values():
            for number, step in harm.steps.items():
                pools = Pools(network, outage.times, touched, network.steps[number])
                if _fails_with_its_fallback(network.steps[number], pools, step.short_from_min):
                    found.setdefault(number, []).append(network.graph.nodes[node].id)
    return tuple(_common_cause(network, number, nodes) for number, nodes in sorted(found.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outage:
    """What one node's outage alone does."""

    event: int
    happened: Mapping[int, int]
    times: Times
    by_pathway: Mapping[int, PathwayHarm]
    index: int  # 30 days, in 100 x `total_parts`


def _outage(network: Network, node: int) -> _Outage:
    event = Happening.DOWN * network.nodes + node
    happened, _ = spread(network, [(0, event)])
    times = _down_only(_down(network, happened))
    by_pathway = harms(network, times)
    index = total_index(network, by_pathway)[-1]
    return _Outage(event=event, happened=happened, times=times, by_pathway=by_pathway, index=index)


def _down(network: Network, happened: Mapping[int, int]) -> dict[int, int]:
    """By node; nothing else than stopping comes of an outage."""
    first, end = Happening.DOWN * network.nodes, Happening.LYING * network.nodes
    return {event - first: at for event, at in happened.items() if event < end}


def _down_only(down: Mapping[int, int]) -> Times:
    return Times(taken={}, down=down, lying={}, leaking={}, causes={})


def _single_points(network: Network, outages: list[_Outage]) -> Iterator[SinglePoints]:
    lost_with: dict[int, list[NodeId]] = {}
    for node, outage in zip(network.graph.nodes, outages, strict=True):
        for pathway, harm in outage.by_pathway.items():
            if any(step.loss != NOTHING for step in harm.steps.values()):
                lost_with.setdefault(pathway, []).append(node.id)
    for pathway, nodes in sorted(lost_with.items()):
        yield SinglePoints(pathway=network.graph.pathways[pathway].id, nodes=tuple(sorted(nodes)))


class _Meetings:
    """Where two outages can do more than each alone.

    Only a gate that waits for several deliveries, or a step whose providers both touch, can make two outages worse
    than their sum: elsewhere every event of the pair is an event of one of them, and sums and maxima do the rest.
    """

    def __init__(self, network: Network, outages: list[_Outage]) -> None:
        self._network = network
        self._outages = outages
        self._reached = [self._reach(outage.event) for outage in outages]
        self._sources: list[list[tuple[int, int]]] = [[] for _ in network.edges]
        for source, edges in enumerate(network.edges):
            for target, delay in edges:
                self._sources[target].append((source, delay))
        self._places = [self._met(outage) for outage in outages]
        self._visitors: dict[tuple[str, int], list[int]] = {}
        for node, places in enumerate(self._places):
            for place in places:
                self._visitors.setdefault(place, []).append(node)

    def of(self, node: int) -> list[int]:
        """The later nodes whose outages meet this one's, unless one of the two brings the other down at once."""
        met = {other for place in self._places[node] for other in self._visitors[place] if other > node}
        return sorted(other for other in met if not self._includes(node, other) and not self._includes(other, node))

    def excess(self, node: int, other: int) -> int:
        """By how much the two are worse together, 0 if not dangerously; in the unit of an outage's index."""
        if len(self._reached[node]) < len(self._reached[other]):
            node, other = other, node
        return self.danger((node, other), self._joint_index(self._outages[node], other))

    def danger(self, pair: tuple[int, int], joint: int) -> int:
        """By how much a pair's joint index exceeds the sum of both, 0 if not dangerously."""
        node, other = pair
        excess = joint - self._outages[node].index - self._outages[other].index
        least = max(joint, INDEX_PARTS * self._network.total_parts)
        return excess if excess * EXCESS_PARTS > least else 0

    def _includes(self, node: int, other: int) -> bool:
        return self._outages[node].happened.get(self._outages[other].event) == 0

    def _reach(self, event: int) -> set[int]:
        """The events that an event could have a part in."""
        reached, ahead = {event}, [event]
        while ahead:
            for target, _ in self._network.edges[ahead.pop()]:
                if target not in reached:
                    reached.add(target)
                    ahead.append(target)
        return reached

    def _met(self, outage: _Outage) -> set[tuple[str, int]]:
        """The gates an outage delivers to, and the steps it touches."""
        gates = {
            ("gate", target)
            for event, at in outage.happened.items()
            for target, delay in self._network.edges[event]
            if self._network.thresholds[target] > 1 and at + delay < NEVER_MIN
        }
        return gates | {("step", step) for harm in outage.by_pathway.values() for step in harm.steps}

    def _joint_index(self, base: _Outage, other: int) -> int:
        """The index of a known outage with another on top: only what the other can reach is computed again."""
        network = self._network
        happened, _ = spread(network, self._starts(base, other))
        earlier = {node: at for node, at in _down(network, happened).items() if base.times.down.get(node) != at}
        times = _down_only({**base.times.down, **earlier})
        changed: dict[int, PathwayHarm] = {}
        for pathway, steps in self._steps_of(earlier).items():
            known = base.by_pathway[pathway].steps if pathway in base.by_pathway else {}
            again = {step: step_harm(network, times, self._touched(times, step), network.steps[step]) for step in steps}
            changed[pathway] = pathway_harm(network, pathway, {**known, **again})
        return total_index(network, {**base.by_pathway, **changed})[-1] if changed else base.index

    def _starts(self, base: _Outage, other: int) -> Iterator[tuple[int, int]]:
        """The outages themselves, and what the base delivers from outside into the reach of the other."""
        reached = self._reached[other]
        yield 0, self._outages[other].event
        if base.event in reached:
            yield 0, base.event
        for target in reached:
            for source, delay in self._sources[target]:
                at = base.happened.get(source, NEVER_MIN) + delay
                if source not in reached and at < NEVER_MIN:
                    yield at, target

    def _steps_of(self, nodes: Mapping[int, int]) -> dict[int, set[int]]:
        """By pathway, the steps that use what these nodes provide."""
        steps: dict[int, set[int]] = {}
        for node in nodes:
            for capability in self._network.provides[node]:
                for step in self._network.used_by[capability]:
                    steps.setdefault(self._network.steps[step].pathway, set()).add(step)
        return steps

    def _touched(self, times: Times, step: int) -> dict[int, list[int]]:
        pools = self._network.capabilities
        touched = {
            capability: [node for node in pools[capability].providers if node in times.down]
            for capability in self._network.steps[step].used
        }
        return {capability: nodes for capability, nodes in touched.items() if nodes}


def _fails_with_its_fallback(step: CompiledStep, pools: Pools, short_from_min: int | None) -> bool:
    """Is, in the time in which a stage should serve, what it requires gone for at least a minute?"""
    if short_from_min is None:
        return False
    begins = short_from_min
    for stage in step.stages:
        last = min(begins + stage.holds_min, HORIZON_END_MIN) - 1  # shares only fall: the last minute is the worst
        if stage.requires is not None and begins <= last and pools.share(stage.requires, last) == 0:
            return True
        begins += stage.holds_min
    return False


def _common_cause(network: Network, number: int, nodes: list[NodeId]) -> CommonCause:
    compiled = network.steps[number]
    pathway = network.graph.pathways[compiled.pathway]
    step = pathway.steps[number - network.pathways[compiled.pathway].steps[0]]
    return CommonCause(pathway=pathway.id, step=step.id, nodes=tuple(sorted(nodes)))
