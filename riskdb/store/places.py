"""What people declare: units, rooms, switch ports, links. A new list replaces the old one whole.

Where a list names a thing twice its last line counts, as in the spreadsheet it came from.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from riskdb.model.ids import EstablishmentId, UnitId, UnitTypeId
from riskdb.model.place import DeclaredLink, LinkKind, Room, SwitchPort, Unit
from riskdb.store.statements import Connection, statements

SQL = statements(__file__)


async def replace_units(connection: Connection, establishment: EstablishmentId, units: Iterable[Unit]) -> int:
    """These are the units now; how many."""
    rows = {u.id: (u.id, u.name, u.unit_type, u.beds) for u in units}
    return await _replace(connection, establishment, "units", rows)


async def replace_rooms(connection: Connection, establishment: EstablishmentId, rooms: Iterable[Room]) -> int:
    """These are the rooms now; how many."""
    rows = {r.id: (r.id, r.name, r.unit) for r in rooms}
    return await _replace(connection, establishment, "rooms", rows)


async def replace_ports(connection: Connection, establishment: EstablishmentId, ports: Iterable[SwitchPort]) -> int:
    """These are the switch ports now; how many."""
    rows = {(p.switch, p.port): (p.switch, p.port, p.room, p.unit) for p in ports}
    return await _replace(connection, establishment, "ports", rows)


async def replace_declared_links(
    connection: Connection, establishment: EstablishmentId, links: Iterable[DeclaredLink]
) -> int:
    """These are the declared links now; how many."""
    rows = {
        (k.source, k.kind, k.target): (k.source, k.kind.value, k.target, k.minutes, k.group, k.declared_by)
        for k in links
    }
    return await _replace(connection, establishment, "links", rows)


async def units(connection: Connection, establishment: EstablishmentId) -> list[Unit]:
    """The units, by id."""
    return [
        Unit(id=UnitId(row["id"]), name=row["name"], unit_type=UnitTypeId(row["unit_type"]), beds=row["beds"])
        for row in await connection.fetch(SQL["units"], establishment)
    ]


async def rooms(connection: Connection, establishment: EstablishmentId) -> list[Room]:
    """The rooms, by id."""
    return [
        Room(id=row["id"], name=row["name"], unit=UnitId(row["unit_id"]))
        for row in await connection.fetch(SQL["rooms"], establishment)
    ]


async def ports(connection: Connection, establishment: EstablishmentId) -> list[SwitchPort]:
    """The switch ports that a list places."""
    return [
        SwitchPort(switch=row["switch"], port=row["port"], room=row["room_id"], unit=row["unit_id"])
        for row in await connection.fetch(SQL["ports"], establishment)
    ]


async def declared_links(connection: Connection, establishment: EstablishmentId) -> list[DeclaredLink]:
    """What people say hangs on what."""
    return [
        DeclaredLink(
            source=row["source"],
            kind=LinkKind(row["kind"]),
            target=row["target"],
            minutes=row["minutes"],
            group=row["one_enough_group"],
            declared_by=row["declared_by"],
        )
        for row in await connection.fetch(SQL["links"], establishment)
    ]


async def _replace(
    connection: Connection, establishment: EstablishmentId, what: str, rows: Mapping[Any, Sequence[object]]
) -> int:
    await connection.execute(SQL[f"drop_{what}"], establishment)
    if rows:
        await connection.execute(SQL[f"put_{what}"], establishment, *map(list, zip(*rows.values(), strict=True)))
    return len(rows)
