"""`wardgraph migrate` says what it did on stderr, answers on stdout, and fails in one sentence."""

import json
import os
import subprocess
import sys
from pathlib import Path

from riskdb.store.migrate import shipped

ROOT = Path(__file__).parents[2]
NAMES = [migration.name for migration in shipped()]


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WARDGRAPH_")}
    return subprocess.run(
        [sys.executable, "-m", "service.cli.main", "migrate", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


async def test_it_checks_migrates_and_has_nothing_left_to_do(databases) -> None:
    made = await databases.empty()
    missing = command("--owner-url", made.owner_url, "--check", "--json")
    assert (missing.returncode, json.loads(missing.stdout)) == (1, {"pending": NAMES})
    done = command("--owner-url", made.owner_url, "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"applied": NAMES}), done.stderr
    assert "running 0001_create_foundations.sql" in done.stderr
    again = command("--owner-url", made.owner_url)
    assert (again.returncode, again.stdout) == (0, "")
    assert "up to date" in again.stderr
    await databases.drop(made)


def test_a_server_that_is_not_there_is_one_sentence() -> None:
    failed = command("--owner-url", "postgresql://nobody@/wardgraph?host=/nowhere")
    assert failed.returncode == 1
    assert failed.stderr.startswith("wardgraph migrate: ")
    assert "Traceback" not in failed.stderr
