"""Station 6: event times into patients harmed, pathway by pathway, exactly, touching only what happened.

Whole numbers throughout (`CompiledPathway` says of what); floats are made where impacts are shown. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from riskdb.impact.course import HORIZONS, NOTHING, Course, highest, integrals, peaks, scaled
from riskdb.impact.network import CompiledPathway, Network
from riskdb.impact.reference import Times
from riskdb.impact.step_harm import StepHarm, step_harm, touched_providers

Parts = tuple[int, ...]  # one count a horizon
NOBODY: Parts = (0,) * len(HORIZONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathwayHarm:
    """One pathway whose providers were touched: counts of its `patients_parts`, the index of 100 times as many."""

    steps: Mapping[int, StepHarm]  # only the touched ones, by number
    affected: Parts
    exposed: Parts
    index: Parts


def harms(network: Network, times: Times) -> dict[int, PathwayHarm]:
    """By number, the pathways that what happened touches."""
    touched = touched_providers(network, times)
    by_pathway: dict[int, dict[int, StepHarm]] = {}
    for number in sorted({step for capability in touched for step in network.used_by[capability]}):
        step = network.steps[number]
        by_pathway.setdefault(step.pathway, {})[number] = step_harm(network, times, touched, step)
    return {number: pathway_harm(network, number, steps) for number, steps in by_pathway.items()}


def pathway_harm(network: Network, number: int, steps: Mapping[int, StepHarm]) -> PathwayHarm:
    """What its touched steps make of a pathway: it follows the worst at every moment, its index the worst by weight."""
    pathway = network.pathways[number]
    lost = {step: harm.loss for step, harm in steps.items() if harm.loss != NOTHING}
    lied = {step: harm.lying for step, harm in steps.items() if harm.lying != NOTHING}
    weighted_loss = [scaled(course, network.steps[step].availability_weight) for step, course in lost.items()]
    weighted_lies = [scaled(course, network.steps[step].integrity_weight) for step, course in lied.items()]
    return PathwayHarm(
        steps=steps,
        affected=_patients(pathway, lost.values()),
        exposed=_patients(pathway, lied.values()),
        index=added(_patients(pathway, weighted_loss), _patients(pathway, weighted_lies)),
    )


def _patients(pathway: CompiledPathway, courses: Iterable[Course]) -> Parts:
    worst = highest(list(courses))
    if worst == NOTHING:
        return NOBODY
    return tuple(
        pathway.census_factor * peak + pathway.arrivals_factor * integral
        for peak, integral in zip(peaks(worst), integrals(worst), strict=True)
    )


def total_index(network: Network, by_pathway: Mapping[int, PathwayHarm]) -> Parts:
    """The index of the hospital, in 100 x `total_parts`: instances add, the same people count once, populations add."""
    by_group: dict[int, Parts] = {}
    for number, harm in by_pathway.items():
        pathway = network.pathways[number]
        by_group[pathway.group] = added(by_group.get(pathway.group, NOBODY), _in_total(pathway, harm.index))
    by_population: dict[int, Parts] = {}
    for group, index in by_group.items():
        population = network.population_of[group]
        by_population[population] = tuple(map(max, by_population.get(population, NOBODY), index))
    return added(NOBODY, *by_population.values())


def total_patients(network: Network, by_pathway: Mapping[int, PathwayHarm]) -> tuple[Parts, Parts]:
    """Patients affected and patients exposed, each summed over pathways, in `total_parts`."""
    affected = [_in_total(network.pathways[number], harm.affected) for number, harm in by_pathway.items()]
    exposed = [_in_total(network.pathways[number], harm.exposed) for number, harm in by_pathway.items()]
    return added(NOBODY, *affected), added(NOBODY, *exposed)


def records_exposed(network: Network, times: Times) -> Parts:
    """By horizon: the records of the nodes that leak before it."""
    nodes = network.graph.nodes
    return tuple(sum(nodes[node].records for node, at in times.leaking.items() if at < end) for end in HORIZONS)


def _in_total(pathway: CompiledPathway, parts: Parts) -> Parts:
    return tuple(part * pathway.total_factor for part in parts)


def added(*counts: Sequence[int]) -> Parts:
    """The sums, horizon by horizon."""
    return tuple(map(sum, zip(*counts, strict=True)))
