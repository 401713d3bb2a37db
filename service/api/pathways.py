"""Care pathways: all of them under a scenario, one with what it rests on, and what is not known of any."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from riskdb.impact import evaluate
from riskdb.model.care import Question
from riskdb.model.ids import NodeId, PathwayId
from riskdb.model.scenario import Compromised, Down, Mode, Scenario
from service.api.impact import latest_run
from service.auth import PEOPLE
from service.errors import Kind, Place, ProblemError
from service.pathway_views import PathwayState, Pool, StepName, definition_of, pathway_states, pools_of
from service.reading import refusal, strict
from service.routes import Answer, Nothing, Route, SiteCall
from service.sentences import Language
from service.views import RunView, run_view

SCENARIO_NODES_MAX = 200  # named in one question; a whole unit going dark is some hundred


def _comma_list(written: object) -> object:
    return [part.strip() for part in written.split(",") if part.strip()] if isinstance(written, str) else written


NodeList = Annotated[
    tuple[str, ...],
    Field(max_length=SCENARIO_NODES_MAX, description="ids of assets or services, with commas"),
    BeforeValidator(_comma_list),
]


@strict
@dataclass(frozen=True, slots=True, kw_only=True)
class PathwaysQuery:
    """The scenario."""

    down: NodeList = ()
    compromised: NodeList = ()
    mode: Annotated[Mode, Field(description="of what is compromised")] = Mode.AVAILABILITY
    lang: Language = Language.EN


@dataclass(frozen=True, slots=True, kw_only=True)
class PathwayList:
    """Every pathway in a scenario."""

    run: RunView
    items: tuple[PathwayState, ...]
    index: Mapping[str, float]
    records_exposed: Mapping[str, int]


async def list_pathways(call: SiteCall[PathwaysQuery, None]) -> Answer[PathwayList]:
    """Every care pathway, and what it loses when these are down or taken; all whole when none is named."""
    asked, loaded = call.parameters, await latest_run(call)
    unknown = [
        Place(where=f"parameters.{name}", reason=f"{node[:80]!r} is not in the care graph")
        for name, nodes in (("down", asked.down), ("compromised", asked.compromised))
        for node in nodes
        if node not in loaded.nodes
    ]
    if unknown:
        raise refusal(Kind.INVALID_PARAMETERS, unknown)
    scenario = Scenario(
        changes=(
            *(Down(node=NodeId(node)) for node in asked.down),
            *(Compromised(node=NodeId(node), mode=asked.mode) for node in asked.compromised),
        )
    )
    impact = (await asyncio.to_thread(evaluate, loaded.network, [scenario]))[0]
    return Answer(
        value=PathwayList(
            run=run_view(loaded),
            items=tuple(pathway_states(impact, loaded, language=asked.lang)),
            index=impact.index,
            records_exposed=impact.records_exposed,
        )
    )


@strict
@dataclass(frozen=True, slots=True, kw_only=True)
class PathwayQuery:
    """Which pathway."""

    pathway: Annotated[str, Field(min_length=1, max_length=200, description="the pathway's id")]
    lang: Language = Language.EN


@dataclass(frozen=True, slots=True, kw_only=True)
class PathwayDetail:
    """A pathway as the care graph has it: people, steps, and the capabilities they require."""

    run: RunView
    id: PathwayId
    name: str
    definition: dict[str, Any]  # as in format wardgraph/care-graph/1
    steps: tuple[StepName, ...]
    capabilities: tuple[Pool, ...]


async def get_pathway(call: SiteCall[PathwayQuery, None]) -> Answer[PathwayDetail]:
    """One pathway: its steps with tolerance, fallbacks and severities, and the pools behind them."""
    loaded = await latest_run(call)
    pathway = loaded.pathways.get(PathwayId(call.parameters.pathway))
    if pathway is None:
        raise ProblemError(Kind.UNKNOWN_PATHWAY, "The establishment has no pathway of this id.")
    names = loaded.names(call.parameters.lang)
    return Answer(
        value=PathwayDetail(
            run=run_view(loaded),
            id=pathway.id,
            name=names.pathways[str(pathway.id)],
            definition=definition_of(pathway, loaded),
            steps=tuple(StepName(id=s.id, name=names.steps[str(pathway.id), str(s.id)]) for s in pathway.steps),
            capabilities=pools_of(pathway, loaded, names=names),
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionList:
    """What is not known and who could tell."""

    run: RunView
    items: tuple[Question, ...]


async def list_questions(call: SiteCall[Nothing, None]) -> Answer[QuestionList]:
    """The facts that are missing from the care graph, in both languages."""
    loaded = await latest_run(call)
    return Answer(value=QuestionList(run=run_view(loaded), items=loaded.questions))


ROUTES = (
    Route(
        method="GET",
        path="/v1/pathways",
        handler=list_pathways,
        summary="Every care pathway under a scenario",
        roles=PEOPLE,
        tag="impact",
        problems=(Kind.NO_RANKING,),
    ),
    Route(
        method="GET",
        path="/v1/pathways/{pathway}",
        handler=get_pathway,
        summary="One care pathway",
        roles=PEOPLE,
        tag="impact",
        problems=(Kind.UNKNOWN_PATHWAY, Kind.NO_RANKING),
    ),
    Route(
        method="GET",
        path="/v1/questions",
        handler=list_questions,
        summary="Missing facts",
        roles=PEOPLE,
        tag="impact",
        problems=(Kind.NO_RANKING,),
    ),
)
