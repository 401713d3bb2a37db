"""The whole path by one command, as a newcomer runs it: real database, service, hospital and agent on loopback."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service import embedded

DEMO = [sys.executable, "-m", "service.cli.main", "demo"]
DEMO_S_MAX = 240


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("demo")
    place.chmod(0o755)
    yield place
    embedded.remove(place)


def play(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DEMO, "--state", str(state), *arguments], capture_output=True, text=True, timeout=DEMO_S_MAX, check=False
    )


@pytest.fixture(scope="module")
def told(state: Path) -> dict[str, Any]:
    """What the demo says of a hospital that nobody has seen."""
    done = play(state, "--once", "--json", "--seed", "4711")
    assert done.returncode == 0, done.stderr[-2_000:]
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_a_hospital_nobody_has_seen_is_found_and_told_apart(told: dict[str, Any]) -> None:
    assert told["ground_truth"]["devices"] >= 400
    assert len([kind for kind in told["ground_truth"]["by_device_type"] if kind != "none"]) >= 35
    identity = told["identity"]
    assert identity["pairwise_precision"] >= 0.999
    assert identity["pairwise_recall"] >= 0.95
    assert identity["device_type_accuracy"] >= 0.9
    assert identity["model_accuracy"] >= 0.9
    assert identity["firmware_accuracy"] >= 0.9


def test_nobody_was_disturbed_and_every_packet_is_accounted_for(told: dict[str, Any]) -> None:
    safety = told["safety"]
    assert safety["packets_sent"] == safety["packets_received_by_devices"] > 0
    assert safety["fragile_devices"] > 0
    assert safety["fragile_devices_disturbed"] == 0
    assert safety["refused"] > 0
    assert safety["ledger_verified"] is True


def test_the_ranking_has_reasons_and_people(told: dict[str, Any]) -> None:
    rows = told["ranking"]
    assert len(rows) >= 20
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    assert all(row["reason"] and row["pathways"] for row in rows)
    assert [row["index"] for row in rows] == sorted((row["index"] for row in rows), reverse=True)
    assert all(set(row["patients_affected"]) == {"1h", "4h", "24h", "72h", "7d", "30d"} for row in rows)
    assert told["timings_s"]["engine"] < 10


def test_a_second_run_stays_up_with_what_it_knows_and_ends_on_request(told: dict[str, Any], state: Path) -> None:
    process = subprocess.Popen([*DEMO, "--state", str(state), "--seed", "4711"], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if "Ctrl-C stops everything" in line:
            break
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0, said
    assert "known from an earlier run" in said
    assert told["ranking"][0]["name"] in said


def test_another_hospital_does_not_move_into_the_same_state(told: dict[str, Any], state: Path) -> None:
    done = play(state, "--once", "--seed", "4712")
    assert done.returncode == 1
    assert "holds another hospital" in done.stderr


def test_a_busy_port_is_a_plain_message(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = play(tmp_path, "--once", "--port", str(port))
    assert done.returncode == 1
    assert f"port {port} of this machine is busy" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--json"], "goes with --once"),
        (["--hospital", "nowhere.json", "--seed", "3"], "either --hospital or --seed"),
        (["--once", "--hospital", "/nonexistent.json"], "No such file"),
    ],
)
def test_a_wrong_command_line_is_told(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = play(tmp_path, *arguments)
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


LOOK = """
import sys
from pathlib import Path
from service.cli.sealed import seal
seal([Path(sys.argv[1])])
{attempt}
"""


@pytest.mark.parametrize(
    "attempt",
    [
        "open(sys.argv[1] + '/truth.json')",
        "import os; os.listdir(sys.argv[1])",
        "import os; os.open(sys.argv[1] + '/../hidden/truth.json', os.O_RDONLY)",
        "import subprocess; subprocess.run(['cat', sys.argv[1] + '/truth.json'])",
        "import discovery.sim.generate",
    ],
)
def test_the_discovery_process_cannot_look_at_the_answers(tmp_path: Path, attempt: str) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "truth.json").write_text("{}")
    done = subprocess.run(
        [sys.executable, "-c", LOOK.format(attempt=attempt), str(hidden)], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "PermissionError: sealed" in done.stderr


def test_ctrl_c_in_the_middle_leaves_nothing_running(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    process = subprocess.Popen([*DEMO, "--state", str(tmp_path), "--once"], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "the agent looks around" in line:
            break
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 1
    left = [entry.name for entry in Path("/proc").iterdir() if _mentions(entry, str(tmp_path))]
    embedded.remove(tmp_path)
    assert left == []


def _mentions(process: Path, text: str) -> bool:
    if not process.name.isdecimal():
        return False
    try:
        return text in (process / "cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
