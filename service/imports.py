"""A file that people keep, into declarations or observations of an establishment: row by row, or not at all.

The rows of one file are kept in one transaction. The same file twice counts once. It parses nothing itself.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from riskdb.imports import Imported, ImportFileError, read_assets, read_links, read_ports, read_rooms, read_units
from riskdb.knowledge import Pack
from riskdb.model.batch import BATCH_ROWS_MAX, Batch
from riskdb.model.ids import AgentId, BatchId, EstablishmentId
from riskdb.model.observation import Observation
from riskdb.store import import_runs, observations, places
from riskdb.store.import_runs import ImportRun
from riskdb.store.pool import scope
from riskdb.store.statements import Connection, Pool
from service.errors import InputError

FILE_BYTES_MAX = 32 * 1024 * 1024  # 200,000 lines of an asset list; protects memory: a file is read whole


class ImportKind(StrEnum):
    """The lists people keep."""

    ASSETS = "assets"
    UNITS = "units"
    ROOMS = "rooms"
    PORTS = "ports"
    LINKS = "links"


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedLine:
    """A line that was not taken, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of a file."""

    kind: ImportKind
    file: str
    dry_run: bool  # nothing was kept
    accepted: int
    rejected: tuple[RejectedLine, ...]
    warnings: tuple[str, ...]
    encoding: str
    delimiter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file as somebody brought it."""

    kind: ImportKind
    name: str
    content: bytes
    brought_by: str
    brought_at: datetime


async def import_file(
    pool: Pool, establishment: EstablishmentId, file: File, *, pack: Pack, dry_run: bool = False
) -> ImportReport:
    """Keep the rows of a file that can be kept, and say of every other line why not; InputError if it is no such list.

    Units, rooms, ports and links replace the list before; lines of an asset list are observations and add up.
    """
    async with scope(pool, establishment) as connection:
        known = await _known(connection, establishment)
    read = await asyncio.to_thread(_read, file, establishment, pack, known)
    report = ImportReport(
        kind=file.kind,
        file=file.name,
        dry_run=dry_run,
        accepted=len(read.rows),
        rejected=tuple(RejectedLine(line=reject.line, reason=reject.reason) for reject in read.rejects),
        warnings=read.warnings,
        encoding=read.encoding,
        delimiter=read.delimiter,
    )
    if dry_run or not read.rows:  # a file without one good row replaces nothing
        return report
    async with scope(pool, establishment) as connection:
        await _keep(connection, establishment, file, rows=read.rows)
        await import_runs.record(connection, establishment, _record(file, report))
    return report


@dataclass(frozen=True, slots=True)
class _Known:
    """Ids a line may refer to; None while no list of them was imported, since then nothing can be checked."""

    units: frozenset[str] | None
    rooms: frozenset[str] | None


async def _known(connection: Connection, establishment: EstablishmentId) -> _Known:
    units = frozenset(str(unit.id) for unit in await places.units(connection, establishment))
    rooms = frozenset(room.id for room in await places.rooms(connection, establishment))
    return _Known(units or None, rooms or None)


def _read(file: File, establishment: EstablishmentId, pack: Pack, known: _Known) -> Imported[Any]:
    try:
        match file.kind:
            case ImportKind.ASSETS:
                return read_assets(
                    file.content,
                    source=file.name,
                    establishment=establishment,
                    seen_at=file.brought_at,
                    pack_types=frozenset(pack.device_types),
                    units=known.units,
                    rooms=known.rooms,
                )
            case ImportKind.UNITS:
                return read_units(file.content, unit_types=frozenset(pack.unit_types))
            case ImportKind.ROOMS:
                return read_rooms(file.content, units=known.units)
            case ImportKind.PORTS:
                return read_ports(file.content, units=known.units, rooms=known.rooms)
            case ImportKind.LINKS:
                return read_links(file.content, declared_by=file.brought_by)
    except ImportFileError as error:
        raise InputError(f"importing {file.kind} from {file.name}: {error}") from error


async def _keep(connection: Connection, establishment: EstablishmentId, file: File, *, rows: Sequence[Any]) -> None:
    match file.kind:
        case ImportKind.ASSETS:
            await _keep_observations(connection, establishment, file, rows=rows)
        case ImportKind.UNITS:
            await places.replace_units(connection, establishment, rows)
        case ImportKind.ROOMS:
            await places.replace_rooms(connection, establishment, rows)
        case ImportKind.PORTS:
            await places.replace_ports(connection, establishment, rows)
        case ImportKind.LINKS:
            await places.replace_declared_links(connection, establishment, rows)


async def _keep_observations(
    connection: Connection, establishment: EstablishmentId, file: File, *, rows: Sequence[Observation]
) -> None:
    """The lines in batches whose ids follow from what they state: the same again, read the same way, counts once."""
    stated = [(row.address, row.mac, sorted(row.facts.items())) for row in rows]  # file name and line are facts too
    digest = hashlib.sha256(orjson.dumps(stated)).hexdigest()[:32]
    for part, start in enumerate(range(0, len(rows), BATCH_ROWS_MAX)):
        batch = Batch(
            id=BatchId(f"import-{digest}-{part}"),
            establishment=establishment,
            agent=AgentId(f"import:{file.name}"),
            observations=tuple(rows[start : start + BATCH_ROWS_MAX]),
        )
        await observations.ingest(connection, batch, received_at=file.brought_at, rejected=0)


def _record(file: File, report: ImportReport) -> ImportRun:
    return ImportRun(
        kind=file.kind.value,
        file_name=file.name,
        file_digest=hashlib.sha256(file.content).hexdigest(),
        rows_accepted=report.accepted,
        rejects=tuple((reject.line, reject.reason) for reject in report.rejected),
        imported_by=file.brought_by,
        imported_at=file.brought_at,
    )
