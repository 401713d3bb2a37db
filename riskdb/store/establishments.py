"""The hospitals of this database: global, so any connection may ask. It knows nothing of what is in them."""

from dataclasses import dataclass

import asyncpg

from riskdb.model.ids import EstablishmentId
from riskdb.store.statements import Connection, statements

SQL = statements(__file__)


class NameTakenError(ValueError):
    """Another establishment has this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Establishment:
    """A hospital."""

    id: EstablishmentId
    name: str
    beds: int | None


async def create(connection: Connection, *, name: str, beds: int | None = None) -> Establishment:
    """A new establishment; NameTakenError if the name is in use."""
    try:
        row = await connection.fetchrow(SQL["create"], name, beds)
    except asyncpg.UniqueViolationError as error:
        raise NameTakenError(f"creating establishment {name!r}: there is one of this name") from error
    assert row is not None  # noqa: S101 - INSERT ... RETURNING gives a row or raises
    return _establishment(row)


async def get(connection: Connection, establishment: EstablishmentId) -> Establishment | None:
    """The establishment of this number."""
    row = await connection.fetchrow(SQL["get"], establishment)
    return None if row is None else _establishment(row)


async def by_name(connection: Connection, name: str) -> Establishment | None:
    """The establishment of this name."""
    row = await connection.fetchrow(SQL["by_name"], name)
    return None if row is None else _establishment(row)


async def list_all(connection: Connection) -> list[Establishment]:
    """All establishments, the oldest first."""
    return [_establishment(row) for row in await connection.fetch(SQL["list_all"])]


def _establishment(row: asyncpg.Record) -> Establishment:
    return Establishment(id=EstablishmentId(row["id"]), name=row["name"], beds=row["beds"])
