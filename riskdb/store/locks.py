"""One recomputation of an establishment at a time, across all processes that share the database. It never waits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from riskdb.model.ids import EstablishmentId
from riskdb.store.statements import Pool, statements

SQL = statements(__file__)


@asynccontextmanager
async def run_lock(pool: Pool, establishment: EstablishmentId) -> AsyncIterator[bool]:
    """Whether we hold the lock; it goes back at the end, or with the connection if the process dies."""
    async with pool.acquire() as connection:
        held = bool(await connection.fetchval(SQL["try_run_lock"], establishment))
        try:
            yield held
        finally:
            if held and not connection.is_closed():
                await connection.fetchval(SQL["release_run_lock"], establishment)
