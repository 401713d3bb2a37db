"""Station 6: a scenario into causal chains - from the patients back to the change that started it, as values.

Pure: it follows the causes that the engine recorded. Sentences are made in `service.sentences`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from riskdb.impact.course import Course
from riskdb.impact.harm import PathwayHarm, harms
from riskdb.impact.network import CompiledStep, Happening, Network, Quorum, ShareTree
from riskdb.impact.reference import GROUNDED, Times, event_times
from riskdb.impact.step_harm import Pools, StepHarm, touched_providers, works_until
from riskdb.model.care import DEFAULT_HORIZON, HORIZONS_MIN
from riskdb.model.impact import Chain, Event, EventKind
from riskdb.model.scenario import Scenario

CHAINS_MAX = 20  # what a person reads; a hospital has hundreds of steps
_EVENT_KINDS = {
    Happening.TAKEN: EventKind.TAKEN,
    Happening.DOWN: EventKind.DOWN,
    Happening.LYING: EventKind.LYING,
}
_SEVEN_DAYS = list(HORIZONS_MIN).index(DEFAULT_HORIZON)


def explain(network: Network, scenario: Scenario, *, limit: int = CHAINS_MAX) -> tuple[Chain, ...]:
    """How each step comes to lose care or to work on lies: the pathways with the largest index (7 days) first."""
    times = event_times(network, scenario)
    return chains(network, times, harms(network, times), limit=limit)


def chains(
    network: Network,
    times: Times,
    by_pathway: Mapping[int, PathwayHarm],
    *,
    limit: int,
    place: int = _SEVEN_DAYS,
) -> tuple[Chain, ...]:
    """The chains of an outcome that is already computed; `place` is that of the horizon among the horizons."""
    found: list[Chain] = []
    touched = touched_providers(network, times)
    for pathway in by_falling_index(network, by_pathway, place=place):
        steps = by_pathway[pathway].steps
        for number in sorted(steps, key=lambda number: -_weight(network.steps[number], steps[number])):
            found += _Tracer(network, times, touched, number).chains(steps[number])
            if len(found) >= limit:
                return tuple(found[:limit])
    return tuple(found)


def by_falling_index(network: Network, by_pathway: Mapping[int, PathwayHarm], *, place: int = _SEVEN_DAYS) -> list[int]:
    """The pathways by number, the most harmed first."""
    return sorted(by_pathway, key=lambda number: (-by_pathway[number].index[place] * _factor(network, number), number))


def _factor(network: Network, pathway: int) -> int:
    return network.pathways[pathway].total_factor


def _weight(step: CompiledStep, harm: StepHarm) -> int:
    return step.availability_weight * _largest(harm.loss) + step.integrity_weight * _largest(harm.lying)


def _largest(course: Course) -> int:
    return max(value for _, value in course)


def _begins(course: Course) -> int | None:
    return next((at for at, value in course if value), None)


class _Tracer:
    """Finds what first made one step fall short, and what first made it lie."""

    def __init__(self, network: Network, times: Times, touched: Mapping[int, Sequence[int]], step: int) -> None:
        self.network = network
        self.times = times
        self.touched = touched
        self.step = network.steps[step]
        self.pools = Pools(network, times, touched, self.step)
        self.pathway = network.graph.pathways[self.step.pathway]
        self.id = self.pathway.steps[step - network.pathways[self.step.pathway].steps[0]].id

    def chains(self, harm: StepHarm) -> Iterator[Chain]:
        """One chain for the loss, one for the lies, as far as there are any."""
        lost_at = _begins(harm.loss)
        if lost_at is not None and harm.short_from_min is not None:
            yield self._chain(EventKind.LOST, lost_at, harm.loss, self._shortage(harm.short_from_min))
        exposed_at = _begins(harm.lying)
        if exposed_at is not None:
            yield self._chain(EventKind.EXPOSED, exposed_at, harm.lying, self._lie(exposed_at))

    def _chain(self, kind: EventKind, at: int, course: Course, events: Iterable[Event]) -> Chain:
        return Chain(
            pathway=self.pathway.id,
            step=self.id,
            kind=kind,
            starts_at_min=at,
            share=_largest(course) / self.pools.unit,
            events=(Event(kind=kind, subject=self.pathway.id, at_min=at), *events),
        )

    def _shortage(self, at: int) -> Iterator[Event]:
        """From the step that falls short at this minute back to the change that did it."""
        yield Event(kind=EventKind.SHORT, subject=self.id, at_min=at)
        capability = self._blame(self.step.requires, at)
        yield Event(kind=EventKind.SHORT, subject=self.network.graph.capabilities[capability].id, at_min=at)
        ended = [node for node in self.touched[capability] if works_until(self.times, node, self.step) == at]
        node = min(ended)
        yield from self._causes(Happening.DOWN if self.times.down.get(node) == at else Happening.LYING, node)

    def _blame(self, tree: ShareTree, at: int) -> int:
        """The capability that fell short at this minute and took the tree with it."""
        while isinstance(tree, Quorum):
            fell = [part for part in tree.parts if self._share(part, at) < self._share(part, at - 1) == self.pools.unit]
            tree = min(fell, key=lambda part: self._share(part, at))
        return tree

    def _share(self, tree: ShareTree, at: int) -> int:
        return self.pools.share(tree, at)

    def _lie(self, at: int) -> Iterator[Event]:
        liars = {node for capability in self.step.required for node in self.touched.get(capability, ())}
        node = min(node for node in liars if self.times.lying.get(node) == at and self.network.lies_for_min[node])
        return self._causes(Happening.LYING, node)

    def _causes(self, happening: Happening, node: int) -> Iterator[Event]:
        """An event and its causes; gates are passed over."""
        event = happening * self.network.nodes + node
        minutes = (self.times.taken, self.times.down, self.times.lying)
        while event != GROUNDED:
            number, node = divmod(event, self.network.nodes)
            if number < Happening.GATE:
                kind = _EVENT_KINDS[Happening(number)]
                yield Event(kind=kind, subject=self.network.graph.nodes[node].id, at_min=minutes[number][node])
            event = self.times.causes[event]
