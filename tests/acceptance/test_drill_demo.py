"""Drills: the demo under an ordinary account in an awkward place, killed outright, and beside another demo."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from service import embedded

ROOT = Path(__file__).parents[2]
NOBODY = 65_534
AWKWARD = f"santé publique/{'x' * 90}"  # blanks, letters beyond ASCII, too long for a unix socket
ONCE = ("--once", "--json")
RUN_S_MAX = 240
END_S_MAX = 30


@dataclass(frozen=True)
class Account:
    """Who runs a demo, and where."""

    python: str
    options: dict[str, Any]
    place: Path

    def demo(self, state: Path, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.python, "-m", "service.cli.main", "demo", "--state", str(state), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            **self.options,
        )


@pytest.fixture
def somebody() -> Iterator[Account]:
    """An ordinary account without a home: under root `nobody`, where it can run some Python; else ourselves."""
    place = Path(tempfile.mkdtemp(prefix="wardgraph-drill-"))
    environment = {name: value for name, value in os.environ.items() if name not in ("HOME", "DATABASE_URL")}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])
    python, options = sys.executable, {}
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if os.geteuid() == 0:
        for candidate in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
            as_nobody: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            try:
                subprocess.run([candidate, "-c", "import asyncpg, service"], check=True, env=environment, **as_nobody)
            except (OSError, subprocess.CalledProcessError):
                continue
            python, options = candidate, as_nobody
            os.chown(place, NOBODY, NOBODY)
            break
    yield Account(python, {**options, "env": environment}, place)
    embedded.remove(place / AWKWARD)
    shutil.rmtree(place)


def parts_of(process: subprocess.Popen[str]) -> list[int]:
    """The programs that a demo started; its database outlives it and is adopted by the next."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(child) for child in children if b"postgres" not in Path(f"/proc/{child}/cmdline").read_bytes()]


def holds(document: dict[str, Any]) -> None:
    """What every demo promises of every hospital."""
    identity, safety = document["identity"], document["safety"]
    assert identity["pairwise_precision"] >= 0.999
    assert min(identity[name] for name in ("device_type_accuracy", "model_accuracy", "firmware_accuracy")) >= 0.9
    assert safety["packets_sent"] == safety["packets_received_by_devices"] > 0
    assert safety["fragile_devices_disturbed"] == 0
    assert safety["ledger_verified"] is True
    assert len(document["ranking"]) >= 20


def test_a_demo_killed_outright_takes_its_parts_along_and_the_next_is_whole(somebody: Account) -> None:
    state = somebody.place / AWKWARD
    first = somebody.demo(state, *ONCE)
    assert first.stderr is not None
    for line in first.stderr:
        if "the agent looks around" in line:
            break
    watched = []
    while len(watched) < 3:  # service, simulator, agent
        watched = parts_of(first)
    ends = [os.pidfd_open(part) for part in watched]
    first.kill()
    first.communicate()
    for end in ends:
        assert select.select([end], [], [], END_S_MAX)[0], "a part outlives its demo"
        os.close(end)
    second = somebody.demo(state, *ONCE)
    told, said = second.communicate(timeout=RUN_S_MAX)
    assert second.returncode == 0, said
    holds(json.loads(told))
    assert not list(somebody.place.rglob("postmaster.pid"))
    third = somebody.demo(state)
    assert third.stderr is not None
    for line in third.stderr:
        if "Ctrl-C stops everything" in line:
            break
    for part in parts_of(third):
        os.kill(part, signal.SIGKILL)
    _, said = third.communicate(timeout=END_S_MAX)
    assert third.returncode == 1
    assert "the service ended" in said


def test_two_demos_at_once_do_not_meet() -> None:
    place = Path(tempfile.mkdtemp(prefix="wardgraph-drill-"))
    place.chmod(0o755)
    ourselves = Account(sys.executable, {"env": {**os.environ, "PYTHONPATH": str(ROOT)}}, place)
    both = [ourselves.demo(place / seed, *ONCE, "--seed", seed) for seed in ("31", "32")]
    answers = [process.communicate(timeout=RUN_S_MAX) for process in both]
    for process, (told, said) in zip(both, answers, strict=True):
        assert process.returncode == 0, said
        holds(json.loads(told))
    for seed in ("31", "32"):
        embedded.remove(place / seed)
    shutil.rmtree(place)
