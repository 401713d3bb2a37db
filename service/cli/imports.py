"""`wardgraph import`: lists that people keep, and the policy of what may be probed, into the database."""

import getpass
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from riskdb.knowledge import load_pack
from riskdb.store.pool import scope
from service.bootstrap import find_establishment
from service.cli._online import AsJson, State, Which, print_json, run, say
from service.database import connected
from service.errors import InputError, Kind, ProblemError
from service.imports import FILE_BYTES_MAX, File, ImportKind, ImportReport, import_file
from service.policies import ADAPTER, POLICY_BYTES_MAX, PolicyInForce, save_policy
from service.reading import parsed, validated
from service.sealing import sealer_of
from service.settings import Settings, settings_from

command = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Import assets, units, rooms, ports or links from CSV, or a policy from JSON.",
)

Source = Annotated[Path, typer.Argument(help="The file.", dir_okay=False)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen and keep nothing.")]
Encoding = Annotated[
    str | None, typer.Option(help="The file's encoding, where UTF-8 or cp1252 would be a wrong guess.")
]
REJECTS_SHOWN_MAX = 50  # the rest is counted; --json has them all


def _register(kind: ImportKind, help_text: str) -> None:
    def of_kind(
        file: Source,
        establishment: Which = None,
        dry_run: DryRun = False,
        encoding: Encoding = None,
        state: State = None,
        as_json: AsJson = False,
    ) -> None:
        settings = settings_from(state=state)
        work = _import(settings, kind, file, establishment=establishment, dry_run=dry_run, encoding=encoding)
        report = run(f"import {kind}", work, bad_input=True)
        if as_json:
            print_json(report)
        else:
            _show(report)
        if report.rejected and not report.accepted:
            raise typer.Exit(2)

    command.command(kind.value, help=help_text)(of_kind)


_register(ImportKind.ASSETS, "An asset list: each line is a statement about one device; the same file counts once.")
_register(ImportKind.UNITS, "The care units; replaces the list before.")
_register(ImportKind.ROOMS, "The rooms and their units; replaces the list before.")
_register(ImportKind.PORTS, "Where the outlets behind switch ports are; replaces the list before.")
_register(ImportKind.LINKS, "What needs, manages or feeds what; replaces the list before.")


async def _import(
    settings: Settings,
    kind: ImportKind,
    path: Path,
    *,
    establishment: str | None,
    dry_run: bool,
    encoding: str | None,
) -> ImportReport:
    file = File(
        kind=kind,
        name=os.fsencode(path.name).decode(errors="replace"),  # file names are octets, the evidence is text
        content=_content(path, bytes_max=FILE_BYTES_MAX, encoding=encoding),
        brought_by=_person(),
        brought_at=datetime.now(UTC),
    )
    async with connected(settings) as pool:
        hospital = await find_establishment(pool, establishment)
        return await import_file(pool, hospital.id, file, pack=load_pack(), dry_run=dry_run)


def _content(path: Path, *, bytes_max: int, encoding: str | None = None) -> bytes:
    try:
        if path.stat().st_size > bytes_max:
            raise InputError(f"reading {path}: it has more than {bytes_max} bytes")
        content = path.read_bytes()
        return content if encoding is None else content.decode(encoding).encode()
    except OSError as error:
        raise InputError(f"reading {path}: {error.strerror}") from error
    except (LookupError, UnicodeDecodeError) as error:
        raise InputError(f"reading {path} as {encoding}: {error}") from error


def _person() -> str:
    """Who is at the keyboard, for the record of the import."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _show(report: ImportReport) -> None:
    would = "would be " if report.dry_run else ""
    print(f"{report.accepted} {report.kind} {would}accepted, {len(report.rejected)} lines rejected")
    for reject in report.rejected[:REJECTS_SHOWN_MAX]:
        print(f"  line {reject.line}: {reject.reason}")
    if len(report.rejected) > REJECTS_SHOWN_MAX:
        print(f"  and {len(report.rejected) - REJECTS_SHOWN_MAX} more (--json lists them all)")
    for warning in report.warnings:
        say(f"  {warning}")


@command.command(
    "policy", help="The policy: ranges, credentials, decisions (JSON; the secrets are sealed when stored)."
)
def import_policy(file: Source, establishment: Which = None, state: State = None, as_json: AsJson = False) -> None:
    """Put a policy in force."""
    saved = run("import policy", _policy(settings_from(state=state), file, establishment), bad_input=True)
    if as_json:
        print_json({"version": saved.version, "saved_by": saved.saved_by, "saved_at": saved.saved_at})
    else:
        print(f"policy version {saved.version} is in force")


async def _policy(settings: Settings, path: Path, establishment: str | None) -> PolicyInForce:
    content = _content(path, bytes_max=POLICY_BYTES_MAX)
    try:
        wanted = validated(ADAPTER, parsed(content), where="policy", kind=Kind.INVALID_BODY)
    except ProblemError as problem:
        raise InputError(f"reading {path}: {problem.detail}") from problem
    async with connected(settings) as pool:
        hospital = await find_establishment(pool, establishment)
        async with scope(pool, hospital.id) as connection:
            return await save_policy(
                connection,
                hospital.id,
                wanted,
                sealer=sealer_of(settings.state),
                saved_by=_person(),
                saved_at=datetime.now(UTC),
            )
