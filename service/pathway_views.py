"""Pathways as people and programs are shown them: in a scenario, and with the pools they rest on. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from riskdb.exchange import graph_document
from riskdb.model.care import CareGraph, Leaf, NodeKind, Pathway, Tree
from riskdb.model.ids import CapabilityId, NodeId, PathwayId, StepId, UnitId
from riskdb.model.impact import Impact, PathwayImpact
from service.names import Language, Names
from service.runs import LoadedRun


@dataclass(frozen=True, slots=True, kw_only=True)
class PathwayState:
    """A pathway in a scenario: untouched, or what it loses and from when."""

    id: PathwayId
    name: str
    unit: UnitId | None
    touched: bool
    lost_from_min: int | None  # first minute with patients affected
    largest_share_lost: float
    lying_from_min: int | None  # first minute with patients exposed
    patients_affected: Mapping[str, float]
    patients_exposed: Mapping[str, float]
    index: Mapping[str, float]
    steps: tuple[str, ...]  # the steps touched, by name


def pathway_states(impact: Impact, loaded: LoadedRun, *, language: Language) -> list[PathwayState]:
    """Every pathway of the graph under a scenario, the worst first."""
    found = {pathway.id: pathway for pathway in impact.pathways}
    states = [_state(found[p], loaded, language) for p in loaded.pathways if p in found]
    return sorted(states, key=lambda s: (-max(s.index.values(), default=0.0), not s.touched, s.id))


def _state(impact: PathwayImpact, loaded: LoadedRun, language: Language) -> PathwayState:
    names = loaded.names(language)
    touched = [s for s in impact.steps if _first(s.loss) is not None or _first(s.lying) is not None]
    return PathwayState(
        id=impact.id,
        name=names.pathways[str(impact.id)],
        unit=loaded.pathways[impact.id].unit,
        touched=bool(touched),
        lost_from_min=_earliest(_first(step.loss) for step in touched),
        largest_share_lost=max((share for step in touched for _, share in step.loss), default=0.0),
        lying_from_min=_earliest(_first(step.lying) for step in touched),
        patients_affected=impact.patients_affected,
        patients_exposed=impact.patients_exposed,
        index=impact.index,
        steps=tuple(names.steps[str(impact.id), str(step.id)] for step in touched),
    )


def _first(course: Iterable[tuple[int, float]]) -> int | None:
    return next((minute for minute, share in course if share > 0), None)


def _earliest(minutes: Iterable[int | None]) -> int | None:
    return min((minute for minute in minutes if minute is not None), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepName:
    """What a step is called."""

    id: StepId
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """What provides a capability, and how many of it are needed for normal service."""

    id: CapabilityId
    name: str
    needed: int
    providers: tuple[NodeId, ...]
    assumed: bool  # nothing in the inventory provides it


def definition_of(pathway: Pathway, loaded: LoadedRun) -> dict[str, Any]:
    """The pathway as the exchange format writes it."""
    pools = _capabilities_of(pathway)
    alone = CareGraph(
        nodes=(), capabilities=tuple(c for c in loaded.graph.capabilities if c.id in pools), pathways=(pathway,)
    )
    definition: dict[str, Any] = graph_document(alone)["pathways"][0]
    return definition


def pools_of(pathway: Pathway, loaded: LoadedRun, *, names: Names) -> tuple[Pool, ...]:
    """The pools behind a pathway, by id."""
    wanted = _capabilities_of(pathway)
    return tuple(
        Pool(
            id=capability.id,
            name=names.capabilities[str(capability.id)],
            needed=capability.needed,
            providers=capability.providers,
            assumed=any(loaded.nodes[p].kind == NodeKind.ASSUMED for p in capability.providers),
        )
        for capability in sorted(loaded.graph.capabilities, key=lambda c: c.id)
        if capability.id in wanted
    )


def _capabilities_of(pathway: Pathway) -> frozenset[str]:
    trees = [tree for s in pathway.steps for tree in (s.requires, *(f.requires for f in s.fallbacks))]
    return frozenset(name for tree in trees if tree is not None for name in _names_in(tree))


def _names_in(tree: Tree) -> Iterator[str]:
    if isinstance(tree, Leaf):
        yield tree.id
    else:
        for part in tree.parts:
            yield from _names_in(part)
