"""Opens the way to the database for the service: a pool of connections, and transactions bound to one establishment.

It never serves a role that could see past row-level security.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from riskdb.model.ids import EstablishmentId
from riskdb.store.statements import Connection, Pool, statements

SQL = statements(__file__)
CONNECTIONS_MAX = 10  # a two-core server is busy with fewer; PostgreSQL itself is set to 50
STATEMENT_S_MAX = 120.0  # the longest honest one, a first settlement of a large hospital, takes seconds
CONNECT_S_MAX = 10.0


class RoleError(RuntimeError):
    """The database role may do too much for the service to run under it."""


async def open_pool(url: str) -> Pool:
    """Connections for the service; RoleError if its role is an owner, a superuser or exempt from row-level security."""
    pool = await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=CONNECTIONS_MAX,
        timeout=CONNECT_S_MAX,
        command_timeout=STATEMENT_S_MAX,
        # Our arrays are 1 or 20,000 rows long; a plan made for one is ruinous for the other.
        server_settings={"plan_cache_mode": "force_custom_plan", "application_name": "wardgraph", "timezone": "UTC"},
    )
    try:
        async with pool.acquire() as connection:
            await _refuse_power(connection)
    except BaseException:
        await pool.close()
        raise
    return pool


async def _refuse_power(connection: Connection) -> None:
    role = await connection.fetchrow(SQL["power_of_role"])
    if role is None:
        raise RoleError("opening the database: the role of this connection is unknown to it")
    for power, why in (
        ("superuser", "is a superuser"),
        ("bypasses", "has BYPASSRLS"),
        ("owner", "owns the database or its tables"),
    ):
        if role[power]:
            raise RoleError(
                f"opening the database: role {role['role']!r} {why}, so row-level security would not hold. "
                "Give the service a role that owns nothing; `wardgraph migrate --help` has the SQL."
            )


@asynccontextmanager
async def scope(pool: Pool, establishment: EstablishmentId) -> AsyncIterator[Connection]:
    """One transaction that sees one establishment; committed at the end, rolled back on any exception."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(SQL["set_scope"], str(establishment))
        yield connection
