"""Which care stops: for one asset, and in the order of all."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from riskdb.impact import evaluate, explain
from riskdb.model.ids import NodeId
from riskdb.model.impact import LeakingNode, RankedNode
from riskdb.model.scenario import Compromised, Mode, Scenario
from service.api.assets import AssetAt, unknown_asset
from service.auth import PEOPLE
from service.errors import Kind
from service.pathway_views import PathwayState, pathway_states
from service.reading import strict
from service.routes import Answer, Nothing, Route, SiteCall
from service.runs import LoadedRun
from service.sentences import Language, impact_sentence
from service.views import ChainView, RankedRow, RunView, Tab, chain_view, ranked_row, run_view, tab_of

Horizon = Literal["1h", "4h", "24h", "72h", "7d", "30d"]
CHAINS_MAX = 20  # one for each of the worst pathways; more is a table and not an explanation


@strict
@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactQuery:
    """What happens to which asset."""

    asset: AssetAt
    mode: Mode = Mode.AVAILABILITY
    horizon: Horizon = "7d"
    lang: Language = Language.EN


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetImpact:
    """What the compromise of one asset does to care."""

    run: RunView
    asset: NodeId
    name: str
    mode: Mode
    horizon: str
    rank: int | None  # None: it harms nobody
    vital: bool
    index: Mapping[str, float]
    records_exposed: Mapping[str, int]
    pathways: tuple[PathwayState, ...]  # those touched, the worst first
    chains: tuple[ChainView, ...]
    sentence: str


async def get_asset_impact(call: SiteCall[ImpactQuery, None]) -> Answer[AssetImpact]:
    """Which care stops, for whom and when, if an attacker takes this asset: patients by horizon, chains, sentences."""
    asked, node = call.parameters, NodeId(call.parameters.asset)
    loaded = await latest_run(call)
    if node not in loaded.nodes:
        raise unknown_asset()
    return Answer(value=await asyncio.to_thread(asset_impact, loaded, node, asked))


def asset_impact(loaded: LoadedRun, node: NodeId, asked: ImpactQuery) -> AssetImpact:
    """The answer about one node of the graph, in one language; some milliseconds to seconds of computing."""
    scenario = Scenario(changes=(Compromised(node=node, mode=asked.mode),))
    impact = evaluate(loaded.network, [scenario])[0]
    chains = explain(loaded.network, scenario, limit=CHAINS_MAX)
    names, row = loaded.names(asked.lang), loaded.rank_of.get(node)
    touched = tuple(s for s in pathway_states(impact, loaded, language=asked.lang) if s.touched)
    return AssetImpact(
        run=run_view(loaded),
        asset=node,
        name=names.nodes[node],
        mode=asked.mode,
        horizon=asked.horizon,
        rank=None if row is None else row.rank,
        vital=row is not None and row.vital,
        index=impact.index,
        records_exposed=impact.records_exposed,
        pathways=touched,
        chains=tuple(chain_view(chain, names) for chain in chains),
        sentence=impact_sentence(node, asked.mode, impact, names=names, horizon=asked.horizon),
    )


async def latest_run(call: SiteCall[Any, None]) -> LoadedRun:
    """The newest run of the establishment."""
    async with call.database() as connection:
        return await call.context.runs.latest(connection, call.establishment)


@strict
@dataclass(frozen=True, slots=True, kw_only=True)
class RankingQuery:
    """Which part of the ranking."""

    horizon: Horizon = "7d"
    type: Annotated[str | None, Field(max_length=128, description="a device type of the knowledge pack")] = None
    unit: Annotated[str | None, Field(max_length=128)] = None
    tab: Annotated[Tab | None, Field(description="medical devices, or IT and network")] = None
    after: Annotated[int, Field(ge=0, le=2**31, description="`next` of the page before")] = 0
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    lang: Language = Language.EN


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingPage:
    """Part of the ranking; ranks are those among all assets, whatever the filters."""

    run: RunView
    horizon: str
    total: int  # rows that answer the filters
    items: tuple[RankedRow, ...]
    next: int | None


async def get_ranking(call: SiteCall[RankingQuery, None]) -> Answer[RankingPage]:
    """Assets by what their compromise does to patients, with reasons. The first look at a horizon takes longer."""
    asked = call.parameters
    loaded = await latest_run(call)
    rows = await call.context.runs.rows(call.establishment, loaded, horizon=asked.horizon)
    return Answer(value=ranking_page(loaded, rows, asked))


def ranking_page(loaded: LoadedRun, rows: Sequence[RankedNode], asked: RankingQuery) -> RankingPage:
    """The part of a ranking that was asked for."""
    fitting = [row for row in rows if _fits(loaded, row.id, asked)]
    shown = [row for row in fitting if row.rank > asked.after][: asked.limit]
    return RankingPage(
        run=run_view(loaded),
        horizon=asked.horizon,
        total=len(fitting),
        items=tuple(ranked_row(row, loaded, language=asked.lang, horizon=asked.horizon) for row in shown),
        next=shown[-1].rank if shown and shown[-1].rank != fitting[-1].rank else None,
    )


def _fits(loaded: LoadedRun, node_id: NodeId, asked: RankingQuery) -> bool:
    node = loaded.nodes[node_id]
    return (
        (asked.type is None or node.type == asked.type)
        and (asked.unit is None or node.unit == asked.unit)
        and (asked.tab is None or tab_of(node, loaded.pack) is asked.tab)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakPage:
    """Assets by the records they expose; an axis of its own."""

    run: RunView
    items: tuple[LeakingNode, ...]


async def list_leaks(call: SiteCall[Nothing, None]) -> Answer[LeakPage]:
    """Assets by the personal records their compromise exposes. Never mixed into the ranking by care."""
    loaded = await latest_run(call)
    return Answer(value=LeakPage(run=run_view(loaded), items=loaded.stored.confidentiality))


ROUTES = (
    Route(
        method="GET",
        path="/v1/assets/{asset}/impact",
        handler=get_asset_impact,
        summary="What the compromise of one asset does to care",
        roles=PEOPLE,
        tag="impact",
        problems=(Kind.UNKNOWN_ASSET, Kind.NO_RANKING),
    ),
    Route(
        method="GET",
        path="/v1/ranking",
        handler=get_ranking,
        summary="Assets by what their compromise does to patients",
        roles=PEOPLE,
        tag="impact",
        problems=(Kind.NO_RANKING,),
    ),
    Route(
        method="GET",
        path="/v1/leaks",
        handler=list_leaks,
        summary="Assets by the records they expose",
        roles=PEOPLE,
        tag="impact",
        problems=(Kind.NO_RANKING,),
    ),
)
