"""Keeps the ranking behind what was heard: asks for a run once new statements have come to rest.

It looks into the database and not at requests, so a restart forgets nothing and two services agree. It runs nothing
itself: `runner` does, and the pipeline's own lock lets one run at a time.
"""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import structlog

from riskdb.model.ids import EstablishmentId
from riskdb.store import establishments
from riskdb.store.freshness import Freshness, freshness
from riskdb.store.pool import scope
from riskdb.store.statements import Pool
from service.errors import ProblemError
from service.jobs.runner import JobKind, Jobs

log = structlog.get_logger()

QUIET = timedelta(
    seconds=30
)  # an agent's look around comes as many batches; a run in their middle would be for nothing
PATIENCE = timedelta(minutes=15)  # but a hospital that never falls silent is ranked all the same


def is_due(found: Freshness, *, now: datetime) -> bool:
    """Whether a run would know more than the last, and the senders have paused or kept us waiting long enough."""
    if found.heard_at is None or (found.ranked_at is not None and found.heard_at <= found.ranked_at):
        return False
    waited = found.ranked_at is not None and now - found.ranked_at >= PATIENCE
    return waited or now - found.heard_at >= QUIET


async def follow(pool: Pool, jobs: Jobs, *, every_s: float) -> None:
    """Look at every establishment, for ever; cancelled at shutdown. A database that is away is tried again."""
    while True:
        await asyncio.sleep(every_s)
        try:
            await look(pool, jobs, now=datetime.now(UTC))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError, ProblemError) as error:
            log.warning("follow_failed", problem=str(error))


async def look(pool: Pool, jobs: Jobs, *, now: datetime) -> list[EstablishmentId]:
    """Ask for a run of each establishment that is due; which ones."""
    async with pool.acquire() as connection:
        all_of_them = [establishment.id for establishment in await establishments.list_all(connection)]
    due = []
    for establishment in all_of_them:
        async with scope(pool, establishment) as connection:
            found = await freshness(connection, establishment)
        if is_due(found, now=now):
            jobs.ask(JobKind.REIDENTIFY, establishment=establishment, now=now)
            due.append(establishment)
    return due
