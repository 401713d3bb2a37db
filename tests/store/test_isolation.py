"""One hospital never sees another's rows, in any fact table the catalogue knows, also those of next year."""

import asyncpg

from riskdb.model.ids import EstablishmentId
from riskdb.store.pool import scope
from riskdb.store.statements import Pool

GLOBAL_TABLES = {"establishment", "migration", "access_token"}  # whoever adds one must say why in its migration
TABLES = """
    SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relispartition,
      has_table_privilege('wardgraph_service', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE') AS usable,
      pg_get_expr(p.polqual, c.oid) AS reads, pg_get_expr(p.polwithcheck, c.oid) AS writes,
      (SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
       WHERE i.indrelid = c.oid AND i.indisprimary) AS first_of_key
    FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
"""


async def test_every_fact_table_is_guarded(database, pool: Pool, hospital: EstablishmentId) -> None:
    async with scope(pool, hospital) as connection:
        await connection.execute("SELECT ensure_observation_month(current_date)")
    owner = await asyncpg.connect(database.owner_url)
    tables = [row for row in await owner.fetch(TABLES) if row["relname"] not in GLOBAL_TABLES]
    await owner.close()
    rule = (
        "(establishment_id = ( SELECT (current_setting('wardgraph.establishment'::text))::integer AS current_setting))"
    )
    assert len(tables) > 20
    for table in tables:
        name = table["relname"]
        assert table["relrowsecurity"], name
        assert table["relforcerowsecurity"], name
        assert table["reads"] == table["writes"] == rule, name
        assert table["first_of_key"] == "establishment_id", name
        assert not (table["relispartition"] and table["usable"]), f"{name} can be reached without its parent"


async def test_another_establishments_rows_are_invisible_in_every_fact_table(
    database, pool: Pool, hospital: EstablishmentId
) -> None:
    """Plants a row of another hospital in every fact table, then looks for it as the service does."""
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("INSERT INTO establishment (id, name, created_at) VALUES (77, 'Other', now())")
    await owner.execute("SELECT set_config('wardgraph.establishment', '77', false)")
    names = [
        row["relname"]
        for row in await owner.fetch(TABLES)
        if row["relname"] not in GLOBAL_TABLES and not row["relispartition"]
    ]
    for name in sorted(names, key=lambda n: n == "ranked_node"):  # after the run it belongs to
        await plant(owner, name)
    await owner.close()
    async with scope(pool, hospital) as connection:
        for name in names:
            assert await connection.fetchval(f"SELECT count(*) FROM {name}") == 0, name
    async with scope(pool, EstablishmentId(77)) as connection:
        for name in names:
            assert await connection.fetchval(f"SELECT count(*) FROM {name}") == 1, name


async def plant(owner: asyncpg.Connection, table: str) -> None:
    """A row with some value in every column that must have one."""
    columns = await owner.fetch(
        "SELECT attname, format_type(atttypid, atttypmod) AS kind FROM pg_attribute "
        "WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT atthasdef AND attidentity = '' AND attnotnull",
        table,
    )
    values = {
        "text": "'x'",
        "integer": "1",
        "bigint": "1",
        "double precision": "1",
        "timestamp with time zone": "now()",
        "jsonb": "'{}'",
        "bytea": "'x'",
    }
    row = {c["attname"]: "77" if c["attname"] == "establishment_id" else values[c["kind"]] for c in columns}
    await owner.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(row.values())})")
