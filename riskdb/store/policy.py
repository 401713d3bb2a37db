"""The policy document of an establishment, every version of it. Opaque bytes: the service seals secrets before."""

from dataclasses import dataclass, field
from datetime import datetime

from riskdb.model.ids import EstablishmentId
from riskdb.store.statements import Connection, statements

SQL = statements(__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPolicy:
    """A policy document and who put it there."""

    version: int
    document: bytes = field(repr=False)
    saved_by: str
    saved_at: datetime


async def save(
    connection: Connection, establishment: EstablishmentId, document: bytes, *, saved_by: str, saved_at: datetime
) -> int:
    """Make this the policy; its version number. Of two people saving at once the second fails and may look again."""
    version: int = await connection.fetchval(SQL["save"], establishment, document, saved_by, saved_at)
    return version


async def load(connection: Connection, establishment: EstablishmentId) -> StoredPolicy | None:
    """The policy in force, None where nobody has written one."""
    row = await connection.fetchrow(SQL["load"], establishment)
    return None if row is None else StoredPolicy(**dict(row))
