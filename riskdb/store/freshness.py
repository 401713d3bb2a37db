"""How far the newest ranking lags behind what was heard. It judges nothing."""

from dataclasses import dataclass
from datetime import datetime

from riskdb.model.ids import EstablishmentId
from riskdb.store.statements import Connection, statements

SQL = statements(__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """The last word received, and the start of the newest run, which knows all that was received before it."""

    heard_at: datetime | None
    ranked_at: datetime | None


async def freshness(connection: Connection, establishment: EstablishmentId) -> Freshness:
    """How fresh the ranking of an establishment is."""
    row = await connection.fetchrow(SQL["freshness"], establishment)
    return (
        Freshness(heard_at=row["heard_at"], ranked_at=row["ranked_at"])
        if row
        else Freshness(heard_at=None, ranked_at=None)
    )
