"""What people hand in: places, policies, imports, tokens."""

from datetime import timedelta

import pytest

from riskdb.model.ids import EstablishmentId, UnitId, UnitTypeId
from riskdb.model.place import DeclaredLink, LinkKind, Room, SwitchPort, Unit
from riskdb.store import establishments, import_runs, places, policy, tokens
from riskdb.store.establishments import NameTakenError
from riskdb.store.import_runs import ImportRun
from riskdb.store.pool import scope
from riskdb.store.statements import Pool
from riskdb.store.tokens import Role

ICU = Unit(id=UnitId("icu-a"), name="Réanimation A", unit_type=UnitTypeId("icu"), beds=12)
ER = Unit(id=UnitId("er"), name="Urgences", unit_type=UnitTypeId("emergency"))


async def test_a_new_list_replaces_the_old_one(pool: Pool, hospital: EstablishmentId) -> None:
    async with scope(pool, hospital) as connection:
        assert await places.replace_units(connection, hospital, [ICU, ER]) == 2
        assert await places.units(connection, hospital) == [ER, ICU]
        assert await places.replace_units(connection, hospital, [ICU]) == 1
        assert await places.units(connection, hospital) == [ICU]
        assert await places.replace_units(connection, hospital, []) == 0
        assert await places.units(connection, hospital) == []


async def test_places_and_links_are_read_as_declared(pool: Pool, hospital: EstablishmentId) -> None:
    room = Room(id="r1", name="Box 1", unit=ICU.id)
    port = SwitchPort(switch="sw-icu", port="Gi1/0/7", room=None, unit=ICU.id)
    first = DeclaredLink(source="pump-1", kind=LinkKind.NEEDS, target="gw-1", minutes=240, declared_by="m.roux")
    last = DeclaredLink(source="pump-1", kind=LinkKind.NEEDS, target="gw-1", minutes=60, group="gateways")
    async with scope(pool, hospital) as connection:
        await places.replace_rooms(connection, hospital, [room])
        await places.replace_ports(connection, hospital, [port])
        assert await places.replace_declared_links(connection, hospital, [first, last]) == 1
        assert await places.rooms(connection, hospital) == [room]
        assert await places.ports(connection, hospital) == [port]
        assert await places.declared_links(connection, hospital) == [last]


async def test_the_newest_policy_is_in_force(pool: Pool, hospital: EstablishmentId, nine) -> None:
    async with scope(pool, hospital) as connection:
        assert await policy.load(connection, hospital) is None
        for version, document in enumerate((b"one", b"two"), start=1):
            assert await policy.save(connection, hospital, document, saved_by="m.roux", saved_at=nine) == version
        stored = await policy.load(connection, hospital)
    assert stored is not None
    assert (stored.version, stored.document, stored.saved_by) == (2, b"two", "m.roux")


async def test_an_import_is_remembered_with_its_rejects(pool: Pool, hospital: EstablishmentId, nine) -> None:
    run = ImportRun(
        kind="assets",
        file_name="gmao.csv",
        file_digest="ab" * 32,
        rows_accepted=118,
        rejects=((7, "no device type of this name: pompe"),),
        imported_by="m.roux",
        imported_at=nine,
    )
    async with scope(pool, hospital) as connection:
        await import_runs.record(connection, hospital, run)
        assert await import_runs.latest(connection, hospital) == [run]


async def test_a_token_opens_until_it_is_revoked_or_expires(pool: Pool, hospital: EstablishmentId, nine) -> None:
    async with pool.acquire() as connection:
        made = await tokens.create(connection, establishment=hospital, name="north", role=Role.AGENT, now=nine)
        brief = await tokens.create(
            connection,
            establishment=hospital,
            name="guest",
            role=Role.VIEWER,
            now=nine,
            expires_at=nine + timedelta(hours=1),
        )
        assert await tokens.find(connection, made.secret, now=nine) == made.token
        assert await tokens.find(connection, made.secret + "x", now=nine) is None
        assert await tokens.find(connection, brief.secret, now=nine + timedelta(hours=2)) is None
        assert await tokens.revoke(connection, hospital, made.token.id, now=nine)
        assert not await tokens.revoke(connection, hospital, made.token.id, now=nine)
        assert await tokens.find(connection, made.secret, now=nine) is None
        assert {t.name for t in await tokens.list_all(connection, hospital)} == {"north", "guest"}


async def test_a_token_is_stored_nowhere_and_shown_in_no_trace(pool: Pool, hospital: EstablishmentId, nine) -> None:
    async with pool.acquire() as connection:
        made = await tokens.create(connection, establishment=hospital, name="north", role=Role.AGENT, now=nine)
        stored = await connection.fetchval("SELECT string_agg(t::text, ' ') FROM access_token t")
    assert made.secret not in repr(made)
    assert made.secret.removeprefix("wg_") not in stored


async def test_two_hospitals_have_two_names(pool: Pool, hospital: EstablishmentId) -> None:
    async with pool.acquire() as connection:
        with pytest.raises(NameTakenError, match="Saint-Roch"):
            await establishments.create(connection, name="Saint-Roch")
        found = await establishments.by_name(connection, "Saint-Roch")
        assert found is not None
        assert found.id == hospital
        assert await establishments.get(connection, hospital) == found
        assert await establishments.list_all(connection) == [found]
