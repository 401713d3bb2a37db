"""`wardgraph serve`: the service, until it is told to stop. It prepares a fresh database and nothing else."""

from pathlib import Path
from typing import Annotated

import typer

from riskdb.store import establishments
from riskdb.store.pool import open_pool
from riskdb.store.tokens import Role
from service import app
from service.bootstrap import ensure_establishment, ensure_token_files
from service.cli._online import State, run, say
from service.database import database
from service.settings import Settings, settings_from

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@command.command()
def serve(
    state: State = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (WARDGRAPH_HOST; 127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="WARDGRAPH_PORT; 8420. 0: any free one.")] = None,
    embedded: Annotated[bool, typer.Option("--embedded", help="Run a private PostgreSQL below --state.")] = False,
    name: Annotated[
        str, typer.Option("--name", help="Name of the first establishment, made if there is none.")
    ] = "Hospital",
) -> None:
    """Run the service. DATABASE_URL names its database (a role that owns nothing); else --embedded starts one.

    On a fresh database it makes one establishment, and writes an admin's and an agent's token below
    STATE/tokens, readable by you alone. It speaks plain HTTP: put a TLS proxy before it on a network.
    """
    run("serve", _serve(state, host=host, port=port, embedded=embedded, name=name))


async def _serve(state: Path | None, *, host: str | None, port: int | None, embedded: bool, name: str) -> None:
    wanted = settings_from(state=state, host=host, port=port, embedded=embedded)
    async with database(wanted, on_step=lambda step: say(f"migrating: {step}")) as settings:
        await _prepare(settings, name=name)
        await app.run(settings, on_ready=lambda at: say(f"serving on http://{settings.host}:{at}"))


async def _prepare(settings: Settings, *, name: str) -> None:
    """Make a fresh database usable; one that has an establishment is left as it is."""
    assert settings.database_url is not None  # noqa: S101 - `database` yields it
    pool = await open_pool(settings.database_url)
    try:
        async with pool.acquire() as connection:
            if await establishments.list_all(connection):
                return
        hospital = await ensure_establishment(pool, name=name)
        files = await ensure_token_files(pool, hospital.id, settings.state / "tokens", roles=(Role.ADMIN, Role.AGENT))
    finally:
        await pool.close()
    for role, path in files.items():
        say(f"made establishment {hospital.id} ({hospital.name}): the {role}'s token is in {path}")
