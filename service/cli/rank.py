"""`wardgraph rank`: assets and services in the order of what their compromise does to patients.

With --graph it ranks a graph file and needs no database; without, it tells the service's newest ranking. It computes
nothing itself: `riskdb.ranking` does.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import Progress

from riskdb.exchange import ranking_document
from riskdb.impact import Network, compile
from riskdb.model.care import DEFAULT_HORIZON, CareGraph
from riskdb.model.impact import Ranking
from riskdb.ranking import rank as rank_network
from service.cli._exchange_files import print_document, read_graph
from service.sentences import Language, names_of, reason_sentence
from service.settings import Settings, settings_from

COMMAND = "rank"
LEAKS_SHOWN_MAX = 10
Horizon = Literal["1h", "4h", "24h", "72h", "7d", "30d"]

command = typer.Typer(
    help="Assets by clinical impact of compromise.", add_completion=False, pretty_exceptions_enable=False
)


@command.command()
def rank(
    graph: Annotated[Path | None, typer.Option(help="A care graph (wardgraph/care-graph/1) to rank.")] = None,
    horizon: Annotated[Horizon, typer.Option(help="How far to look.")] = DEFAULT_HORIZON,  # type: ignore[assignment] # a key of HORIZONS_MIN
    top: Annotated[int, typer.Option(min=1, help="How many rows; of a graph file --json has all.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document (wardgraph/ranking/1) on stdout.")] = False,
    lang: Annotated[Language, typer.Option(help="The language of the reasons.")] = Language.EN,
    state: Annotated[Path | None, typer.Option(help="Without --graph: the state directory of the service.")] = None,
    establishment: Annotated[str | None, typer.Option(help="Without --graph: its number or name.")] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Without --graph: settle, relate and rank anew first.")
    ] = False,
) -> None:
    """Say which assets and services matter most, and why: of a graph file, or of the establishment as last ranked."""
    if graph is None:
        _tell_stored(
            settings_from(state=state),
            as_json=as_json,
            establishment=establishment,
            horizon=horizon,
            limit=top,
            language=lang,
            recompute=refresh,
        )
        return
    care = read_graph(graph, command=COMMAND)
    ranking = _ranked(compile(care), horizon=horizon, limit=None if as_json else top)
    if as_json:
        print_document(ranking_document(ranking))
        return
    for line in _table(care, ranking, lang):
        print(line)


def _tell_stored(settings: Settings, *, as_json: bool, **asked: Any) -> None:
    from service.cli import _online  # only here: ranking a file needs no database library

    page = _online.run(COMMAND, _online.online_ranking(settings, **asked))
    if as_json:
        _online.print_json(page)
    else:
        _online.show_ranking(page)


def _ranked(network: Network, *, horizon: str, limit: int | None) -> Ranking:
    """The ranking, with a progress bar on stderr for people who wait."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("ranking", total=None)
        return rank_network(
            network,
            horizon=horizon,
            limit=limit,
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
        )


def _table(graph: CareGraph, ranking: Ranking, language: Language) -> Iterator[str]:
    names = names_of(graph, language=language)
    for row in ranking.rows:
        vital = "  vital" if row.vital else ""
        yield f"{row.rank:>4}  {row.score:>14,.6f}  {row.mode:<12}  {row.id}{vital}"
        yield f"      {reason_sentence(row, names, horizon=ranking.horizon)}"
    if ranking.confidentiality:
        yield {Language.EN: "\nRecords exposed:", Language.FR: "\nDossiers exposés :"}[language]
        yield from (f"{leak.records:>20,}  {leak.id}" for leak in ranking.confidentiality[:LEAKS_SHOWN_MAX])
    yield {Language.EN: "\nEngine: ", Language.FR: "\nMoteur : "}[language] + ranking.computed_by
