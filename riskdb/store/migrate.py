"""Brings a database to this version: runs the files of `migrations`, in order, each once, each whole or not at all.

It never goes back, and it never runs a file that changed after it was applied elsewhere: that is an error.
"""

import asyncio
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files

import asyncpg

from riskdb.store.statements import Connection, statements

SQL = statements(__file__)
SERVICE_ROLE = "wardgraph_service"
LOCK_KEY = 0x5741_5244  # "WARD"; advisory locks of one database share one number space
LOCK_S_MAX = 300.0  # how long another migrator may be at it before we give up
LOCK_POLL_S = 0.1
NO_TRANSACTION = "-- no-transaction"  # first line of a file with one statement that may be repeated
_NAME = re.compile(r"\d{4}_[a-z]+(_[a-z]+)+\.sql")


class MigrationError(RuntimeError):
    """The database cannot be brought to this version; the message says which file and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file of the database's history."""

    name: str
    text: str

    @property
    def checksum(self) -> str:
        """What the file says, in 64 hex digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def shipped() -> tuple[Migration, ...]:
    """The migrations of this version, in order."""
    found = [entry for entry in files("migrations").iterdir() if entry.name.endswith(".sql")]
    for entry in found:
        if not _NAME.fullmatch(entry.name):
            raise MigrationError(f"reading migrations: {entry.name} is not named NNNN_verb_noun.sql")
    return tuple(
        Migration(name=entry.name, text=entry.read_text(encoding="utf-8"))
        for entry in sorted(found, key=lambda e: e.name)
    )


async def migrate(
    owner_url: str,
    *,
    service_role: str = SERVICE_ROLE,
    on_step: Callable[[str], None] | None = None,
    migrations: tuple[Migration, ...] | None = None,
) -> list[str]:
    """Run what has not run yet, as the owner, and return the names; `on_step` hears each before it runs."""
    history = shipped() if migrations is None else migrations
    connection = await asyncpg.connect(owner_url)
    try:
        if not await connection.fetchval(SQL["role_exists"], service_role):
            raise MigrationError(
                f"migrating the database: there is no role {service_role!r} to grant to; "
                "`wardgraph migrate --help` has the SQL that makes it"
            )
        await _lock(connection)
        await connection.execute(SQL["create_history"])
        await connection.fetchval(SQL["name_service_role"], service_role)
        todo = await _not_applied(connection, history)
        for migration in todo:
            if on_step:
                on_step(migration.name)
            await _apply(connection, migration)
    finally:
        await connection.close()  # which gives the lock back
    return [migration.name for migration in todo]


async def pending(url: str) -> list[str]:
    """The migrations that have not run yet; any role that may read the history may ask."""
    connection = await asyncpg.connect(url)
    try:
        if not await connection.fetchval(SQL["has_history"]):
            return [migration.name for migration in shipped()]
        return [migration.name for migration in await _not_applied(connection, shipped())]
    finally:
        await connection.close()


async def _lock(connection: Connection) -> None:
    deadline = asyncio.get_running_loop().time() + LOCK_S_MAX
    while not await connection.fetchval(SQL["try_lock"], LOCK_KEY):
        if asyncio.get_running_loop().time() > deadline:
            raise MigrationError(f"migrating the database: somebody else has been at it for {LOCK_S_MAX:.0f} s")
        await asyncio.sleep(LOCK_POLL_S)


async def _not_applied(connection: Connection, history: tuple[Migration, ...]) -> list[Migration]:
    applied = {row["name"]: row["checksum"] for row in await connection.fetch(SQL["applied"])}
    for migration in history:
        if applied.get(migration.name, migration.checksum) != migration.checksum:
            raise MigrationError(f"migrating the database: {migration.name} was changed after it was applied")
    unknown = sorted(set(applied) - {migration.name for migration in history})
    if unknown:
        raise MigrationError(f"migrating the database: it is newer than this program, which has no {unknown[0]}")
    return [migration for migration in history if migration.name not in applied]


async def _apply(connection: Connection, migration: Migration) -> None:
    try:
        if migration.text.startswith(NO_TRANSACTION):
            await connection.execute(migration.text)
            await connection.execute(SQL["record"], migration.name, migration.checksum)
            return
        async with connection.transaction():
            await connection.execute(migration.text)
            await connection.execute(SQL["record"], migration.name, migration.checksum)
    except asyncpg.PostgresError as error:
        raise MigrationError(f"migrating the database: {migration.name}: {error}") from error
