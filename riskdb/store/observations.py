"""Observations, append-only: a batch is taken whole and once, a statement counts once whoever sends it again.

It never changes or deletes one; the database role could not.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import asyncpg
import orjson

from riskdb.model.batch import Batch
from riskdb.model.ids import AgentId, AssetId, EstablishmentId, ObservationId
from riskdb.model.observation import Observation, Protocol
from riskdb.store.statements import Connection, statements

SQL = statements(__file__)
EVIDENCE_ROWS_MAX = 1_000  # statements read at a time, unless told otherwise; a printer makes 9,000 a year


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What became of a batch. `already_seen`: it came before, and the numbers are those of then."""

    accepted: int
    duplicates: int
    already_seen: bool


async def ingest(connection: Connection, batch: Batch, *, received_at: datetime, rejected: int) -> Ingested:
    """Keep a batch, all in the caller's transaction: acknowledge it only after that has committed."""
    for month in sorted({_month(o.seen_at) for o in batch.observations}):
        await connection.execute(SQL["ensure_month"], month)
    if not await connection.fetchval(
        SQL["begin_batch"], batch.establishment, batch.id, batch.agent, received_at, rejected
    ):
        row = await connection.fetchrow(SQL["seen_batch"], batch.establishment, batch.id)
        assert row is not None  # noqa: S101 - the conflict above is with this row
        return Ingested(accepted=row["accepted"], duplicates=row["duplicates"], already_seen=True)
    accepted = await connection.fetchval(
        SQL["add"], batch.establishment, batch.id, received_at, batch.agent, *_columns(batch.observations)
    )
    duplicates = len(batch.observations) - accepted
    await connection.execute(SQL["end_batch"], batch.establishment, batch.id, accepted, duplicates)
    return Ingested(accepted=accepted, duplicates=duplicates, already_seen=False)


async def load(
    connection: Connection,
    establishment: EstablishmentId,
    *,
    until: datetime | None = None,
    protocol: Protocol | None = None,
) -> list[Observation]:
    """All observations in the order they were seen; with `until`, those we had received by then."""
    rows = await connection.fetch(SQL["load"], establishment, until, None if protocol is None else protocol.value)
    return await asyncio.to_thread(_all_of, rows, establishment)


async def of_asset(
    connection: Connection,
    establishment: EstablishmentId,
    asset: AssetId,
    *,
    after: ObservationId | None = None,
    limit: int = EVIDENCE_ROWS_MAX,
) -> list[Observation]:
    """The observations an asset rests on, the newest first; with `after`, those behind that one."""
    rows = await connection.fetch(SQL["of_asset"], establishment, asset, after, limit)
    return _all_of(rows, establishment)


async def newest_seen_at(connection: Connection, establishment: EstablishmentId) -> datetime | None:
    """When the newest observation was made: the age of what we know."""
    newest: datetime | None = await connection.fetchval(SQL["newest"], establishment)
    return newest


async def count(connection: Connection, establishment: EstablishmentId) -> int:
    """How many observations are kept."""
    return int(await connection.fetchval(SQL["total"], establishment))


def _month(seen_at: datetime) -> date:
    return seen_at.astimezone(UTC).date().replace(day=1)


def _columns(observations: Sequence[Observation]) -> tuple[list[object], ...]:
    return (
        [o.id for o in observations],
        [o.seen_at for o in observations],
        [o.address for o in observations],
        [o.mac for o in observations],
        [o.protocol.value for o in observations],
        [orjson.dumps(dict(o.facts)).decode() for o in observations],
    )


def _all_of(rows: Sequence[asyncpg.Record], establishment: EstablishmentId) -> list[Observation]:
    return [_observation(row, establishment) for row in rows]


def _observation(row: asyncpg.Record, establishment: EstablishmentId) -> Observation:
    return Observation(
        id=ObservationId(row["id"]),
        establishment=establishment,
        agent=AgentId(row["agent_id"]),
        seen_at=row["seen_at"],
        address=row["address"],
        mac=row["mac"],
        protocol=Protocol(row["protocol"]),
        facts=orjson.loads(row["facts"]),
    )
