"""The ledger tells every meddling, and remembers what breakers know."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from discovery.ledger import LEDGER_NAME, Entry, Ledger, LedgerError, Row, read_rows, remember_device, verify
from discovery.rules import DeviceState
from tests.unit.discovery.simulated import MORNING


def packet(host: int) -> Row:
    return Row(
        at=MORNING, entry=Entry.SENT, target=f"127.9.1.{host}", port=161, probe="snmp_system", packet_bytes=80, rule="r"
    )


@pytest.fixture
def written(tmp_path: Path) -> Path:
    with Ledger(tmp_path) as book:
        book.append([packet(1), packet(2)])
        book.append([packet(3), packet(4)])
    return tmp_path


def meddle(directory: Path, *statements: str) -> None:
    database = sqlite3.connect(directory / LEDGER_NAME)
    for statement in statements:
        database.execute(statement)
    database.commit()
    database.close()


def test_an_honest_ledger_is_whole_across_runs(written: Path) -> None:
    with Ledger(written) as book:
        book.append([packet(5)])
        head = book.head
    found = verify(written, expected_head=head)
    assert found.whole
    assert found.rows == 5
    assert [row.target for row in read_rows(written)] == [f"127.9.1.{n}" for n in range(1, 6)]


@pytest.mark.parametrize(
    ("meddling", "problem"),
    [
        (["UPDATE ledger SET target = '127.9.9.9' WHERE seq = 2"], "row 2 was changed"),
        (["UPDATE ledger SET at = '2026-03-02T09:00:00.000001+00:00' WHERE seq = 4"], "row 4 was changed"),
        (["DELETE FROM ledger WHERE seq = 2"], "row 2 is missing"),
        (["DELETE FROM ledger WHERE seq = 1"], "row 1 is missing"),
        (["DELETE FROM ledger WHERE seq = 4"], "the head names row 4, the rows end at 3"),
        (["DELETE FROM ledger"], "the head names row 4, the rows end at 0"),
        (
            [
                "UPDATE ledger SET seq = 9 WHERE seq = 2",
                "UPDATE ledger SET seq = 2 WHERE seq = 3",
                "UPDATE ledger SET seq = 3 WHERE seq = 9",
            ],
            "row 2 was changed",
        ),
    ],
)
def test_meddling_shows(written: Path, meddling: list[str], problem: str) -> None:
    meddle(written, *meddling)
    found = verify(written)
    assert not found.whole
    assert found.problem == problem


def test_a_ledger_begun_anew_is_told_by_a_head_that_was_kept_elsewhere(tmp_path: Path) -> None:
    with Ledger(tmp_path) as book:
        book.append([packet(1)])
    assert verify(tmp_path).whole
    assert not verify(tmp_path, expected_head="ab" * 32).whole


def test_a_long_ledger_is_verified_from_a_known_row_on(written: Path) -> None:
    with Ledger(written) as book:
        since = (book.rows, book.head)
        book.append([packet(5), packet(6)])
    assert verify(written, since=since).whole
    assert verify(written, since=since).rows == 6
    assert not verify(written, since=(since[0], "00" * 32)).whole
    meddle(written, "DELETE FROM ledger WHERE seq = 6")
    assert not verify(written, since=since).whole


def test_a_group_that_cannot_be_written_leaves_nothing(written: Path) -> None:
    with Ledger(written) as book:
        other = sqlite3.connect(written / LEDGER_NAME, isolation_level=None)
        columns = "at, entry, target, port, probe, packet_bytes, rule, note, count, hash"
        other.execute(f"INSERT INTO ledger SELECT 6, {columns} FROM ledger WHERE seq = 4")
        with pytest.raises(LedgerError):
            book.append([packet(5), packet(6)])
        other.execute("DELETE FROM ledger WHERE seq = 6")
        other.close()
        book.append([packet(7)])
    assert verify(written).whole
    assert verify(written).rows == 5


def test_a_row_is_on_the_disk_and_not_only_on_its_way_there(tmp_path: Path) -> None:
    with Ledger(tmp_path) as book:
        mode = book._database.execute("PRAGMA journal_mode").fetchone()[0]
        synchronous = book._database.execute("PRAGMA synchronous").fetchone()[0]
    assert (mode, synchronous) == ("wal", 2)  # FULL: each commit is synced, sqlite.org/pragma.html#pragma_synchronous


def test_breakers_outlive_the_process(tmp_path: Path) -> None:
    stopped = DeviceState(replied_at=MORNING, stopped_until=MORNING + timedelta(hours=24), timeouts=1, silent_rounds=2)
    with Ledger(tmp_path) as book:
        book.append([], memory=[remember_device("127.9.1.1", stopped)])
    with Ledger(tmp_path) as book:
        assert book.recall().devices == {"127.9.1.1": stopped}


def test_a_file_that_is_no_ledger_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="there is none"):
        verify(tmp_path)
    (tmp_path / LEDGER_NAME).write_bytes(b"no database at all, but long enough to be looked at" * 20)
    assert not verify(tmp_path).whole
    with pytest.raises(LedgerError, match="opening the ledger"):
        Ledger(tmp_path)
