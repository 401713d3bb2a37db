"""The agent as people run it: what it sends is what arrives, what it saw is never lost, and it stops when told."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from discovery.ledger import LEDGER_NAME, Entry, Ledger, read_rows, verify
from riskdb.model.policy import Budget, Plan, Target, plan_document
from service.cli import agent
from tests.acceptance.peers import RANGE, arrived, command, devices, free_port, host, run, running, write_plan
from tests.unit.discovery.simulated import VENTILATOR, decision, known, plan, printer

# What a test may ask at once: its devices are its own.
QUICK = Budget(device_packets_per_s=50, subnet_packets_per_s=500, establishment_packets_per_s=1000)


def ward(hosts: list[str], port: int, **changes: Any) -> Plan:
    parts: dict[str, Any] = {"ranges": (RANGE,), "snmp_port": port, "budget": QUICK, "mdns_listen": False}
    return plan(**{**parts, "known": tuple(map(known, hosts)), **changes})


def sent_in(state: Path) -> Counter[str]:
    return Counter(row.target for row in read_rows(state) if row.entry is Entry.SENT)


def once(state: Path, plan_file: Path, *more: str) -> list[str | Path]:
    return ["--state", state, "--plan", plan_file, "--out", state / "seen.jsonl", "--once", "--listen-s", "0", *more]


async def test_what_devices_receive_is_what_the_ledger_says(tmp_path: Path) -> None:
    port, hosts = free_port(), [host(n) for n in range(1, 41)]
    state = tmp_path / "state"
    plan_file = write_plan(tmp_path, ward([*hosts, host(99)], port))
    async with devices({address: printer() for address in hosts}, port) as received:
        done = await run(*once(state, plan_file, "--json"))
    assert done.code == 0, done.err
    told = done.document
    assert told["packets_sent"] == sum(sent_in(state).values()) == sum(received.values()) + 2  # nobody is at .99
    assert {a: n for a, n in sent_in(state).items() if a != host(99)} == received
    assert told["addresses_answered"] == 40
    assert told["ledger_verified"] is True
    assert told["spooled"] == 0
    lines = [orjson.loads(line) for line in (state / "seen.jsonl").read_bytes().splitlines()]
    assert {line["address"] for line in lines} == set(hosts)
    assert told["observations"] == len(lines)


async def test_a_capture_of_the_interface_equals_the_ledger(tmp_path: Path) -> None:
    if shutil.which("tcpdump") is None:
        pytest.skip("tcpdump is not installed: apt-get install tcpdump")
    port, hosts = free_port(), [host(n) for n in range(1, 11)]
    state = tmp_path / "state"
    plan_file = write_plan(tmp_path, ward(hosts, port))
    arguments = ["-n", "-l", "--immediate-mode", "-q", "-t", "-i", "lo", f"udp and dst port {port}"]
    tcpdump = await asyncio.create_subprocess_exec(
        "tcpdump", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert tcpdump.stderr is not None
    first = await tcpdump.stderr.readline() + await tcpdump.stderr.readline()
    if b"listening" not in first:
        pytest.skip("tcpdump may not listen here: run as root or give it CAP_NET_RAW")
    async with devices({address: printer() for address in hosts[:8]}, port):
        await run(*once(state, plan_file))
    await asyncio.sleep(0.5)  # the last packet has to pass through the kernel's capture
    tcpdump.terminate()
    captured, _ = await tcpdump.communicate()
    # IP 127.0.0.1.40000 > 127.9.1.1.16100: UDP, length 150 - and more lines where the port looks like a protocol's
    lines = [line for line in captured.decode(errors="replace").splitlines() if line.startswith("IP ")]
    targets = [line.split(" > ")[1].split(":")[0].rpartition(".")[0] for line in lines]
    assert Counter(targets) == sent_in(state)
    assert len(targets) >= 20


async def test_a_ventilator_never_receives_anything(tmp_path: Path) -> None:
    port = free_port()
    listed = ward([host(1)], port)
    known_too = (*listed.known, known(host(2), VENTILATOR))
    plan_file = write_plan(tmp_path, ward([], port, known=known_too))
    async with devices({host(1): printer(), host(2): printer()}, port) as received:
        done = await run(*once(tmp_path / "state", plan_file, "--json"))
    assert set(received) == {host(1)}
    assert done.document["refused_by_rule"] == {"passive_class": 1}


async def test_an_agent_killed_half_way_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    port, hosts = free_port(), [host(n) for n in range(1, 201)]
    state = tmp_path / "state"
    slow = Budget(device_packets_per_s=50, subnet_packets_per_s=60, establishment_packets_per_s=60)
    plan_file = write_plan(tmp_path, ward(hosts, port, budget=slow))
    async with devices({address: printer() for address in hosts}, port) as received:
        async with running(*once(state, plan_file)) as process:
            await arrived(received, 100)
            process.send_signal(signal.SIGKILL)
            await process.wait()
        await asyncio.sleep(0.2)
        assert verify(state).whole
        before = sum(received.values())
        # Every packet that left has its row; the last group may have a row more than the wire saw.
        assert 0 <= sum(sent_in(state).values()) - before <= 50
        unsent = sum(sent_in(state).values()) - before
        done = await run(*once(state, plan_file, "--json"))
    assert done.code == 0, done.err
    assert verify(state).whole
    assert sum(sent_in(state).values()) == sum(received.values()) + unsent
    lines = (state / "seen.jsonl").read_bytes().splitlines()
    assert len(lines) == len(set(lines)) == done.document["observations"] + len(lines) - 200
    assert {orjson.loads(line)["address"] for line in lines} == set(hosts)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_ends_within_a_second_when_told(tmp_path: Path, number: signal.Signals) -> None:
    port, hosts = free_port(), [host(n) for n in range(1, 201)]
    state = tmp_path / "state"
    slow = Budget(subnet_packets_per_s=20, establishment_packets_per_s=20)
    plan_file = write_plan(tmp_path, ward(hosts, port, budget=slow))
    async with (
        devices({address: printer() for address in hosts}, port) as received,
        running(*once(state, plan_file, "--json")) as process,
    ):
        await arrived(received, 10)
        told = time.monotonic()
        process.send_signal(number)
        out, err = await process.communicate()
        assert time.monotonic() - told < 1.0
    assert process.returncode == 0, err
    document = orjson.loads(out)
    assert document["packets_sent"] == sum(received.values()) < 400
    assert document["ledger_verified"] is True


@pytest.mark.parametrize("switch", ["file", "signal"])
async def test_the_kill_switch_acts_within_a_second_and_stays_thrown(tmp_path: Path, switch: str) -> None:
    port, hosts = free_port(), [host(n) for n in range(1, 201)]
    state = tmp_path / "state"
    slow = Budget(subnet_packets_per_s=20, establishment_packets_per_s=20)
    plan_file = write_plan(tmp_path, ward(hosts, port, budget=slow))
    async with devices({address: printer() for address in hosts}, port) as received:
        async with running(*once(state, plan_file, "--json")) as process:
            await arrived(received, 10)
            if switch == "file":
                (state / "kill").touch()
            else:
                process.send_signal(signal.SIGUSR1)
            await asyncio.sleep(1.0)
            then = sum(received.values())
            await process.communicate()
        assert sum(received.values()) == then < 50
        again = await run(*once(state, plan_file, "--json"))
        assert sum(received.values()) == then
    assert again.document["packets_sent"] == 0
    assert "kill" in again.err


async def test_a_no_that_is_written_during_a_round_ends_the_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent, "PLAN_LOOK_S", 0.05)
    port, hosts = free_port(), [host(n) for n in range(1, 201)]
    slow = ward(hosts, port, budget=Budget(subnet_packets_per_s=20, establishment_packets_per_s=20))
    spared = replace(slow, do_not_probe=(decision(Target.RANGE, RANGE),))
    plan_file, state = write_plan(tmp_path, slow), tmp_path / "state"
    async with devices({address: printer() for address in hosts}, port) as received:
        errand = agent._Errand(state, None, None, plan_file, tmp_path / "o", once=False, listen_s=0, as_json=True)
        looking = asyncio.create_task(errand.run())
        await arrived(received, 10)
        plan_file.with_suffix(".new").write_bytes(plan_document(spared))
        plan_file.with_suffix(".new").replace(plan_file)
        async with asyncio.timeout(30):
            while not refused_in(state):  # noqa: ASYNC110 # the next round writes them
                await asyncio.sleep(0.05)
        errand._stop.set()
        await looking
    assert 10 <= sum(received.values()) < 100
    assert refused_in(state) == {"do_not_probe"}


def refused_in(state: Path) -> set[str]:
    return {row.rule for row in read_rows(state) if row.entry is Entry.REFUSED}


async def test_two_agents_never_share_a_state_directory(tmp_path: Path) -> None:
    port = free_port()
    plan_file = write_plan(tmp_path, ward([host(1)], port))
    state = tmp_path / "state"
    async with (
        devices({host(1): printer()}, port) as received,
        running("--state", state, "--plan", plan_file, "--out", state / "a", "--listen-s", "60"),
    ):
        await arrived(received, 1)
        second = await run(*once(state, plan_file))
    assert second.code == 1
    assert "another agent works in" in second.err


async def test_the_ledger_can_be_verified_and_looked_at(tmp_path: Path) -> None:
    port, state = free_port(), tmp_path / "state"
    plan_file = write_plan(tmp_path, ward([host(1)], port))
    async with devices({host(1): printer()}, port):
        head = (await run(*once(state, plan_file, "--json"))).document["ledger_head"]
    whole = await run("verify", "--state", state, "--head", head, "--json")
    assert (whole.code, whole.document["verified"]) == (0, True)
    status = await run("status", "--state", state, "--json")
    assert status.document["ledger_rows"] == whole.document["rows"]
    other = await run("verify", "--state", state, "--head", "00" * 32)
    assert other.code == 1
    assert "not whole" in other.err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "--state DIR is needed"),
        (["--state", "s"], 2, "either --service URL or --out FILE"),
        (["--state", "s", "--out", "o"], 2, "a --plan FILE is needed"),
        (["--state", "s", "--service", "http://127.0.0.1:1"], 2, "--service needs --token-file"),
        (["--state", "s", "--out", "o", "--plan", "missing.json"], 1, "missing.json"),
        (["--state", "s", "--out", "o", "--plan", "bad.json"], 2, "reading a plan: not JSON"),
        (["verify", "--state", "nowhere"], 1, "there is none"),
    ],
)
def test_a_wrong_call_is_one_plain_sentence(tmp_path: Path, arguments: list[str], code: int, message: str) -> None:
    (tmp_path / "bad.json").write_text("{")
    done = subprocess.run(command(*arguments), cwd=tmp_path, capture_output=True, text=True, env=_environment())
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


async def test_a_service_that_is_down_leaves_everything_in_the_spool(tmp_path: Path) -> None:
    port, state, token = free_port(), tmp_path / "state", tmp_path / "token"
    token.write_text("hush-hush-7\n")
    plan_file = write_plan(tmp_path, ward([host(1)], port))
    arguments = ["--state", state, "--plan", plan_file, "--service", "http://127.0.0.1:1", "--token-file", token]
    async with devices({host(1): printer()}, port):
        done = await run(*arguments, "--once", "--listen-s", "0", "--json")
    assert done.code == 1
    assert done.document["spooled"] == 1
    assert "handed over at the next start" in done.err
    assert "hush-hush-7" not in done.err + done.out


async def test_without_a_ledger_it_stops_with_one_sentence_and_sends_nothing(tmp_path: Path) -> None:
    port, state = free_port(), tmp_path / "state"
    plan_file = write_plan(tmp_path, ward([host(1)], port))
    state.mkdir()
    with Ledger(state) as book, sqlite3.connect(state / LEDGER_NAME, isolation_level=None) as other:
        book.append([])
        other.execute("BEGIN IMMEDIATE")
        async with devices({host(1): printer()}, port) as received:
            done = await run(*once(state, plan_file))
        other.execute("ROLLBACK")
    assert (done.code, sum(received.values())) == (1, 0)
    assert "the ledger" in done.err
    assert "Traceback" not in done.err


def test_it_runs_without_database_libraries(tmp_path: Path) -> None:
    blocked = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("asyncpg", "networkx", "numba", "scipy", "psycopg") or name == "service.app":
            raise ModuleNotFoundError(f"{name} is not for the agent", name=name)
sys.meta_path.insert(0, Blocker())
sys.argv = ["wardgraph agent", *sys.argv[1:]]
from service.cli.agent import command
command()
"""
    plan_file = write_plan(tmp_path, ward([], free_port()))
    arguments = map(str, once(tmp_path / "state", plan_file, "--json"))
    done = subprocess.run([sys.executable, "-c", blocked, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert orjson.loads(done.stdout)["packets_sent"] == 0
