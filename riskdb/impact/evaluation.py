"""Station 6: scenarios into impacts, one for one - what happens to whom, as people and programs read it.

Here counts become floats, each rounded once. Pure.
"""

from collections.abc import Iterable, Mapping

from riskdb.impact.course import Course
from riskdb.impact.harm import NOBODY, Parts, PathwayHarm, harms, records_exposed, total_index
from riskdb.impact.network import Network
from riskdb.impact.reference import Times, event_times
from riskdb.impact.step_harm import StepHarm
from riskdb.model.care import HORIZONS_MIN, Step
from riskdb.model.ids import NodeId
from riskdb.model.impact import Impact, NodeTimes, PathwayImpact, PerHorizon, StepImpact
from riskdb.model.scenario import Scenario

INDEX_PARTS = 100  # severity weights are hundredths


def evaluate(network: Network, scenarios: Iterable[Scenario]) -> list[Impact]:
    """The impact of each scenario; ScenarioError if one names a node that the graph lacks."""
    found = (event_times(network, scenario) for scenario in scenarios)
    return [impact_of(network, times, harms(network, times)) for times in found]


def impact_of(network: Network, times: Times, by_pathway: Mapping[int, PathwayHarm]) -> Impact:
    """The impact of what happened and of the harm that it does."""
    return Impact(
        nodes=_nodes(network, times),
        records_exposed=dict(zip(HORIZONS_MIN, records_exposed(network, times), strict=True)),
        index=per_horizon(total_index(network, by_pathway), INDEX_PARTS * network.total_parts),
        pathways=tuple(
            _pathway(network, number, by_pathway.get(number, _UNTOUCHED)) for number in range(len(network.pathways))
        ),
    )


_UNTOUCHED = PathwayHarm(steps={}, affected=NOBODY, exposed=NOBODY, index=NOBODY)


def per_horizon(parts: Parts, unit: int) -> PerHorizon:
    """Counts of a unit's parts as numbers by horizon."""
    return {horizon: count / unit for horizon, count in zip(HORIZONS_MIN, parts, strict=True)}


def _nodes(network: Network, times: Times) -> Mapping[NodeId, NodeTimes]:
    touched = sorted(times.taken.keys() | times.down.keys() | times.lying.keys())
    return {
        network.graph.nodes[node].id: NodeTimes(
            taken_min=times.taken.get(node),
            down_min=times.down.get(node),
            lying_min=times.lying.get(node),
            leaking_min=times.leaking.get(node),
        )
        for node in touched
    }


def _pathway(network: Network, number: int, harm: PathwayHarm) -> PathwayImpact:
    pathway, compiled = network.graph.pathways[number], network.pathways[number]
    return PathwayImpact(
        id=pathway.id,
        patients_affected=per_horizon(harm.affected, compiled.patients_parts),
        patients_exposed=per_horizon(harm.exposed, compiled.patients_parts),
        index=per_horizon(harm.index, INDEX_PARTS * compiled.patients_parts),
        steps=tuple(
            _step(step, harm.steps.get(step_number), unit=compiled.unit_parts)
            for step, step_number in zip(pathway.steps, compiled.steps, strict=True)
        ),
    )


def _step(step: Step, harm: StepHarm | None, *, unit: int) -> StepImpact:
    if harm is None:
        return StepImpact(id=step.id, short_from_min=None, loss=((0, 0.0),), lying=((0, 0.0),))
    return StepImpact(
        id=step.id,
        short_from_min=harm.short_from_min,
        loss=_shares(harm.loss, unit),
        lying=_shares(harm.lying, unit),
    )


def _shares(course: Course, unit: int) -> tuple[tuple[int, float], ...]:
    return tuple((at, count / unit) for at, count in course)
