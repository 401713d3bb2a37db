"""Drills: an agent whose ledger somebody tampered with says so, whenever it is asked and on its own account."""

import sqlite3
from pathlib import Path

import pytest

from discovery.ledger import LEDGER_NAME
from tests.acceptance.peers import RANGE, devices, free_port, host, run, write_plan
from tests.unit.discovery.simulated import known, plan, printer


@pytest.mark.parametrize(
    ("tampering", "problem"),
    [
        ("UPDATE ledger SET target = '127.0.0.9' WHERE seq = 2", "row 2 was changed"),
        ("UPDATE ledger SET at = replace(at, '20', '19') WHERE seq = 1", "row 1 was changed"),
        ("DELETE FROM ledger WHERE seq = 2", "row 2 is missing"),
        ("DELETE FROM ledger WHERE seq > 2", "the head names row"),
        ("UPDATE ledger SET seq = 1000 WHERE seq = 2", "row 2 is missing"),
    ],
)
async def test_a_ledger_tampered_with_is_told_by_verify_and_by_the_next_round(
    tmp_path: Path, tampering: str, problem: str
) -> None:
    port, state = free_port(), tmp_path / "state"
    ward = plan(ranges=(RANGE,), snmp_port=port, mdns_listen=False, known=(known(host(1)),))
    errand = ["--state", state, "--plan", write_plan(tmp_path, ward), "--out", tmp_path / "seen.jsonl", "--once"]
    async with devices({host(1): printer()}, port):
        assert (await run(*errand, "--listen-s", "0")).code == 0
        with sqlite3.connect(state / LEDGER_NAME) as database:
            database.execute(tampering)
        database.close()
        verified = await run("verify", "--state", state, "--json")
        assert (verified.code, verified.document["verified"]) == (1, False)
        assert problem in verified.document["problem"]
        round_after = await run(*errand, "--listen-s", "0", "--json")
    assert round_after.code == 1
    assert round_after.document["ledger_verified"] is False
    assert "the ledger is not whole" in round_after.err
