"""What the commands share that work on the database: options, opening it, plain errors, and reading the ranking."""

import asyncio
import logging
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import asyncpg
import orjson
import typer

from riskdb.knowledge import PackError, load_pack
from riskdb.store import rankings
from riskdb.store.migrate import MigrationError
from riskdb.store.pool import RoleError, scope
from service.api.impact import Horizon, RankingPage, RankingQuery, ranking_page
from service.bootstrap import find_establishment
from service.database import connected
from service.errors import InputError, ProblemError
from service.jobs.pipeline import run_pipeline
from service.logs import configure_logs
from service.postgres_binaries import EmbeddedError
from service.routes import encoded
from service.runs import Runs
from service.sentences import Language
from service.settings import Settings, settings_from
from service.views import Tab

T = TypeVar("T")

State = Annotated[
    Path | None, typer.Option("--state", help="State directory of the private server, unless DATABASE_URL is set.")
]
Which = Annotated[
    str | None, typer.Option("--establishment", help="Its number or name; not needed while there is only one.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Lang = Annotated[Language, typer.Option("--lang", help="Language of the sentences.")]

EXPECTED = (
    InputError,
    ProblemError,
    EmbeddedError,
    MigrationError,
    RoleError,
    PackError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    OSError,
    TimeoutError,
)


def run(command: str, work: Coroutine[Any, Any, T], *, bad_input: bool = False) -> T:
    """Do the work of a command; expected trouble is one plain sentence and exit code 1 (2 for bad input)."""
    configure_logs(as_json=False, least=logging.WARNING)  # commands tell their progress themselves
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        sys.exit(130)
    except InputError as error:
        fail(command, error, code=2 if bad_input else 1)
    except EXPECTED as error:
        fail(command, error)


def fail(command: str, error: BaseException, *, code: int = 1) -> NoReturn:
    """One sentence on stderr, and out."""
    text = " ".join(str(error).split()) or type(error).__name__
    print(f"wardgraph {command}: {text}", file=sys.stderr)
    sys.exit(code)


def say(text: str) -> None:
    """A message or progress for people: stderr, so that stdout stays a document."""
    print(text, file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    print(encoded(value).decode())


async def online_ranking(
    settings: Settings | None = None,
    *,
    establishment: str | None = None,
    horizon: Horizon = "7d",
    limit: int = 20,
    tab: Tab | None = None,
    language: Language = Language.EN,
    recompute: bool = False,
) -> RankingPage:
    """The stored ranking of an establishment; with `recompute` a run comes first. ProblemError before the first run."""
    async with connected(settings or settings_from()) as pool:
        hospital = await find_establishment(pool, establishment)
        if recompute:
            await run_pipeline(pool, hospital.id)
        runs = Runs(load_pack())
        async with scope(pool, hospital.id) as connection:
            loaded = await runs.latest(connection, hospital.id)
        rows = await runs.rows(hospital.id, loaded, horizon=horizon)
    return ranking_page(loaded, rows, RankingQuery(horizon=horizon, limit=limit, tab=tab, lang=language))


def document_of(value: Any) -> Any:
    """A view as plain lists, dictionaries and numbers, for documents made of several."""
    return orjson.loads(encoded(value))


async def graph_of_latest_run(*, state: Path | None, establishment: str | None) -> dict[str, Any]:
    """The care graph of the newest run; InputError before the first."""
    async with connected(settings_from(state=state)) as pool:
        hospital = await find_establishment(pool, establishment)
        async with scope(pool, hospital.id) as connection:
            run = await rankings.latest(connection, hospital.id)
            document = None if run is None else await rankings.graph_document(connection, hospital.id, run.id)
    if document is None:
        raise InputError("exporting the graph: nothing has been ranked yet; `wardgraph rank --refresh` does it")
    return document


def show_ranking(page: RankingPage) -> None:
    """The rows of a stored ranking for people: rank, name, what it is, where, and why."""
    for row in page.items:
        what = row.device_type_name or "?"
        print(
            f"{row.rank:>4}  {row.score:>14,.2f}  {row.mode:<12}  {row.name}  ({what}){'  vital' if row.vital else ''}"
        )
        print(f"      {row.reason}")
    told = page.run
    print(
        f"\nrun {told.run} of {told.computed_at:%Y-%m-%d %H:%M} UTC, horizon {page.horizon}; {page.total} ranked; "
        f"{told.unreviewed_numbers} numbers nobody reviewed, {told.questions} open questions"
    )
