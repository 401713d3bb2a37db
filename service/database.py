"""The database a command works with: the one DATABASE_URL names, else the private server of the state directory."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from riskdb.store.migrate import migrate, pending
from riskdb.store.pool import open_pool
from riskdb.store.statements import Pool
from service import embedded
from service.errors import InputError
from service.settings import Settings

OnStep = Callable[[str], None]


def ignore_step(step: str) -> None:
    """For callers that show no steps."""


@asynccontextmanager
async def database(settings: Settings, *, on_step: OnStep = ignore_step) -> AsyncIterator[Settings]:
    """Settings whose database runs and is of this version. The private server is started, or joined, and left again.

    InputError when no database is named, or when it must be migrated first and no owner's URL allows it here.
    """
    if settings.database_url is not None:
        await _bring_up_to_date(settings, on_step=on_step)
        yield settings
        return
    if not settings.embedded and not has_private_server(settings):
        raise InputError(
            f"opening the database: there is none in {settings.state}. "
            "Start `wardgraph serve --embedded`, name the state directory with --state, or set DATABASE_URL."
        )
    server = await asyncio.to_thread(embedded.start, settings.state)
    try:
        named = replace(settings, database_url=server.service_url, owner_url=server.owner_url)
        await _bring_up_to_date(named, on_step=on_step)
        yield named
    finally:
        await asyncio.to_thread(server.leave)


def has_private_server(settings: Settings) -> bool:
    """Whether a private server was ever made in the state directory."""
    return (settings.state / "postgres").exists() or (settings.state / "postgres.home").exists()


async def _bring_up_to_date(settings: Settings, *, on_step: OnStep) -> None:
    if settings.owner_url is not None:
        await migrate(settings.owner_url, on_step=on_step)
    elif settings.database_url is not None:
        missing = await pending(settings.database_url)
        if missing:
            raise InputError(
                f"opening the database: it lacks {', '.join(missing)}. "
                "Run `wardgraph migrate` with WARDGRAPH_OWNER_URL set."
            )


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Pool]:
    """Connections to the database of a command."""
    async with database(settings) as named:
        assert named.database_url is not None  # noqa: S101 - `database` yields it
        pool = await open_pool(named.database_url)
        try:
            yield pool
        finally:
            await pool.close()
