"""The spool: observations wait on the disk until somebody has acknowledged them.

One SQLite file in the agent's state directory. What `keep` returned for is on the disk; a batch keeps its id from the
moment it is sealed until it is acknowledged, so that handing it over twice counts once. It opens no socket.
"""

import os
import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from riskdb.model.batch import BATCH_ROWS_MAX, Batch, encode_batch
from riskdb.model.ids import AgentId, BatchId, EstablishmentId
from riskdb.model.observation import Observation, Protocol, observe

SPOOL_NAME = "spool.sqlite"
SPOOL_BYTES_MAX = 1_000_000_000  # some 2 million observations; beyond it discovering stops, nothing is thrown away

_SCHEMA = """
CREATE TABLE IF NOT EXISTS waiting (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
  establishment INTEGER NOT NULL, row TEXT NOT NULL, batch TEXT) STRICT;
CREATE INDEX IF NOT EXISTS waiting_by_batch ON waiting (batch);
CREATE TABLE IF NOT EXISTS parked (batch TEXT PRIMARY KEY, at TEXT NOT NULL, reason TEXT NOT NULL, body BLOB NOT NULL,
  observations INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS remembered (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""
_KEEP = "INSERT INTO waiting (id, establishment, row) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING"
_SEAL = """
UPDATE waiting SET batch = ? WHERE seq IN (SELECT seq FROM waiting
  WHERE establishment = (SELECT establishment FROM waiting ORDER BY seq LIMIT 1) ORDER BY seq LIMIT ?)
"""


class SpoolError(OSError):
    """The spool cannot take or give observations; discovering stops rather than losing any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What the spool holds."""

    observations: int
    parked_batches: int
    parked_observations: int


class Spool:
    """The open spool of one agent."""

    def __init__(self, directory: Path, *, bytes_max: int = SPOOL_BYTES_MAX) -> None:
        self._path = directory / SPOOL_NAME
        self._bytes_max = bytes_max
        try:
            self._database = sqlite3.connect(self._path, isolation_level=None)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.executescript(_SCHEMA)
            self.agent = AgentId(self._remembered("agent") or self._remember("agent", f"agent-{uuid.uuid4().hex[:8]}"))
        except sqlite3.Error as error:
            raise SpoolError(f"opening the spool {self._path}: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def keep(self, observations: Iterable[Observation]) -> None:
        """Put observations on the disk, all or none; one that already waits is not kept twice."""
        rows = [(o.id, o.establishment, _text(o)) for o in observations]
        if rows:
            used = self._ask(
                "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, "
                "pragma_freelist_count, pragma_page_size"
            )[0][0]
            if used > self._bytes_max:
                raise SpoolError(
                    f"keeping observations in the spool {self._path}: it is full ({used} bytes), hand it over"
                )
            self._write([(_KEEP, row) for row in rows], doing=f"keeping {len(rows)} observations")

    def next_batch(self) -> Batch | None:
        """The oldest batch that waits, sealing one if none is; the same one until it is acknowledged or parked."""
        found = self._ask("SELECT batch FROM waiting WHERE batch IS NOT NULL ORDER BY seq LIMIT 1")
        if not found:
            found = self._seal()
        if not found:
            return None
        batch = found[0][0]
        rows = self._ask("SELECT establishment, row FROM waiting WHERE batch = ? ORDER BY seq", batch)
        return Batch(
            id=BatchId(batch),
            establishment=EstablishmentId(rows[0][0]),
            agent=self.agent,
            observations=tuple(self._observation(establishment, row) for establishment, row in rows),
        )

    def acknowledge(self, batch: BatchId) -> None:
        """Somebody has it for good."""
        self._write([("DELETE FROM waiting WHERE batch = ?", (batch,))], doing=f"clearing batch {batch}")

    def park(self, batch: Batch, reason: str) -> None:
        """Set a batch aside that will never be taken as it is; a person may look at it."""
        at = datetime.now(UTC).isoformat()
        body = encode_batch(batch)
        self._write(
            [
                ("INSERT INTO parked VALUES (?, ?, ?, ?, ?)", (batch.id, at, reason, body, len(batch.observations))),
                ("DELETE FROM waiting WHERE batch = ?", (batch.id,)),
            ],
            doing=f"parking batch {batch.id}",
        )

    def waiting(self) -> Waiting:
        """How much waits, and how much was set aside."""
        waiting = self._ask("SELECT count(*) FROM waiting")[0][0]
        batches, rows = self._ask("SELECT count(*), coalesce(sum(observations), 0) FROM parked")[0]
        return Waiting(observations=waiting, parked_batches=batches, parked_observations=rows)

    def write_out(self, path: Path) -> int:
        """Append all that waits to a file of JSON lines; a run that was killed half-way leaves nothing doubled.

        The file's length before a batch is remembered with the batch, so the next run cuts off a half-written one.
        """
        written = 0
        while (batch := self.next_batch()) is not None:
            mark = self._remembered("out")
            remembered = orjson.loads(mark) if mark else {}
            try:
                if remembered.get("batch") == batch.id and remembered.get("path") == str(path) and path.exists():
                    with path.open("r+b") as file:
                        file.truncate(remembered["length"])
                length = path.stat().st_size if path.exists() else 0
                self._remember("out", orjson.dumps({"batch": batch.id, "path": str(path), "length": length}).decode())
                _append(path, batch.observations)
            except OSError as error:
                raise SpoolError(f"writing observations to {path}: {error}") from error
            self.acknowledge(batch.id)
            written += len(batch.observations)
        return written

    def _seal(self) -> Sequence[Any]:
        batch = str(uuid.uuid4())
        self._write([(_SEAL, (batch, BATCH_ROWS_MAX))], doing="sealing a batch")
        return self._ask("SELECT batch FROM waiting WHERE batch = ? LIMIT 1", batch)

    def _observation(self, establishment: int, row: str) -> Observation:
        parsed = orjson.loads(row)
        return observe(
            establishment=EstablishmentId(establishment),
            agent=self.agent,
            seen_at=datetime.fromisoformat(parsed["seen_at"]),
            address=parsed["address"],
            mac=parsed["mac"],
            protocol=Protocol(parsed["protocol"]),
            facts=parsed["facts"],
        )

    def _remembered(self, key: str) -> str | None:
        found = self._ask("SELECT value FROM remembered WHERE key = ?", key)
        return str(found[0][0]) if found else None

    def _remember(self, key: str, value: str) -> str:
        set_value = "INSERT INTO remembered VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        self._write([(set_value, (key, value))], doing=f"remembering {key}")
        return value

    def _ask(self, question: str, *values: object) -> Sequence[Any]:
        try:
            return self._database.execute(question, values).fetchall()
        except sqlite3.Error as error:
            raise SpoolError(f"reading the spool {self._path}: {error}") from error

    def _write(self, statements: Iterable[tuple[str, tuple[object, ...]]], *, doing: str) -> None:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            for statement, values in statements:
                self._database.execute(statement, values)
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise SpoolError(f"{doing} in the spool {self._path}: {error}") from error


def row_of(observation: Observation) -> dict[str, Any]:
    """An observation as a line of a batch."""
    return {
        "seen_at": observation.seen_at.isoformat(),
        "address": observation.address,
        "mac": observation.mac,
        "protocol": observation.protocol.value,
        "facts": dict(observation.facts),
    }


def _text(observation: Observation) -> str:
    return orjson.dumps(row_of(observation)).decode()


def _append(path: Path, observations: Iterable[Observation]) -> None:
    with path.open("ab") as file:
        file.writelines(orjson.dumps(row_of(o)) + b"\n" for o in observations)
        file.flush()
        os.fsync(file.fileno())
