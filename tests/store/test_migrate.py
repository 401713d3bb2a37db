"""A database is migrated once, whole, by one migrator, and never by a history that was rewritten."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from riskdb.store.migrate import NO_TRANSACTION, Migration, MigrationError, migrate, pending, shipped

NAMES = [migration.name for migration in shipped()]


async def test_migrating_twice_does_nothing_the_second_time(databases) -> None:
    made = await databases.empty()
    heard: list[str] = []
    assert await pending(made.owner_url) == NAMES
    assert await migrate(made.owner_url, on_step=heard.append) == NAMES == heard
    assert await migrate(made.owner_url) == []
    assert await pending(made.service_url) == []
    await databases.drop(made)


async def test_an_interrupted_migration_leaves_nothing_half_done(databases) -> None:
    made = await databases.empty()
    broken = Migration(name="9000_add_broken.sql", text="CREATE TABLE half (x int); SELECT 1/0;")
    with pytest.raises(MigrationError, match=r"9000_add_broken\.sql: division by zero"):
        await migrate(made.owner_url, migrations=(*shipped(), broken))
    connection = await asyncpg.connect(made.owner_url)
    assert await connection.fetchval("SELECT to_regclass('half')") is None
    assert await connection.fetchval("SELECT count(*) FROM migration") == len(NAMES)
    await connection.close()
    mended = replace(broken, text="CREATE TABLE half (x int);")
    assert await migrate(made.owner_url, migrations=(*shipped(), mended)) == ["9000_add_broken.sql"]
    await databases.drop(made)


async def test_a_changed_applied_file_is_an_error(database) -> None:
    history = (replace(shipped()[0], text="-- rewritten"), *shipped()[1:])
    with pytest.raises(MigrationError, match="was changed after it was applied"):
        await migrate(database.owner_url, migrations=history)


async def test_an_older_program_leaves_a_newer_database_alone(database) -> None:
    with pytest.raises(MigrationError, match="newer than this program"):
        await migrate(database.owner_url, migrations=shipped()[:-1])


async def test_two_migrators_at_once_run_each_file_once(databases) -> None:
    made = await databases.empty()
    first, second = await asyncio.gather(migrate(made.owner_url), migrate(made.owner_url))
    assert sorted([first, second]) == [[], NAMES]
    await databases.drop(made)


async def test_an_index_can_be_built_outside_a_transaction(databases) -> None:
    made = await databases.empty()
    index = Migration(
        name="9000_add_index.sql",
        text=f"{NO_TRANSACTION}\nCREATE INDEX CONCURRENTLY IF NOT EXISTS by_name ON asset (establishment_id, name);",
    )
    one, two = await asyncio.gather(
        migrate(made.owner_url, migrations=(*shipped(), index)),
        migrate(made.owner_url, migrations=(*shipped(), index)),
    )
    assert sorted([one, two]) == [[], [*NAMES, index.name]]
    await databases.drop(made)


async def test_a_missing_service_role_is_named(databases) -> None:
    made = await databases.empty()
    with pytest.raises(MigrationError, match="no role 'nurse'"):
        await migrate(made.owner_url, service_role="nurse")
    await databases.drop(made)
