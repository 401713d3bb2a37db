"""`wardgraph doctor`: what is wrong with this installation, and how to mend it. It changes nothing."""

import asyncio
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Annotated

import asyncpg
import typer

from discovery.fingerprints import CardError, load_cards
from riskdb.knowledge import check_pack, load_pack
from riskdb.store import checks, establishments
from riskdb.store.migrate import pending
from riskdb.store.pool import RoleError, open_pool
from service.cli._online import AsJson, State, print_json
from service.database import has_private_server
from service.errors import InputError
from service.postgres_binaries import EmbeddedError, find_binaries
from service.settings import Settings, settings_from

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

PYTHON_MIN = (3, 11)
CLOCK_GAP_S_MAX = 60.0  # between this machine and its database; observations are ordered by time
DATABASE_S_MAX = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. `mend` says what to do when it is not as it should be."""

    check: str
    ok: bool
    says: str
    mend: str | None = None


@command.command()
def doctor(
    state: State = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="The port the service would listen on.")] = None,
    as_json: AsJson = False,
) -> None:
    """Look at Python, packages, state directory, database, knowledge, port and clock. Exit 1 if something is wrong."""
    try:
        settings = settings_from(state=state, port=port)
        findings = [*_here(settings), *asyncio.run(_database(settings))]
    except InputError as error:
        findings = [Finding(check="settings", ok=False, says=str(error), mend="Correct the variable.")]
    if as_json:
        print_json({"ok": all(f.ok for f in findings), "checks": findings})
    else:
        for finding in findings:
            print(f"{'ok  ' if finding.ok else 'BAD '} {finding.check}: {finding.says}")
            if not finding.ok and finding.mend:
                print(f"     {finding.mend}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def _here(settings: Settings) -> Iterator[Finding]:
    yield _python()
    yield _packages()
    yield _state(settings.state)
    yield _knowledge()
    yield _cards()
    yield _port(settings)


def _python() -> Finding:
    return Finding(
        check="python",
        ok=sys.version_info >= PYTHON_MIN,
        says=".".join(map(str, sys.version_info[:3])),
        mend="Install Python 3.11 or later.",
    )


def _packages() -> Finding:
    """Whether what the `service` extra names is installed."""
    missing: list[str] = []
    for requirement in requires("wardgraph") or ():
        name, _, marker = requirement.partition(";")
        distribution = name.strip().split("[")[0].split(">")[0].split("=")[0].split("<")[0].strip()
        if marker and 'extra == "service"' not in marker.replace("'", '"'):
            continue
        try:
            version(distribution)
        except PackageNotFoundError:
            missing.append(distribution)
    return Finding(
        check="packages",
        ok=not missing,
        says=f"missing: {', '.join(missing)}" if missing else f"wardgraph {version('wardgraph')}, all there",
        mend="pip install 'wardgraph[service,local]'",
    )


def _state(state: Path) -> Finding:
    there = next((p for p in (state, *state.parents) if p.exists()), Path("/"))
    writable = os.access(there, os.W_OK | os.X_OK) and there.is_dir()
    says = f"{state} {'can' if writable else 'cannot'} be written"
    return Finding(check="state", ok=writable, says=says, mend="Name another with --state or WARDGRAPH_STATE.")


def _knowledge() -> Finding:
    findings = check_pack()
    if findings:
        return Finding(
            check="knowledge",
            ok=False,
            says=f"{len(findings)} findings: {findings[0]}",
            mend="wardgraph knowledge check",
        )
    pack = load_pack()
    return Finding(
        check="knowledge",
        ok=True,
        says=f"pack {pack.version}, {len(pack.device_types)} device types, {len(pack.pathways)} pathways",
    )


def _cards() -> Finding:
    try:
        cards = load_cards()
    except CardError as error:
        return Finding(check="cards", ok=False, says=str(error), mend="Install the package anew.")
    return Finding(check="cards", ok=True, says=f"{len(cards.cards)} cards, version {cards.version}")


def _port(settings: Settings) -> Finding:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return Finding(
                check="port",
                ok=False,
                says=f"{settings.host} port {settings.port}: {error.strerror}",
                mend="Stop what uses it (the service itself, perhaps), or name another port.",
            )
    return Finding(check="port", ok=True, says=f"{settings.host} port {settings.port} is free")


async def _database(settings: Settings) -> list[Finding]:
    if settings.database_url is None:
        return [_private_server(settings)]
    try:
        async with asyncio.timeout(DATABASE_S_MAX):
            return await _asked(settings.database_url)
    except RoleError as error:
        return [Finding(check="database role", ok=False, says=str(error), mend="wardgraph migrate --help has the SQL.")]
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        says = " ".join(str(error).split()) or "no answer"
        return [Finding(check="database", ok=False, says=says, mend="Check DATABASE_URL and that the server runs.")]


async def _asked(url: str) -> list[Finding]:
    missing = await pending(url)
    pool = await open_pool(url)
    try:
        async with pool.acquire() as connection:
            server = await checks.server_state(connection)
            gap_s = abs((server.now - datetime.now(UTC)).total_seconds())
            hospitals = [] if missing else await establishments.list_all(connection)
    finally:
        await pool.close()
    return [
        Finding(check="database", ok=True, says=f"PostgreSQL {server.version}, {len(hospitals)} establishments"),
        Finding(check="database role", ok=True, says="owns nothing, as it should be"),
        Finding(
            check="migrations",
            ok=not missing,
            says=f"missing: {', '.join(missing)}" if missing else "up to date",
            mend="Run wardgraph migrate with WARDGRAPH_OWNER_URL set.",
        ),
        Finding(
            check="clock",
            ok=gap_s <= CLOCK_GAP_S_MAX,
            says=f"{gap_s:.1f} s between this machine and the database",
            mend="Synchronise both (NTP): observations are ordered by time.",
        ),
    ]


def _private_server(settings: Settings) -> Finding:
    """Whether a private server could run; looking starts none."""
    try:
        found = find_binaries(major=None)
    except EmbeddedError as error:
        return Finding(
            check="database", ok=False, says=str(error), mend="Set DATABASE_URL, or install wardgraph[local]."
        )
    made = "has" if has_private_server(settings) else "would get"
    return Finding(
        check="database",
        ok=True,
        says=f"DATABASE_URL is not set; {settings.state} {made} a private server, {found.version}",
    )
