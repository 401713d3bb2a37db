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
    assert (done.returncode, done.stdout) == (2, "")
    assert "unknown command: rnak" in done.stderr


def test_on_an_agents_install_the_ranking_of_a_database_names_what_is_missing() -> None:
    without = "import sys; sys.modules['asyncpg'] = None; sys.argv = ['wardgraph', 'rank']; "
    done = subprocess.run(
        [sys.executable, "-c", without + "from service.cli.main import main; main()"], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "asyncpg is not installed" in done.stderr
    assert "wardgraph[service" in done.stderr
