"""The spool loses nothing and doubles nothing."""

import os
import sqlite3
from pathlib import Path

import orjson
import pytest

from discovery.outbox import SPOOL_NAME, Spool, SpoolError, row_of
from riskdb.model.batch import BATCH_ROWS_MAX
from riskdb.model.ids import AgentId, EstablishmentId
from riskdb.model.observation import Observation, Protocol, observe
from tests.unit.discovery.simulated import MORNING


def observation(number: int, *, establishment: int = 1) -> Observation:
    return observe(
        establishment=EstablishmentId(establishment),
        agent=AgentId("a"),
        seen_at=MORNING,
        address=f"127.9.{number // 250}.{number % 250 + 1}",
        mac=None,
        protocol=Protocol.SNMP,
        facts={"snmp.sys_name": f"device {number}"},
    )


def test_what_was_kept_waits_across_a_restart_with_its_batch(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        spool.keep(map(observation, range(3)))
        first = spool.next_batch()
    with Spool(tmp_path) as spool:
        spool.keep([observation(3)])
        again = spool.next_batch()
        assert first is not None
        assert again == first
        assert [row_of(o) for o in again.observations] == [row_of(observation(n)) for n in range(3)]
        spool.acknowledge(again.id)
        rest = spool.next_batch()
        assert rest is not None
        assert rest.id != first.id
        assert len(rest.observations) == 1


def test_the_same_statement_waits_once(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        spool.keep([observation(1), observation(1)])
        spool.keep([observation(1)])
        assert spool.waiting().observations == 1


def test_batches_hold_what_one_transaction_may(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        spool.keep(map(observation, range(BATCH_ROWS_MAX + 1)))
        sizes = []
        while (batch := spool.next_batch()) is not None:
            sizes.append(len(batch.observations))
            spool.acknowledge(batch.id)
        assert sizes == [BATCH_ROWS_MAX, 1]


def test_two_establishments_never_share_a_batch(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        spool.keep([observation(1), observation(2, establishment=2), observation(3)])
        batch = spool.next_batch()
        assert batch is not None
        assert [o.establishment for o in batch.observations] == [1, 1]


def test_a_parked_batch_is_out_of_the_way_and_kept(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        spool.keep([observation(1)])
        batch = spool.next_batch()
        assert batch is not None
        spool.park(batch, "status 422: no")
        assert spool.next_batch() is None
        assert (spool.waiting().parked_batches, spool.waiting().parked_observations) == (1, 1)


def test_a_full_spool_says_so_and_can_still_be_handed_over(tmp_path: Path) -> None:
    with Spool(tmp_path, bytes_max=200_000) as spool:
        spool.keep(map(observation, range(1_500)))
        with pytest.raises(SpoolError, match="it is full"):
            spool.keep([observation(1_500)])
        assert spool.waiting().observations == 1_500
        while (batch := spool.next_batch()) is not None:
            spool.acknowledge(batch.id)
        spool.keep([observation(1)])
        assert spool.waiting().observations == 1


def test_a_file_half_written_by_a_killed_run_is_written_once(tmp_path: Path) -> None:
    out = tmp_path / "observations.jsonl"
    with Spool(tmp_path) as spool:
        spool.keep([observation(0)])
        spool.write_out(out)
        spool.keep(map(observation, range(1, 4)))
        batch = spool.next_batch()
        assert batch is not None
        mark = {"batch": batch.id, "path": str(out), "length": out.stat().st_size}
        spool._remember("out", orjson.dumps(mark).decode())  # as it stands when the process dies in the next line
        with out.open("ab") as file:
            file.write(orjson.dumps(row_of(batch.observations[0])) + b'\n{"half a li')
    with Spool(tmp_path) as spool:
        assert spool.write_out(out) == 3
    written = [orjson.loads(line) for line in out.read_bytes().splitlines()]
    assert written == [row_of(observation(n)) for n in range(4)]


def test_an_unreadable_spool_is_said_so(tmp_path: Path) -> None:
    (tmp_path / SPOOL_NAME).write_bytes(b"this is no database" * 100)
    with pytest.raises(SpoolError, match="opening the spool"):
        Spool(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_under_the_output_file_loses_nothing(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        spool.keep([observation(1)])
        with pytest.raises(SpoolError, match="writing observations to /dev/full"):
            spool.write_out(Path(os.devnull).parent / "full")
        assert spool.waiting().observations == 1


def test_a_spool_that_another_process_holds_is_waited_for_or_said_so(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        other = sqlite3.connect(tmp_path / SPOOL_NAME, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        spool._database.execute("PRAGMA busy_timeout=10")
        with pytest.raises(SpoolError, match="keeping 1 observations"):
            spool.keep([observation(1)])
        other.execute("ROLLBACK")
        other.close()
        spool.keep([observation(1)])
        assert spool.waiting().observations == 1
