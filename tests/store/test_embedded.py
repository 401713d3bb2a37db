"""The private server: one for a state directory, ours alone, and never without what it acknowledged."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from service import embedded
from service.postgres_binaries import EmbeddedError

ROOT = Path(__file__).parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges to drop")
LAUNCH = """
import sys
from pathlib import Path
from service import embedded
server = embedded.start(Path(sys.argv[1]))
print(server.service_url, server.started_here, flush=True)
sys.stdin.read()
server.leave()
"""


@pytest.fixture
def state() -> Iterator[Path]:
    """A state directory that the server's user can reach, which pytest's own are not."""
    place = Path(tempfile.mkdtemp(prefix="wg-"))
    place.chmod(0o755)
    yield place / "state"
    if (place / "state").exists():
        embedded.remove(place / "state")
    shutil.rmtree(place)


def ask(url: str, sql: str) -> object:
    """One value from the server."""

    async def query() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(query())


def launcher(state: Path, *before: str) -> subprocess.Popen[str]:
    """Another process that uses the server until its stdin closes."""
    return subprocess.Popen(
        [*before, sys.executable, "-c", LAUNCH, str(state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def pid_of(server: embedded.EmbeddedServer) -> int:
    return int((server.home / "data" / "postmaster.pid").read_text().split()[0])


def is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_it_has_two_roles_and_no_door_for_a_superuser(state: Path) -> None:
    with embedded.start(state) as server:
        assert ask(server.owner_url, "SELECT current_user::text") == embedded.OWNER_ROLE
        assert ask(server.service_url, "SELECT current_user::text") == embedded.SERVICE_ROLE
        assert ask(server.service_url, "SHOW data_checksums") == "on"
        assert ask(server.service_url, "SHOW listen_addresses") == ""
        assert (
            ask(server.owner_url, "SELECT bool_or(rolsuper OR rolbypassrls) FROM pg_roles WHERE rolname ~ '^ward'")
            is False
        )
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            ask(server.owner_url.replace(embedded.OWNER_ROLE, "postgres"), "SELECT 1")
        assert server.socket_dir.stat().st_mode & 0o777 == 0o700


def test_the_last_to_leave_stops_it(state: Path) -> None:
    first = embedded.start(state)
    second = embedded.start(state)
    pid = pid_of(first)
    assert (first.started_here, second.started_here) == (True, False)
    assert not first.leave()
    assert ask(second.service_url, "SELECT 1") == 1
    assert second.leave()
    assert not is_running(pid)


def test_two_launchers_at_once_share_one_server(state: Path) -> None:
    one, two = launcher(state), launcher(state)
    answers = sorted(process.stdout.readline().split()[1] for process in (one, two))
    assert answers == ["False", "True"]
    for process in (one, two):
        process.communicate(timeout=30)
        assert process.returncode == 0
    assert not (state / "postgres" / "data" / "postmaster.pid").exists()


def test_a_second_start_takes_under_a_second(state: Path) -> None:
    embedded.start(state).leave()
    with embedded.start(state) as server:
        assert server.started_here
        assert server.start_s < 1


def test_what_was_acknowledged_survives_a_killed_server(state: Path) -> None:
    server = embedded.start(state)
    ask(server.owner_url, "CREATE TABLE note (x int)")
    ask(server.owner_url, "INSERT INTO note SELECT generate_series(1, 1000)")
    os.kill(pid_of(server), signal.SIGKILL)
    server.leave()
    with embedded.start(state) as again:
        assert again.started_here
        assert ask(again.owner_url, "SELECT count(*) FROM note") == 1000


def test_the_server_of_a_killed_launcher_is_adopted(state: Path) -> None:
    process = launcher(state)
    process.stdout.readline()
    process.kill()
    process.communicate()
    with embedded.start(state) as server:
        pid = pid_of(server)
        assert not server.started_here
        assert ask(server.service_url, "SELECT 1") == 1
    assert not is_running(pid)


def test_a_pid_file_that_names_somebody_else_is_stale(state: Path) -> None:
    server = embedded.start(state)
    pid_file = server.home / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    server.leave()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))  # after a reboot the number is another's
    with embedded.start(state) as again:
        assert again.started_here
        assert is_running(os.getpid())


def test_an_interrupted_first_start_leaves_nothing_in_the_way(state: Path) -> None:
    (state / "postgres" / "data.partial" / "base").mkdir(parents=True)
    state.chmod(0o755)
    with embedded.start(state) as server:
        assert ask(server.service_url, "SELECT 1") == 1


def test_a_long_path_gets_a_short_socket(state: Path) -> None:
    deep = state / ("north-hospital-" * 8)
    deep.mkdir(parents=True)
    with embedded.start(deep) as server:
        assert len(bytes(server.socket_dir)) < 60
        assert ask(server.service_url, "SELECT 1") == 1
    embedded.remove(deep)
    assert not server.socket_dir.exists()


def test_a_socket_directory_that_is_not_ours_is_refused(state: Path) -> None:
    embedded.start(state).leave()
    (state / "postgres" / "run").chmod(0o777)
    with pytest.raises(EmbeddedError, match="not ours alone"):
        embedded.start(state)
    (state / "postgres" / "run").chmod(0o700)


def test_nothing_found_says_what_to_install(state: Path) -> None:
    with pytest.raises(EmbeddedError, match=r"wardgraph\[local\]"):
        embedded.start(state, bin_dir=state)


def test_a_database_of_another_major_version_is_not_touched(state: Path) -> None:
    embedded.start(state).leave()
    (state / "postgres" / "data" / "PG_VERSION").write_text("14\n")
    with pytest.raises(EmbeddedError, match="PostgreSQL 14, which made this database"):
        embedded.start(state)


def test_deleting_a_database_in_use_is_refused(state: Path) -> None:
    with embedded.start(state), pytest.raises(EmbeddedError, match="in use"):
        embedded.remove(state)
    embedded.remove(state)
    assert not (state / "postgres").exists()


@as_root
def test_as_root_the_server_runs_without_privileges(state: Path) -> None:
    with embedded.start(state) as server:
        status = Path(f"/proc/{pid_of(server)}/status").read_text()
        assert "\nUid:\t0\t" not in status
        assert "\nGroups:\t \n" in status or "\nGroups:\t\n" in status


@as_root
def test_a_state_directory_the_server_cannot_reach_keeps_its_database_elsewhere(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "FALLBACK_HOMES", state.parent / "homes")
    state.mkdir(mode=0o700)
    for started in (True, True):
        with embedded.start(state) as server:
            assert server.started_here is started
            assert server.home.parent == state.parent / "homes"
            assert ask(server.service_url, "SELECT 1") == 1
    assert state.stat().st_mode & 0o777 == 0o700, "no directory is opened for its sake"
    embedded.remove(state)
    assert list((state.parent / "homes").iterdir()) == []


@as_root
def test_programs_below_a_closed_home_are_copied(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from service.postgres_binaries import find_binaries

    found = find_binaries(major=None)
    closed = state.parent / "closed" / "package"
    closed.parent.mkdir(mode=0o700)
    closed.mkdir()
    shutil.copytree(found.bin_dir.parent, closed / "pginstall", ignore=shutil.ignore_patterns("include"))
    libraries = found.bin_dir.parents[2] / f"{found.bin_dir.parents[1].name}.libs"
    if libraries.is_dir():  # the programs look for them three directories up
        shutil.copytree(libraries, closed.parent / libraries.name)
        closed.rename(closed.parent / found.bin_dir.parents[1].name)
        closed = closed.parent / found.bin_dir.parents[1].name
    with embedded.start(state, bin_dir=closed / "pginstall" / "bin") as server:
        program = Path(f"/proc/{pid_of(server)}/exe").resolve()
        assert program.is_relative_to(state)
        assert ask(server.service_url, "SELECT 1") == 1


@as_root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv (util-linux) runs a program as another user")
def test_an_ordinary_user_just_runs_it(state: Path) -> None:
    drop = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    readable = subprocess.run([*drop, sys.executable, "-c", "import service.embedded"], cwd=ROOT, capture_output=True)
    if readable.returncode != 0:
        pytest.skip("this tree is below a directory that ordinary users may not enter")
    state.mkdir()
    os.chown(state, 65534, 65534)
    process = launcher(state, *drop)
    line = process.stdout.readline()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err + out
    assert line.split()[1] == "True"
    assert (state / "postgres" / "data").stat().st_uid == 65534
