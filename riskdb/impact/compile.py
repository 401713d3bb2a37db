"""Station 6, first half: a care graph into a network of numbered events and exact whole-number harm.

Pure. It evaluates nothing; the meaning of what it writes is in docs/guides/engine.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import lcm

from riskdb.impact.network import (
    NEVER_MIN,
    WEIGHTS_HUNDREDTHS,
    CompiledCapability,
    CompiledPathway,
    CompiledStage,
    CompiledStep,
    Happening,
    Network,
    Quorum,
    ShareTree,
)
from riskdb.model.care import AllOf, AnyOf, CareGraph, Fallback, KOf, Leaf, Node, Pathway, Step, Tree
from riskdb.model.ids import NodeId

MINUTES_PER_H = 60
VITAL_SEVERITY = 5


def compile(graph: CareGraph) -> Network:  # the engine's verb; nothing here needs the builtin
    """The network of a graph whose references all resolve."""
    numbers = {node.id: number for number, node in enumerate(graph.nodes)}
    events = _Events(numbers, graph.nodes)
    capabilities = tuple(
        CompiledCapability(providers=tuple(numbers[p] for p in c.providers), needed=c.needed)
        for c in graph.capabilities
    )
    care = _Care(graph, capabilities)
    return Network(
        graph=graph,
        numbers=numbers,
        edges=tuple(tuple(edges) for edges in events.edges),
        thresholds=tuple(events.thresholds),
        lies_for_min=tuple(_or_never(node.fails_safe_after_min) for node in graph.nodes),
        provides=_inverse([capability.providers for capability in capabilities], size=len(numbers)),
        used_by=_inverse([step.used for step in care.steps], size=len(capabilities)),
        capabilities=capabilities,
        steps=tuple(care.steps),
        pathways=tuple(care.pathways),
        population_of=tuple(care.population_of),
        total_parts=care.total_parts,
    )


class _Events:
    """The events of the nodes, the gates between them, and the edges from each to each."""

    def __init__(self, numbers: Mapping[NodeId, int], nodes: Sequence[Node]) -> None:
        self._numbers = numbers
        count = len(nodes) * Happening.GATE
        self.thresholds = [1] * count
        self.edges: list[list[tuple[int, int]]] = [[] for _ in range(count)]
        lying = [self._event(Happening.LYING, node.id) for node in nodes]
        fed = [
            self._gate(event, threshold=node.cross_check) if node.cross_check > 1 else event
            for event, node in zip(lying, nodes, strict=True)
        ]  # by node: where the lies of its sources arrive
        for node in nodes:
            self._add(node, fed)

    def _add(self, node: Node, fed: Sequence[int]) -> None:
        taken, down, lying = (self._event(kind, node.id) for kind in (Happening.TAKEN, Happening.DOWN, Happening.LYING))
        for edge in node.manages:
            self._connect(taken, self._event(Happening.TAKEN, edge.id), edge.delay_min)
        for edge in node.feeds:
            self._connect(lying, fed[self._numbers[edge.id]], edge.delay_min)
        if node.fails_safe_after_min is not None:
            self._connect(lying, down, node.fails_safe_after_min)
        if node.needs is not None:
            self._need(node.needs, down)

    def _event(self, kind: Happening, node: NodeId) -> int:
        return kind * len(self._numbers) + self._numbers[node]

    def _gate(self, target: int, *, threshold: int) -> int:
        self.thresholds.append(threshold)
        self.edges.append([(target, 0)])
        return len(self.thresholds) - 1

    def _connect(self, source: int, target: int, delay_min: int) -> None:
        if delay_min < NEVER_MIN:
            self.edges[source].append((target, delay_min))

    def _need(self, tree: Tree, target: int) -> None:
        """Let `target` happen when the tree holds no longer."""
        if isinstance(tree, Leaf):
            self._connect(self._event(Happening.DOWN, NodeId(tree.id)), target, tree.tolerance_min)
            return
        threshold = len(tree.parts) - enough(tree) + 1
        # The first of several to fall is enough for both: no gate between.
        merges = threshold == 1 and self.thresholds[target] == 1
        gate = target if merges else self._gate(target, threshold=threshold)
        for part in tree.parts:
            self._need(part, gate)


class _Care:
    """Steps and pathways by number, in counts of common parts instead of fractions."""

    def __init__(self, graph: CareGraph, capabilities: Sequence[CompiledCapability]) -> None:
        self._numbers = {str(capability.id): number for number, capability in enumerate(graph.capabilities)}
        self._capabilities = capabilities
        self.steps: list[CompiledStep] = []
        self.pathways: list[CompiledPathway] = []
        self.population_of: list[int] = []
        self._groups: dict[tuple[str, str], int] = {}
        self._populations: dict[str, int] = {}
        units = [lcm(*(self._step_parts(step) for step in pathway.steps)) for pathway in graph.pathways]
        rates = [_Rates(pathway, unit) for pathway, unit in zip(graph.pathways, units, strict=True)]
        self.total_parts = lcm(*(rate.patients_parts for rate in rates))
        for pathway, unit, rate in zip(graph.pathways, units, rates, strict=True):
            self._add(pathway, unit, rate)

    def _add(self, pathway: Pathway, unit_parts: int, rates: "_Rates") -> None:
        first = len(self.steps)
        self.steps += [self._step(step, pathway=len(self.pathways)) for step in pathway.steps]
        self.pathways.append(
            CompiledPathway(
                steps=tuple(range(first, len(self.steps))),
                group=self._group(pathway),
                unit_parts=unit_parts,
                census_factor=rates.census_factor,
                arrivals_factor=rates.arrivals_factor,
                patients_parts=rates.patients_parts,
                total_factor=self.total_parts // rates.patients_parts,
            )
        )

    def _group(self, pathway: Pathway) -> int:
        """The number of the instances of one pathway in one population."""
        population = self._populations.setdefault(pathway.population, len(self._populations))
        group = self._groups.setdefault((pathway.population, pathway.instance_of), len(self._groups))
        if group == len(self.population_of):
            self.population_of.append(population)
        return group

    def _step(self, step: Step, *, pathway: int) -> CompiledStep:
        return CompiledStep(
            pathway=pathway,
            requires=self._tree(step.requires),
            required=self._leaves([step.requires]),
            used=self._leaves([step.requires, *_trees(step.fallbacks)]),
            stages=tuple(self._stage(stage) for stage in step.fallbacks),
            tolerance_min=step.tolerance_min,
            detected_after_min=step.integrity_detected_after_min,
            availability_weight=WEIGHTS_HUNDREDTHS[step.severity.availability],
            integrity_weight=WEIGHTS_HUNDREDTHS[step.severity.integrity],
            vital=step.severity.availability == VITAL_SEVERITY,
        )

    def _stage(self, stage: Fallback) -> CompiledStage:
        share = _exact(stage.served_share)
        return CompiledStage(
            requires=None if stage.requires is None else self._tree(stage.requires),
            holds_min=stage.holds_min,
            share_numerator=share.numerator,
            share_denominator=share.denominator,
        )

    def _tree(self, tree: Tree) -> ShareTree:
        if isinstance(tree, Leaf):
            return self._numbers[tree.id]
        return Quorum(enough(tree), tuple(self._tree(part) for part in tree.parts))

    def _leaves(self, trees: Sequence[Tree]) -> tuple[int, ...]:
        return tuple(dict.fromkeys(self._numbers[leaf.id] for tree in trees for leaf in leaves(tree)))

    def _step_parts(self, step: Step) -> int:
        """Into how many parts a share of this step is cut, so that every share it can take is whole."""
        required = [self._capabilities[number] for number in self._leaves([step.requires])]
        parts = lcm(*(c.needed for c in required), *(len(c.providers) for c in required))
        for stage in step.fallbacks:
            pools = [self._capabilities[number].needed for number in self._leaves(_trees([stage]))]
            parts = lcm(parts, _exact(stage.served_share).denominator * lcm(*pools))
        return parts


class _Rates:
    """Census and arrivals of a pathway as whole factors over one denominator."""

    def __init__(self, pathway: Pathway, unit_parts: int) -> None:
        census, arrivals = _exact(pathway.census), _exact(pathway.arrivals_per_h)
        people_parts = lcm(census.denominator, arrivals.denominator * MINUTES_PER_H)
        self.census_factor = int(census * people_parts)
        self.arrivals_factor = int(arrivals * people_parts / MINUTES_PER_H)
        self.patients_parts = people_parts * unit_parts


def leaves(tree: Tree) -> Iterator[Leaf]:
    """The leaves of a tree, left to right."""
    if isinstance(tree, Leaf):
        yield tree
    else:
        for part in tree.parts:
            yield from leaves(part)


def enough(tree: AllOf | AnyOf | KOf) -> int:
    """How many of its parts are enough."""
    if isinstance(tree, KOf):
        return tree.k
    return len(tree.parts) if isinstance(tree, AllOf) else 1


def _trees(stages: Sequence[Fallback]) -> list[Tree]:
    return [stage.requires for stage in stages if stage.requires is not None]


def _exact(value: float) -> Fraction:
    """The number a document states: 0.1 is a tenth, not the nearest binary fraction."""
    return Fraction(str(value))


def _or_never(minutes: int | None) -> int:
    return NEVER_MIN if minutes is None else min(minutes, NEVER_MIN)


def _inverse(lists: Sequence[Sequence[int]], *, size: int) -> tuple[tuple[int, ...], ...]:
    """By member: the numbers of the lists it is in."""
    found: list[list[int]] = [[] for _ in range(size)]
    for number, members in enumerate(lists):
        for member in members:
            found[member].append(number)
    return tuple(tuple(row) for row in found)
