"""Every command of the command line exists, starts and explains itself."""

import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from service.cli.main import GROUP, SUMMARIES

COMMANDS = sorted(point.name for point in entry_points(group=GROUP))


def test_every_command_has_a_line_in_the_list() -> None:
    assert set(COMMANDS) == set(SUMMARIES)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_explains_itself(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "service.cli.main", command, "--help"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout.lower()


def test_an_unknown_command_is_named_and_refused() -> None:
    done = subprocess.run([sys.executable, "-m", "service.cli.main", "rnak"], capture_output=True, text=True)
    assert done.returncode != 0
    assert "unknown command: rnak" in done.stderr
