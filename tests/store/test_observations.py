"""A batch counts once, a statement counts once, and what was taken is there for good."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic

import asyncpg
import pytest

from riskdb.model.ids import BatchId, EstablishmentId
from riskdb.model.observation import Protocol
from riskdb.store import observations
from riskdb.store.observations import Ingested
from riskdb.store.pool import scope
from riskdb.store.statements import Pool


async def test_what_is_ingested_is_loaded_again(pool: Pool, hospital: EstablishmentId, heard, parcel, nine) -> None:
    statements = heard(hospital, 3)
    async with scope(pool, hospital) as connection:
        taken = await observations.ingest(connection, parcel(hospital, statements), received_at=nine, rejected=1)
    assert taken == Ingested(accepted=3, duplicates=0, already_seen=False)
    async with scope(pool, hospital) as connection:
        assert await observations.load(connection, hospital) == statements
        assert await observations.count(connection, hospital) == 3
        assert await observations.newest_seen_at(connection, hospital) == statements[-1].seen_at


async def test_the_lines_of_lists_are_loaded_alone(pool: Pool, hospital: EstablishmentId, heard, parcel, nine) -> None:
    answer, line = heard(hospital, 2)
    line = replace(line, protocol=Protocol.IMPORT)
    async with scope(pool, hospital) as connection:
        await observations.ingest(connection, parcel(hospital, [answer, line]), received_at=nine, rejected=0)
        assert await observations.load(connection, hospital, protocol=Protocol.IMPORT) == [line]


async def test_the_same_batch_twice_is_answered_as_the_first_time(
    pool: Pool, hospital: EstablishmentId, heard, parcel, nine
) -> None:
    batch = parcel(hospital, heard(hospital, 3))
    answers = []
    for _ in range(2):
        async with scope(pool, hospital) as connection:
            answers.append(await observations.ingest(connection, batch, received_at=nine, rejected=0))
    assert answers == [Ingested(accepted=3, duplicates=0, already_seen=False), replace(answers[0], already_seen=True)]
    async with scope(pool, hospital) as connection:
        assert await observations.count(connection, hospital) == 3


async def test_the_same_batch_sent_twice_at_once_counts_once(
    pool: Pool, hospital: EstablishmentId, heard, parcel, nine
) -> None:
    batch = parcel(hospital, heard(hospital, 200))

    async def send() -> Ingested:
        async with scope(pool, hospital) as connection:
            return await observations.ingest(connection, batch, received_at=nine, rejected=0)

    answers = await asyncio.gather(*(send() for _ in range(4)))
    assert sorted(a.already_seen for a in answers) == [False, True, True, True]
    assert {a.accepted for a in answers} == {200}


async def test_a_statement_sent_in_two_batches_counts_once(
    pool: Pool, hospital: EstablishmentId, heard, parcel, nine
) -> None:
    statements = heard(hospital, 4)
    async with scope(pool, hospital) as connection:
        await observations.ingest(connection, parcel(hospital, statements[:3]), received_at=nine, rejected=0)
        second = parcel(hospital, [*statements[2:], statements[3]], name="batch-02")
        taken = await observations.ingest(connection, second, received_at=nine, rejected=0)
    assert taken == Ingested(accepted=1, duplicates=2, already_seen=False)


async def test_an_ingest_that_fails_leaves_nothing(pool: Pool, hospital: EstablishmentId, heard, parcel, nine) -> None:
    batch = parcel(hospital, heard(hospital, 3))

    async def fail_half_way() -> None:
        async with scope(pool, hospital) as connection:
            await observations.ingest(connection, batch, received_at=nine, rejected=0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_half_way()
    async with scope(pool, hospital) as connection:
        assert await observations.load(connection, hospital) == []
        again = await observations.ingest(connection, batch, received_at=nine, rejected=0)
    assert not again.already_seen


async def test_twenty_thousand_observations_take_seconds(
    pool: Pool, hospital: EstablishmentId, heard, parcel, nine
) -> None:
    batch = parcel(hospital, heard(hospital, 20_000))
    begun = monotonic()
    async with scope(pool, hospital) as connection:
        taken = await observations.ingest(connection, batch, received_at=nine, rejected=0)
    assert taken.accepted == 20_000
    assert monotonic() - begun < 10


async def test_what_we_knew_then_leaves_out_what_came_later(
    pool: Pool, hospital: EstablishmentId, heard, parcel, nine
) -> None:
    early, late = heard(hospital, 2)
    async with scope(pool, hospital) as connection:
        await observations.ingest(connection, parcel(hospital, [early]), received_at=nine, rejected=0)
        later = nine + timedelta(hours=1)
        await observations.ingest(connection, parcel(hospital, [late], name="batch-02"), received_at=later, rejected=0)
        assert await observations.load(connection, hospital, until=nine) == [early]


async def test_each_month_has_its_partition_and_a_mad_clock_makes_none(
    database, pool: Pool, hospital: EstablishmentId, heard, parcel, nine
) -> None:
    now = datetime.now(UTC)
    months = [now, now - timedelta(days=40), now - timedelta(days=300), datetime(1970, 1, 1, tzinfo=UTC)]
    statements = [heard(hospital, 1, start=at)[0] for at in months]
    async with scope(pool, hospital) as connection:
        await observations.ingest(connection, parcel(hospital, statements), received_at=nine, rejected=0)
        assert len(await observations.load(connection, hospital)) == 4
    owner = await asyncpg.connect(database.owner_url)
    partitions = await owner.fetch(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'observation'::regclass"
    )
    await owner.close()
    expected = {f"observation_y{at:%Y}m{at:%m}" for at in months[:3]} | {"observation_other"}
    assert {row[0] for row in partitions} == expected


async def test_the_service_cannot_change_what_was_observed(
    pool: Pool, hospital: EstablishmentId, heard, parcel, nine
) -> None:
    for statement in ("UPDATE observation SET mac = NULL", "DELETE FROM observation", "TRUNCATE observation"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with scope(pool, hospital) as connection:
                await connection.execute(statement)


async def test_a_batch_belongs_to_its_establishment(pool: Pool, hospital: EstablishmentId, heard, parcel, nine) -> None:
    other = EstablishmentId(hospital + 1)
    batch = replace(parcel(other, heard(other, 1)), id=BatchId("batch-99"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with scope(pool, hospital) as connection:
            await observations.ingest(connection, batch, received_at=nine, rejected=0)
