"""`wardgraph migrate`: the database, brought to this version. It never goes back a version."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import asyncpg
import orjson
import typer

from riskdb.store.migrate import MigrationError, migrate, pending
from service import embedded
from service.postgres_binaries import EmbeddedError
from service.settings import state_directory

HELP = f"""Bring the database to this version; running it again does nothing.

Without --owner-url (or WARDGRAPH_OWNER_URL) it migrates the private server below --state.

For a PostgreSQL (15 or later) of your own, an administrator makes two roles once:

\b
  CREATE ROLE {embedded.OWNER_ROLE} LOGIN PASSWORD '...';
  CREATE ROLE {embedded.SERVICE_ROLE} LOGIN PASSWORD '...';
  CREATE DATABASE wardgraph OWNER {embedded.OWNER_ROLE} ENCODING 'UTF8' TEMPLATE template0;
  REVOKE ALL ON DATABASE wardgraph FROM PUBLIC;
  GRANT CONNECT ON DATABASE wardgraph TO {embedded.SERVICE_ROLE};

Then: migrate with the owner's URL, and run the service with DATABASE_URL set to the URL of the other role.
"""
command = typer.Typer(add_completion=False, help=HELP, pretty_exceptions_enable=False)


@command.command(help=HELP)
def run(
    owner_url: Annotated[
        str | None, typer.Option(envvar="WARDGRAPH_OWNER_URL", help="URL of the role that owns the database.")
    ] = None,
    state: Annotated[Path | None, typer.Option(help="State directory of the private server.")] = None,
    service_role: Annotated[str, typer.Option(help="The role the service runs under.")] = embedded.SERVICE_ROLE,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 if a migration is missing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Migrate, or check."""
    if not owner_url and state is None and os.environ.get("DATABASE_URL"):
        print(
            "wardgraph migrate: DATABASE_URL is set, and its role may not migrate: set WARDGRAPH_OWNER_URL to the URL "
            "of the role that owns the database, or name a private server with --state",
            file=sys.stderr,
        )
        sys.exit(2)
    try:
        if owner_url:
            names = _migrate(owner_url, service_role=service_role, check=check)
        else:
            with embedded.start(state or state_directory()) as server:
                names = _migrate(server.owner_url, service_role=service_role, check=check)
    except (EmbeddedError, MigrationError, asyncpg.PostgresError, OSError) as error:
        sys.exit(f"wardgraph migrate: {error}")
    if not names:
        print("the database is up to date", file=sys.stderr)
    if as_json:
        print(orjson.dumps({"pending" if check else "applied": names}).decode())
    if check and names:
        sys.exit(1)


def _migrate(url: str, *, service_role: str, check: bool) -> list[str]:
    if check:
        names = asyncio.run(pending(url))
        for name in names:
            print(f"missing {name}", file=sys.stderr)
        return names
    return asyncio.run(
        migrate(url, service_role=service_role, on_step=lambda name: print(f"running {name}", file=sys.stderr))
    )
