"""Station 6: a network and a scenario into the minute at which each event happens, and what caused it.

The reference engine: a least fixpoint, found in order of time like shortest paths, except that a gate waits for as
many deliveries as its threshold. It touches only what happens. Pure; it knows no patients.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from riskdb.impact.network import NEVER_MIN, Happening, Network
from riskdb.model.scenario import Change, Compromised, Mode, Scenario

GROUNDED = -1  # the cause of an event that the scenario itself states


class ScenarioError(ValueError):
    """A scenario that does not fit the graph."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """When what happens to which node, by node number, and the event that caused each event."""

    taken: Mapping[int, int]
    down: Mapping[int, int]
    lying: Mapping[int, int]
    leaking: Mapping[int, int]
    causes: Mapping[int, int]


def event_times(network: Network, scenario: Scenario) -> Times:
    """The event times of one scenario; what is not in a mapping never happens."""
    starts = [(change.at_min, event_of(network, change)) for change in scenario.changes if change.at_min < NEVER_MIN]
    return propagate(network, starts, mode=scenario.mode)


def event_of(network: Network, change: Change) -> int:
    """The event that a change of a scenario is; ScenarioError if the graph has no such node."""
    number = network.numbers.get(change.node)
    if number is None:
        raise ScenarioError(f"the graph has no node {change.node!r}")
    happening = Happening.TAKEN if isinstance(change, Compromised) else Happening.DOWN
    return happening * network.nodes + number


def propagate(network: Network, starts: Iterable[tuple[int, int]], *, mode: Mode | None) -> Times:
    """The least fixpoint from (minute, event) starts, when the attacker does `mode` to what he takes."""
    happened, causes = spread(network, starts, mode=mode)
    return _by_node(network, happened, causes, mode=mode)


def spread(
    network: Network, starts: Iterable[tuple[int, int]], *, mode: Mode | None = None
) -> tuple[dict[int, int], dict[int, int]]:
    """When each event happens, gates included, and what caused it. To a gate every start is one delivery."""
    edges, thresholds, taken_end = network.edges, network.thresholds, network.nodes
    leads_to = _consequence(network, mode)
    happened: dict[int, int] = {}
    causes: dict[int, int] = {}
    delivered: dict[int, int] = {}
    queue = [(at, event, GROUNDED) for at, event in starts]
    heapify(queue)
    while queue:
        at, event, cause = heappop(queue)
        if event in happened:
            continue
        if thresholds[event] > 1:
            delivered[event] = delivered.get(event, 0) + 1
            if delivered[event] < thresholds[event]:
                continue
        happened[event], causes[event] = at, cause
        if event < taken_end and leads_to:
            heappush(queue, (at, event + leads_to, event))
        for target, delay in edges[event]:
            if at + delay < NEVER_MIN and target not in happened:
                heappush(queue, (at + delay, target, event))
    return happened, causes


def _consequence(network: Network, mode: Mode | None) -> int:
    """How far from the event of being taken to the event the attacker makes of it."""
    if mode is Mode.AVAILABILITY:
        return Happening.DOWN * network.nodes
    return Happening.LYING * network.nodes if mode is Mode.INTEGRITY else 0


def _by_node(network: Network, happened: Mapping[int, int], causes: Mapping[int, int], *, mode: Mode | None) -> Times:
    taken: dict[int, int] = {}
    down: dict[int, int] = {}
    lying: dict[int, int] = {}
    by_happening = (taken, down, lying)
    for event, at in happened.items():
        happening, node = divmod(event, network.nodes)
        if happening < Happening.GATE:
            by_happening[happening][node] = at
    leaking = taken if mode is Mode.CONFIDENTIALITY else {}
    return Times(taken=taken, down=down, lying=lying, leaking=leaking, causes=causes)
