"""Rankings as they were computed: run, rows with their reasons, and the graph they came from. Never changed."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import orjson
from pydantic import TypeAdapter

from riskdb.model.care import BuiltGraph, EdgeKey, EdgeSource, Provenance, Question
from riskdb.model.ids import EstablishmentId, NodeId
from riskdb.model.impact import LeakingNode, RankedNode, Ranking
from riskdb.store import changes
from riskdb.store.changes import ChangeKind, Event
from riskdb.store.statements import Connection, statements

SQL = statements(__file__)
ROWS_MAX = 1_000  # rows of one answer
RUN_ROWS_MAX = 5_000  # rows of a run, each with its reasons; nobody reads on, and each costs about 2 kB
_ROW: TypeAdapter[RankedNode] = TypeAdapter(RankedNode)
_LEAKING: TypeAdapter[tuple[LeakingNode, ...]] = TypeAdapter(tuple[LeakingNode, ...])
_QUESTIONS: TypeAdapter[tuple[Question, ...]] = TypeAdapter(tuple[Question, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingRun:
    """When and from what a ranking was computed."""

    horizon: str
    pack_version: str
    started_at: datetime
    finished_at: datetime
    observed_until: datetime | None  # the newest observation it rests on; None without any


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run that was kept, with its number."""

    id: int
    run: RankingRun
    unreviewed_numbers: int
    confidentiality: tuple[LeakingNode, ...]


async def save(
    connection: Connection,
    establishment: EstablishmentId,
    *,
    run: RankingRun,
    ranking: Ranking,
    built: BuiltGraph,
    graph: Mapping[str, Any],
) -> int:
    """Keep a ranking and what it was computed from; `graph` is the care-graph/1 document of `built.graph`."""
    number: int = await connection.fetchval(
        SQL["save_run"],
        establishment,
        run.horizon,
        run.pack_version,
        run.started_at,
        run.finished_at,
        run.observed_until,
        built.unreviewed_numbers,
        _QUESTIONS.dump_json(built.questions).decode(),
        _LEAKING.dump_json(ranking.confidentiality).decode(),
        zlib.compress(orjson.dumps(graph)),
        zlib.compress(_sources_document(built.sources)),
    )
    await connection.execute(
        SQL["save_rows"],
        establishment,
        number,
        [row.rank for row in ranking.rows],
        [row.id for row in ranking.rows],
        [_ROW.dump_json(row).decode() for row in ranking.rows],
    )
    await changes.append(
        connection, establishment, [Event(kind=ChangeKind.RANKED, subject=str(number))], at=run.finished_at
    )
    return number


async def latest(connection: Connection, establishment: EstablishmentId) -> StoredRun | None:
    """The newest run, None before the first."""
    row = await connection.fetchrow(SQL["latest"], establishment)
    return None if row is None else _stored(row)


async def recent(connection: Connection, establishment: EstablishmentId, *, limit: int = 50) -> list[StoredRun]:
    """The last runs, the newest first."""
    return [_stored(row) for row in await connection.fetch(SQL["recent"], establishment, min(limit, ROWS_MAX))]


async def get(connection: Connection, establishment: EstablishmentId, run: int) -> StoredRun | None:
    """A run by its number."""
    row = await connection.fetchrow(SQL["get"], establishment, run)
    return None if row is None else _stored(row)


async def rows(
    connection: Connection, establishment: EstablishmentId, run: int, *, after: int = 0, limit: int = 100
) -> list[RankedNode]:
    """The rows of a run behind a rank, in order."""
    found = await connection.fetch(SQL["rows"], establishment, run, after, min(limit, ROWS_MAX))
    return [_ROW.validate_json(row["document"]) for row in found]


async def row_of(connection: Connection, establishment: EstablishmentId, run: int, node: NodeId) -> RankedNode | None:
    """The row of one node, None if it harms nobody."""
    document = await connection.fetchval(SQL["row_of"], establishment, run, node)
    return None if document is None else _ROW.validate_json(document)


async def graph_document(connection: Connection, establishment: EstablishmentId, run: int) -> dict[str, Any] | None:
    """The care-graph/1 document a run was computed from."""
    packed = await connection.fetchval(SQL["graph"], establishment, run)
    if packed is None:
        return None
    document: dict[str, Any] = orjson.loads(zlib.decompress(packed))
    return document


async def sources_and_questions(
    connection: Connection, establishment: EstablishmentId, run: int
) -> tuple[dict[EdgeKey, EdgeSource], tuple[Question, ...]]:
    """Why each edge is in the graph of a run, and what was not known."""
    row = await connection.fetchrow(SQL["built"], establishment, run)
    if row is None:
        return {}, ()
    sources = {
        EdgeKey(source, kind, target): EdgeSource(
            provenance=Provenance(provenance), because=because, confidence=confidence
        )
        for source, kind, target, provenance, because, confidence in orjson.loads(zlib.decompress(row["sources"]))
    }
    return sources, _QUESTIONS.validate_json(row["questions"])


def _sources_document(sources: Mapping[EdgeKey, EdgeSource]) -> bytes:
    return orjson.dumps(
        [
            [key.source, key.kind, key.target, source.provenance.value, source.because, source.confidence]
            for key, source in sorted(sources.items())
        ]
    )


def _stored(row: asyncpg.Record) -> StoredRun:
    return StoredRun(
        id=row["id"],
        run=RankingRun(
            horizon=row["horizon"],
            pack_version=row["pack_version"],
            started_at=row["started_at"],
            finished_at=row["finished_at"],
            observed_until=row["observed_until"],
        ),
        unreviewed_numbers=row["unreviewed_numbers"],
        confidentiality=_LEAKING.validate_json(row["confidentiality"]),
    )
