"""What a check of the installation asks the database. It changes nothing."""

from dataclasses import dataclass
from datetime import datetime

from riskdb.store.statements import Connection, statements

SQL = statements(__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerState:
    """The server's clock and version."""

    now: datetime
    version: str


async def server_state(connection: Connection) -> ServerState:
    """The server's clock and version."""
    row = await connection.fetchrow(SQL["clock"])
    assert row is not None  # noqa: S101 - a SELECT without FROM gives one row
    return ServerState(now=row["now"], version=row["version"])
