"""The newest run of each establishment, read and compiled once: many impact questions are asked of one graph.

It makes no run; `service/jobs/pipeline.py` does. What it computes is a stored run at another horizon.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from riskdb.exchange import parse_graph
from riskdb.impact import Network, compile
from riskdb.knowledge import Pack
from riskdb.model.care import HORIZONS_MIN, CareGraph, Node, Pathway, Question
from riskdb.model.ids import EstablishmentId, NodeId, PathwayId, UnitId
from riskdb.model.impact import RankedNode
from riskdb.model.place import Unit
from riskdb.ranking import rank
from riskdb.store import places, rankings
from riskdb.store.rankings import StoredRun
from riskdb.store.statements import Connection
from service.errors import Kind, ProblemError
from service.names import Language, Names, names_of

RUNS_KEPT_MAX = 4  # a compiled hospital of 20,000 nodes takes some tens of MB


@dataclass(frozen=True, kw_only=True)
class LoadedRun:
    """A run with all that answers need: the graph, its compiled network and the rows of the ranking."""

    stored: StoredRun
    graph: CareGraph
    network: Network
    rows: tuple[RankedNode, ...]
    questions: tuple[Question, ...]
    units: Mapping[UnitId, Unit]
    pack: Pack

    @cached_property
    def nodes(self) -> Mapping[NodeId, Node]:
        """The nodes by id."""
        return {node.id: node for node in self.graph.nodes}

    @cached_property
    def pathways(self) -> Mapping[PathwayId, Pathway]:
        """The pathways by id."""
        return {pathway.id: pathway for pathway in self.graph.pathways}

    @cached_property
    def rank_of(self) -> Mapping[NodeId, RankedNode]:
        """The ranked rows by node."""
        return {row.id: row for row in self.rows}

    @cached_property
    def _names(self) -> Mapping[Language, Names]:
        units = {unit.id: unit.name for unit in self.units.values()}
        return {language: names_of(self.graph, language=language, pack=self.pack, units=units) for language in Language}

    def names(self, language: Language) -> Names:
        """What people call what is in the graph."""
        return self._names[language]


class Runs:
    """The runs this process has read, the least used forgotten first."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self._kept: OrderedDict[tuple[EstablishmentId, int], LoadedRun] = OrderedDict()
        self._ranked: OrderedDict[tuple[EstablishmentId, int, str], tuple[RankedNode, ...]] = OrderedDict()
        self._reading = asyncio.Lock()  # ten requests for a new run read it once
        self._ranking = asyncio.Lock()  # likewise; its own, for a ranking takes seconds and holds up no other question

    async def latest(self, connection: Connection, establishment: EstablishmentId) -> LoadedRun:
        """The newest run; a problem when there is none yet."""
        stored = await rankings.latest(connection, establishment)
        if stored is None:
            raise ProblemError(
                Kind.NO_RANKING, 'Nothing has been ranked yet: POST /v1/jobs {"kind": "reidentify"} starts a run.'
            )
        key = (establishment, stored.id)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        async with self._reading:
            if key not in self._kept:
                self._kept[key] = await _read(connection, establishment, stored, self._pack)
                while len(self._kept) > RUNS_KEPT_MAX:
                    self._kept.popitem(last=False)
            return self._kept[key]

    async def rows(self, establishment: EstablishmentId, loaded: LoadedRun, *, horizon: str) -> tuple[RankedNode, ...]:
        """The ranking of a run at a horizon; one that was not stored is computed the first time it is asked for."""
        if horizon == loaded.stored.run.horizon:
            return loaded.rows
        key = (establishment, loaded.stored.id, horizon)
        async with self._ranking:
            if key not in self._ranked:
                ranking = await asyncio.to_thread(rank, loaded.network, horizon=horizon, limit=rankings.RUN_ROWS_MAX)
                self._ranked[key] = ranking.rows
                while len(self._ranked) > RUNS_KEPT_MAX * len(HORIZONS_MIN):
                    self._ranked.popitem(last=False)
            return self._ranked[key]


async def _read(connection: Connection, establishment: EstablishmentId, stored: StoredRun, pack: Pack) -> LoadedRun:
    document = await rankings.graph_document(connection, establishment, stored.id)
    _, questions = await rankings.sources_and_questions(connection, establishment, stored.id)
    rows: list[RankedNode] = []
    while page := await rankings.rows(
        connection, establishment, stored.id, after=rows[-1].rank if rows else 0, limit=rankings.ROWS_MAX
    ):
        rows += page
    units = {unit.id: unit for unit in await places.units(connection, establishment)}
    graph, network = await asyncio.to_thread(_compiled, document)
    return LoadedRun(
        stored=stored, graph=graph, network=network, rows=tuple(rows), questions=questions, units=units, pack=pack
    )


def _compiled(document: object) -> tuple[CareGraph, Network]:
    graph = parse_graph(document)
    return graph, compile(graph)
