"""Every statement prepares against the migrated schema, and every one is used by the module beside it."""

import re
from pathlib import Path

import asyncpg
import pytest

import riskdb.store
from riskdb.store.statements import statements

STORE = Path(riskdb.store.__file__).parent
FILES = sorted(STORE.glob("*.sql"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
async def test_every_statement_prepares(database, path: Path) -> None:
    connection = await asyncpg.connect(database.owner_url if path.stem == "migrate" else database.service_url)
    for name, sql in statements(str(path)).items():
        try:
            await connection.prepare(sql)
        except asyncpg.PostgresError as error:
            pytest.fail(f"{path.name}: {name}: {error}")
    await connection.close()


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_statement_is_used_and_exists(path: Path) -> None:
    code = path.with_suffix(".py").read_text()
    used = set(re.findall(r'SQL\["([a-z_]+)"\]', code))
    for prefix in re.findall(r'SQL\[f"([a-z]+)_\{what\}"\]', code):
        used |= {f"{prefix}_{what}" for what in re.findall(r'establishment, "([a-z]+)", rows', code)}
    assert used == set(statements(str(path)))


async def test_every_statement_on_a_fact_table_names_the_establishment(database) -> None:
    connection = await asyncpg.connect(database.service_url)
    fact_tables = {
        row["relname"] for row in await connection.fetch("SELECT relname FROM pg_class WHERE relforcerowsecurity")
    }
    await connection.close()
    touched = re.compile(r"(?:FROM|JOIN|INTO|UPDATE)\s+([a-z_]+)")
    silent = [
        f"{path.name}: {name}"
        for path in FILES
        for name, sql in statements(str(path)).items()
        if fact_tables & set(touched.findall(sql)) and "establishment_id" not in sql
    ]
    assert {"observation", "asset", "ranking_run"} <= fact_tables
    assert not silent
