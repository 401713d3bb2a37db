"""A ranking is kept with its reasons and with the graph it came from."""

from datetime import timedelta

from riskdb.model.care import (
    BuiltGraph,
    CareGraph,
    EdgeKey,
    EdgeSource,
    Node,
    Provenance,
    Question,
    QuestionKind,
)
from riskdb.model.ids import EstablishmentId, NodeId, PathwayId, StepId
from riskdb.model.impact import Chain, Event, EventKind, LeakingNode, RankedNode, Ranking, Reason
from riskdb.model.scenario import Mode
from riskdb.store import changes, rankings
from riskdb.store.changes import ChangeKind
from riskdb.store.pool import scope
from riskdb.store.rankings import RankingRun
from riskdb.store.statements import Pool

HOURS = {"1h": 0.0, "7d": 12.5}


def ranked(rank: int) -> RankedNode:
    server = NodeId(f"pump-server-{rank}")
    lost = Event(kind=EventKind.LOST, subject=PathwayId("icu"), at_min=120)
    down = Event(kind=EventKind.DOWN, subject=server, at_min=0)
    chain = Chain(
        pathway=PathwayId("icu"),
        step=StepId("infuse"),
        kind=EventKind.LOST,
        starts_at_min=120,
        share=0.5,
        events=(lost, down),
    )
    return RankedNode(
        rank=rank,
        id=server,
        score=10.0 / rank,
        mode=Mode.AVAILABILITY,
        vital=rank == 1,
        index={Mode.AVAILABILITY: HOURS, Mode.INTEGRITY: HOURS},
        patients_affected=HOURS,
        patients_exposed=HOURS,
        reason=Reason(mode=Mode.AVAILABILITY, pathways=(PathwayId("icu"),), chains=(chain,)),
    )


async def test_a_ranking_is_read_as_it_was_computed(pool: Pool, hospital: EstablishmentId, nine) -> None:
    ranking = Ranking(
        horizon="7d",
        rows=tuple(ranked(i) for i in range(1, 8)),
        confidentiality=(LeakingNode(id=NodeId("pacs"), records=1_200_000),),
    )
    edge = EdgeKey("pump-server-1", "manages", "pump-1")
    source = EdgeSource(provenance=Provenance.OBSERVED, because="o1", confidence=0.9)
    question = Question(kind=QuestionKind.UNKNOWN_TYPE, about="a7", text_en="What is a7?", text_fr="Qu'est-ce que a7 ?")
    built = BuiltGraph(
        graph=CareGraph(nodes=(Node(id=NodeId("pump-1")),), capabilities=(), pathways=()),
        sources={edge: source},
        questions=(question,),
        unreviewed_numbers=42,
    )
    run = RankingRun(
        horizon="7d",
        pack_version="abc",
        started_at=nine,
        finished_at=nine + timedelta(seconds=2),
        observed_until=nine - timedelta(minutes=5),
    )
    document = {"format": "care-graph/1", "nodes": [{"id": "pump-1"}]}
    async with scope(pool, hospital) as connection:
        assert await rankings.latest(connection, hospital) is None
        number = await rankings.save(connection, hospital, run=run, ranking=ranking, built=built, graph=document)
    async with scope(pool, hospital) as connection:
        stored = await rankings.latest(connection, hospital)
        assert stored is not None
        assert (stored.id, stored.run, stored.unreviewed_numbers) == (number, run, 42)
        assert stored.confidentiality == ranking.confidentiality
        assert await rankings.rows(connection, hospital, number, limit=3) == list(ranking.rows[:3])
        assert await rankings.rows(connection, hospital, number, after=3) == list(ranking.rows[3:])
        assert await rankings.row_of(connection, hospital, number, NodeId("pump-server-2")) == ranking.rows[1]
        assert await rankings.row_of(connection, hospital, number, NodeId("kettle")) is None
        assert await rankings.graph_document(connection, hospital, number) == document
        assert await rankings.sources_and_questions(connection, hospital, number) == ({edge: source}, (question,))
        assert [c.event.kind for c in await changes.after(connection, hospital, 0)] == [ChangeKind.RANKED]
