"""The service never works with a role that could look past row-level security."""

import asyncpg
import pytest

from riskdb.model.ids import EstablishmentId
from riskdb.store import policy
from riskdb.store.pool import RoleError, open_pool, scope
from riskdb.store.statements import Pool


async def test_the_owner_is_refused(database) -> None:
    with pytest.raises(RoleError, match="owns the database"):
        await open_pool(database.owner_url)


async def test_without_a_scope_there_is_no_row_but_an_error(pool: Pool) -> None:
    async with pool.acquire() as connection:
        with pytest.raises(asyncpg.PostgresError):
            await connection.fetch("SELECT * FROM policy")


async def test_a_scope_ends_with_its_transaction(pool: Pool, hospital: EstablishmentId) -> None:
    async with scope(pool, hospital) as connection:
        assert await policy.load(connection, hospital) is None
    async with pool.acquire() as connection:
        with pytest.raises(asyncpg.PostgresError):
            await connection.fetch("SELECT * FROM policy")
