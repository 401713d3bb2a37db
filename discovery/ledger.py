"""Part of the safety gate: the hash-chained record of every packet, refusal and alert, and what breakers remember.

One SQLite file in the agent's state directory. A row's hash covers the row and the hash before it, and the head is
kept beside the rows: a row changed, removed, put elsewhere or cut off at the end shows. It never holds a secret.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from discovery.rules import DeviceState

LEDGER_NAME = "ledger.sqlite"
GENESIS = bytes(32)  # the hash before the first row
BUSY_S = 1.0  # somebody else reads or copies the file; longer would stall the loop and invent absent devices
NOTE_CHARS_MAX = 400  # a reason, not a story


class LedgerError(OSError):
    """The ledger cannot be written or read; without it no packet leaves."""


class Entry(StrEnum):
    """What a row records."""

    SENT = "sent"  # written before the packet leaves
    NOT_SENT = "not_sent"  # the system refused the packet of an earlier `sent` row
    REFUSED = "refused"  # the first refusal of an address by a rule in a run
    REFUSED_AGAIN = "refused_again"  # how often more, written at the end of a run
    ALERT = "alert"  # a breaker, the kill switch
    CLOSED = "closed"  # an address was found to be of a passive class
    STARTED = "started"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the ledger."""

    at: datetime
    entry: Entry
    target: str = ""
    port: int = 0
    probe: str = ""
    packet_bytes: int = 0
    rule: str = ""
    note: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What became of the chain: `problem` is None when it is whole."""

    rows: int
    head: str
    problem: str | None

    @property
    def whole(self) -> bool:
        """Whether nothing was changed, removed, reordered or cut off."""
        return self.problem is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What outlives a run: the breakers, and words that closed an address."""

    devices: Mapping[str, DeviceState]
    stopped_subnets: Mapping[str, datetime]
    closed: Mapping[str, str]  # address -> the placement that closed it, as JSON
    credentials: Mapping[str, str]  # address -> name of the credential that it answered


_SCHEMA = """
CREATE TABLE IF NOT EXISTS ledger (
  seq INTEGER PRIMARY KEY, at TEXT NOT NULL, entry TEXT NOT NULL, target TEXT NOT NULL, port INTEGER NOT NULL,
  probe TEXT NOT NULL, packet_bytes INTEGER NOT NULL, rule TEXT NOT NULL, note TEXT NOT NULL, count INTEGER NOT NULL,
  hash BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, hash BLOB NOT NULL)
  STRICT;
CREATE TABLE IF NOT EXISTS memory (kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (kind, key)) STRICT;
"""
_INSERT = "INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SET_HEAD = "INSERT INTO head VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET seq = excluded.seq, hash = excluded.hash"
_REMEMBER = "INSERT INTO memory VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value"
_ROWS_AFTER = (
    "SELECT seq, at, entry, target, port, probe, packet_bytes, rule, note, count, hash "
    "FROM ledger WHERE seq > ? ORDER BY seq"
)


class Ledger:
    """The open ledger of one agent. `append` returns when the rows are on the disk."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / LEDGER_NAME
        try:
            # The agent's lock on the directory keeps a second writer out.
            self._database = sqlite3.connect(self._path, isolation_level=None, timeout=BUSY_S)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.executescript(_SCHEMA)
            found = self._database.execute("SELECT seq, hash FROM head").fetchone()
        except sqlite3.Error as error:
            raise LedgerError(f"opening the ledger {self._path}: {error}") from error
        self._seq: int = found[0] if found else 0
        self._hash: bytes = found[1] if found else GENESIS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    @property
    def head(self) -> str:
        """The hash of the last row: whoever keeps it elsewhere can tell a ledger rewritten as a whole."""
        return self._hash.hex()

    @property
    def rows(self) -> int:
        """How many rows the ledger holds."""
        return self._seq

    def append(self, rows: Iterable[Row], *, memory: Iterable[tuple[str, str, str]] = ()) -> None:
        """Write rows and memory in one transaction; on the disk when it returns, nothing of them if it raises."""
        seq, last = self._seq, self._hash
        try:
            self._database.execute("BEGIN IMMEDIATE")
            for row in rows:
                seq += 1
                values = _values(seq, row)
                last = _chained(last, values)
                self._database.execute(_INSERT, (*values, last))
            self._database.execute(_SET_HEAD, (seq, last))
            self._database.executemany(_REMEMBER, list(memory))
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise LedgerError(f"writing the ledger {self._path}: {error}") from error
        self._seq, self._hash = seq, last

    def recall(self) -> Memory:
        """What earlier runs left in memory."""
        kept: dict[str, dict[str, str]] = {"device": {}, "subnet": {}, "closed": {}, "credential": {}}
        for kind, key, value in self._database.execute("SELECT kind, key, value FROM memory"):
            kept.setdefault(kind, {})[key] = value
        return Memory(
            devices={a: _read_device(v) for a, v in kept["device"].items()},
            stopped_subnets={s: datetime.fromisoformat(v) for s, v in kept["subnet"].items()},
            closed=kept["closed"],
            credentials=kept["credential"],
        )

    def last_sent_at(self) -> datetime | None:
        """When the last packet was allowed to leave."""
        found = self._database.execute("SELECT max(at) FROM ledger WHERE entry = 'sent'").fetchone()
        return datetime.fromisoformat(found[0]) if found and found[0] else None


def verify(directory: Path, *, expected_head: str | None = None, since: tuple[int, str] | None = None) -> Verification:
    """Walk the chain of a ledger, running agent or not: all of it, or from a row and its hash on."""
    path = directory / LEDGER_NAME
    if not path.is_file():
        raise LedgerError(f"verifying the ledger {path}: there is none")
    try:
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA query_only=ON")
            database.execute("BEGIN")  # one snapshot of rows and head
            head = database.execute("SELECT seq, hash FROM head").fetchone() or (0, GENESIS)
            first, before = (since[0], bytes.fromhex(since[1])) if since else (0, GENESIS)
            rows, last, problem = _walk(database.execute(_ROWS_AFTER, (first,)), first, before)
    except sqlite3.Error as error:
        return Verification(rows=0, head="", problem=f"the file cannot be read: {error}")
    if problem is None and (rows, last) != tuple(head):
        problem = f"the head names row {head[0]}, the rows end at {rows}"
    if problem is None and expected_head is not None and last.hex() != expected_head:
        problem = "the last row is not the one expected"
    return Verification(rows=rows, head=last.hex(), problem=problem)


def read_rows(directory: Path) -> Iterator[Row]:
    """The rows of a ledger in order."""
    with closing(sqlite3.connect(directory / LEDGER_NAME)) as database:
        database.execute("PRAGMA query_only=ON")
        for _, at, entry, target, port, probe, packet_bytes, rule, note, count, _ in database.execute(
            _ROWS_AFTER, (0,)
        ):
            yield Row(
                at=datetime.fromisoformat(at),
                entry=Entry(entry),
                target=target,
                port=port,
                probe=probe,
                packet_bytes=packet_bytes,
                rule=rule,
                note=note,
                count=count,
            )


def remember_device(address: str, device: DeviceState) -> tuple[str, str, str]:
    """A device's breaker as a line of memory."""
    fields = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in asdict(device).items()}
    return "device", address, json.dumps(fields)


def _read_device(value: str) -> DeviceState:
    fields = json.loads(value)
    moments = ("replied_at", "stopped_until", "backing_off_until", "asked_at")
    return DeviceState(
        timeouts=fields["timeouts"],
        silent_rounds=fields["silent_rounds"],
        **{name: datetime.fromisoformat(fields[name]) if fields[name] else None for name in moments},
    )


def _values(seq: int, row: Row) -> tuple[int, str, str, str, int, str, int, str, str, int]:
    at = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    note = row.note[:NOTE_CHARS_MAX]
    return seq, at, row.entry.value, row.target, row.port, row.probe, row.packet_bytes, row.rule, note, row.count


def _chained(last: bytes, values: tuple[object, ...]) -> bytes:
    return hashlib.sha256(last + json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()).digest()


def _walk(rows: Iterable[tuple[object, ...]], count: int, last: bytes) -> tuple[int, bytes, str | None]:
    for *values, stored in rows:
        if values[0] != count + 1:
            return count, last, f"row {count + 1} is missing"
        last = _chained(last, tuple(values))
        if last != stored:
            return count, last, f"row {count + 1} was changed"
        count += 1
    return count, last, None
