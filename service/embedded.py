"""Starts, or joins, the private PostgreSQL server of a state directory: no TCP, peer authentication, one socket.

It never opens a directory that it did not make, never runs PostgreSQL as root and leaves no superuser to log in as.
Whoever uses the server holds a shared lock; the last to leave stops it. After a kill -9 the next to come adopts it.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

from service.postgres_binaries import (
    Binaries,
    EmbeddedError,
    ServerUser,
    executable_copy,
    find_binaries,
    server_user,
)

OWNER_ROLE = "wardgraph_owner"
SERVICE_ROLE = "wardgraph_service"
DATABASE = "wardgraph"
FALLBACK_HOMES = Path("/var/lib/wardgraph")  # for root, whose state directory the server's user may not reach
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_BYTES_MAX = 107  # sun_path of a unix socket, less its NUL
START_S_MAX = 60  # crash recovery of a large database replays its log first
STOP_S_MAX = 30
LOG_BYTES_MAX = 10_000_000  # kept: this log and the one before
LOG_TAIL_CHARS = 600
POLL_S = 0.02

BOOTSTRAP = f"""\
CREATE ROLE {OWNER_ROLE} LOGIN CREATEDB NOSUPERUSER NOBYPASSRLS;
CREATE ROLE {SERVICE_ROLE} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
CREATE DATABASE {DATABASE} OWNER {OWNER_ROLE};
REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC;
GRANT CONNECT ON DATABASE {DATABASE} TO {SERVICE_ROLE};
"""
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "50",
    "shared_buffers": "128MB",
    "max_wal_size": "512MB",
    "jit": "off",  # our statements are short; compiling them costs more than it saves
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}


@dataclass(slots=True)
class EmbeddedServer:
    """A running private server, and our share in it. Use as a context manager, or call `leave`."""

    state: Path
    home: Path
    socket_dir: Path
    started_here: bool  # False: it was running already
    start_s: float
    _membership: IO[str] = field(repr=False)
    _process: subprocess.Popen[bytes] | None = field(repr=False, default=None)

    @property
    def owner_url(self) -> str:
        """For migrations."""
        return self._url(OWNER_ROLE)

    @property
    def service_url(self) -> str:
        """For the service: a role that owns nothing."""
        return self._url(SERVICE_ROLE)

    def _url(self, role: str) -> str:
        return f"postgresql://{role}@/{DATABASE}?host={quote(str(self.socket_dir), safe='/')}"

    def leave(self) -> bool:
        """Stop using the server; the last to leave shuts it down (fast, clean). Says whether it was stopped."""
        with _starting(self.state):
            try:
                fcntl.flock(self._membership, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._membership.close()
                return False
            _stop(self.home / "data", self._process)
            self._membership.close()
            return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.leave()


def start(state: Path, *, bin_dir: Path | None = None) -> EmbeddedServer:
    """Start the server of a state directory, or join it if it runs; EmbeddedError says what is in the way.

    Blocks for some seconds the first time and well under one later. `bin_dir` names the programs, for tests.
    """
    begun = time.monotonic()
    state.mkdir(parents=True, exist_ok=True, mode=0o755)
    state = state.resolve()
    with _starting(state):
        user, home = _place(state)
        membership = (home / "users.lock").open("a")
        try:
            fcntl.flock(membership, fcntl.LOCK_SH)
            socket_dir = _socket_dir(home, user=user)
            process = None
            if _running_pid(home / "data") is None:
                (socket_dir / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)  # names a server that is no more
                binaries = executable_copy(
                    find_binaries(major=_made_with(home / "data"), bin_dir=bin_dir), user=user, home=home
                )
                _make_cluster(home, binaries=binaries, user=user)
                _write_access_rules(home / "data", user=user)
                process = _launch(home, socket_dir, binaries=binaries, user=user)
        except BaseException:
            membership.close()
            raise
    return EmbeddedServer(
        state=state,
        home=home,
        socket_dir=socket_dir,
        started_here=process is not None,
        start_s=time.monotonic() - begun,
        _membership=membership,
        _process=process,
    )


def remove(state: Path) -> None:
    """Delete the database of a state directory; EmbeddedError if somebody uses it. An orphaned server is stopped."""
    if not state.is_dir():
        return
    state = state.resolve()
    with _starting(state):
        _, home = _place(state)
        _remove(home)
        (state / "postgres.home").unlink(missing_ok=True)


def _remove(home: Path) -> None:
    with (home / "users.lock").open("a") as membership:
        try:
            fcntl.flock(membership, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmbeddedError(f"deleting the database in {home}: it is in use; stop the service first") from None
        _stop(home / "data", None)
        shutil.rmtree(_socket_path(home), ignore_errors=True)
        shutil.rmtree(home)


def _place(state: Path) -> tuple[ServerUser, Path]:
    """Who runs the server and where its files live: below the state directory, if that user can get there."""
    user = server_user(state)
    try:
        reachable = user.may("-x", state)
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedError(
            f"starting PostgreSQL: it refuses to run as root, and this process may not become {user.name!r}: {error}. "
            "Run as an ordinary user, or set DATABASE_URL."
        ) from error
    pointer = state / "postgres.home"
    if pointer.exists():
        home = Path(pointer.read_text().strip())
    elif reachable:
        home = state / "postgres"
    else:
        FALLBACK_HOMES.mkdir(parents=True, exist_ok=True, mode=0o755)
        home = Path(tempfile.mkdtemp(prefix="state-", dir=FALLBACK_HOMES))
        pointer.write_text(f"{home}\n")
    home.mkdir(exist_ok=True, mode=0o700)
    if os.geteuid() == 0:
        os.chown(home, user.uid, user.gid)
    return user, home


@contextmanager
def _starting(state: Path) -> Iterator[None]:
    """One launcher at a time."""
    with (state / "postgres.lock").open("a") as lock:
        deadline = time.monotonic() + START_S_MAX
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise EmbeddedError(
                        f"starting the database of {state}: another process has been at it for {START_S_MAX} s"
                    ) from None
                time.sleep(POLL_S)
        yield


def _socket_path(home: Path) -> Path:
    """Below the home, or below /tmp where that is too long for a unix socket."""
    directory = home / "run"
    if len(os.fsencode(directory / SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAX:
        return directory
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return Path("/tmp") / f"wardgraph-{digest}"  # noqa: S108 - _socket_dir checks its owner and mode


def _socket_dir(home: Path, *, user: ServerUser) -> Path:
    """The 0700 directory of the socket; EmbeddedError if what stands there is not provably the server user's own."""
    directory = _socket_path(home)
    try:
        directory.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(directory, user.uid, user.gid)
    except FileExistsError:
        pass
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != user.uid or stat.S_IMODE(found.st_mode) != 0o700:
        raise EmbeddedError(f"starting the database in {home}: {directory} exists and is not ours alone; remove it")
    return directory


def _made_with(data: Path) -> int | None:
    version = data / "PG_VERSION"
    return int(version.read_text()) if version.exists() else None


def _make_cluster(home: Path, *, binaries: Binaries, user: ServerUser) -> None:
    """Make the database directory aside and rename it when complete: an interrupted first start leaves nothing."""
    data, partial = home / "data", home / "data.partial"
    if data.exists():
        return
    shutil.rmtree(partial, ignore_errors=True)
    _run(
        [
            binaries.program("initdb"), f"--pgdata={partial}", "--username=postgres", "--encoding=UTF8", "--locale=C",
            "--data-checksums", "--auth=reject", "--no-instructions",
        ],
        user=user,
    )  # fmt: skip
    # Single-user mode makes the roles, so that no superuser ever has a way to log in.
    _run([binaries.program("postgres"), "--single", "-D", str(partial), "postgres"], user=user, text=BOOTSTRAP)
    partial.rename(data)


def _run(command: list[str], *, user: ServerUser, text: str = "") -> None:
    done = subprocess.run(
        command,
        **user.run_as,
        input=text,
        capture_output=True,
        text=True,
        env=_environment(),
        cwd="/",
        check=False,
        timeout=START_S_MAX,
    )
    if done.returncode != 0 or "ERROR:" in done.stderr or "FATAL:" in done.stderr:
        raise EmbeddedError(f"making the database: {Path(command[0]).name}: {done.stderr.strip()[-LOG_TAIL_CHARS:]}")


def _environment() -> dict[str, str]:
    """Nothing of ours reaches the server: no PGDATA, no secret, no locale."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def _write_access_rules(data: Path, *, user: ServerUser) -> None:
    """Peer authentication: the users of this installation may be the owner or the service role, nobody anything else.

    Under root the server's user is only a place to run in: it gets no role.
    """
    here = pwd.getpwuid(os.geteuid()).pw_name
    people = {"root", here} | ({user.name} if user.name != "nobody" else set())
    rules = f"local all {OWNER_ROLE},{SERVICE_ROLE} peer map=wardgraph\n"
    lines = [f'wardgraph "{name}" {role}\n' for name in sorted(people) for role in (OWNER_ROLE, SERVICE_ROLE)]
    (data / "pg_hba.conf").write_text(rules)
    (data / "pg_ident.conf").write_text("".join(lines))


def _launch(home: Path, socket_dir: Path, *, binaries: Binaries, user: ServerUser) -> subprocess.Popen[bytes]:
    """Start PostgreSQL and wait until it answers; again if the remains of a killed server are still fading."""
    log = home / "postgres.log"
    if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
        log.replace(log.with_suffix(".log.1"))
    settings = SETTINGS | {"unix_socket_directories": f'"{socket_dir}"', "unix_socket_permissions": "0700"}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = [binaries.program("postgres"), "-D", str(home / "data"), *options]
    deadline = time.monotonic() + START_S_MAX
    while True:
        with log.open("ab") as out:
            before = out.tell()
            process = subprocess.Popen(
                command,
                **user.run_as,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=_environment(),
                cwd="/",
                start_new_session=True,  # Ctrl-C reaches us, not the server: we stop it when we are done
            )
        if _wait_ready(home / "data", process, deadline=deadline):
            return process
        tail = log.read_bytes()[before:].decode(errors="replace").strip()[-LOG_TAIL_CHARS:]
        if "still in use" not in tail or time.monotonic() > deadline:
            raise EmbeddedError(f"starting PostgreSQL {binaries.version} in {home}: {tail}")
        time.sleep(POLL_S * 10)


def _wait_ready(data: Path, process: subprocess.Popen[bytes], *, deadline: float) -> bool:
    """Wait for `ready` in postmaster.pid, as pg_ctl does; False if the server ended, or is ended for its slowness."""
    while process.poll() is None:
        lines = _pid_file(data)
        if len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
            return True
        if time.monotonic() > deadline:
            process.send_signal(signal.SIGQUIT)
            process.wait(timeout=STOP_S_MAX)
        time.sleep(POLL_S)
    return False


def _pid_file(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _running_pid(data: Path) -> int | None:
    """The server of this directory, if it runs. A pid file that names some other process is stale and removed."""
    lines = _pid_file(data)
    if not lines:
        return None
    pid = int(lines[0])
    if _serves(pid, data):
        return pid
    (data / "postmaster.pid").unlink(missing_ok=True)
    return None


def _serves(pid: int, data: Path) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return os.fsencode(data) in command  # empty for a zombie, which serves nobody


def _stop(data: Path, process: subprocess.Popen[bytes] | None) -> None:
    pid = _running_pid(data)
    deadline = time.monotonic() + STOP_S_MAX
    if pid is not None:
        os.kill(pid, signal.SIGINT)  # fast shutdown: open transactions are rolled back, all else is written out
        while _serves(pid, data):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGQUIT)  # the next start recovers
                deadline += STOP_S_MAX
            time.sleep(POLL_S)
    if process is not None:
        process.wait(timeout=STOP_S_MAX)  # a child that nobody waits for keeps its number
