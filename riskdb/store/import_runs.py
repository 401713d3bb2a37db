"""The files people brought: which, by whom, how many rows were taken, and why the others were not."""

from dataclasses import dataclass
from datetime import datetime

import orjson

from riskdb.model.ids import EstablishmentId
from riskdb.store.statements import Connection, statements

SQL = statements(__file__)
REJECTS_KEPT_MAX = 1_000  # of a file that is wrong throughout, the first reasons are enough


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRun:
    """One imported file."""

    kind: str  # assets, units, rooms, ports, links
    file_name: str
    file_digest: str  # SHA-256, hex
    rows_accepted: int
    rejects: tuple[tuple[int, str], ...]  # line number, reason
    imported_by: str
    imported_at: datetime


async def record(connection: Connection, establishment: EstablishmentId, run: ImportRun) -> int:
    """Remember an import, in the transaction that keeps its rows; its number."""
    number: int = await connection.fetchval(
        SQL["record"],
        establishment,
        run.kind,
        run.file_name,
        run.file_digest,
        run.rows_accepted,
        orjson.dumps(run.rejects[:REJECTS_KEPT_MAX]).decode(),
        run.imported_by,
        run.imported_at,
    )
    return number


async def latest(connection: Connection, establishment: EstablishmentId, *, limit: int = 50) -> list[ImportRun]:
    """The last imports, the newest first."""
    return [
        ImportRun(
            kind=row["kind"],
            file_name=row["file_name"],
            file_digest=row["file_digest"],
            rows_accepted=row["rows_accepted"],
            rejects=tuple((line, reason) for line, reason in orjson.loads(row["rejects"])),
            imported_by=row["imported_by"],
            imported_at=row["imported_at"],
        )
        for row in await connection.fetch(SQL["latest"], establishment, limit)
    ]
