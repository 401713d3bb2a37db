"""`wardgraph cut-sets`: what must not fail in a graph file - single points, dangerous pairs, common causes.

No database. It computes nothing itself: `riskdb.impact.cutsets` does.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from riskdb.exchange import cut_sets_document
from riskdb.impact import Network, compile
from riskdb.impact.cutsets import common_causes, cut_sets
from riskdb.model.impact import CommonCause, CutSets
from service.cli._exchange_files import print_document, read_graph
from service.sentences import Language, Names, names_of

COMMAND = "cut-sets"
PAIRS_TOLD_MAX = 50

command = typer.Typer(
    help="What must not fail: single points of failure, dangerous pairs, common causes.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


@command.command()
def show(
    graph: Annotated[Path, typer.Option(help="A care graph (wardgraph/care-graph/1).")],
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document (wardgraph/cut-sets/1) on stdout.")
    ] = False,
    lang: Annotated[Language, typer.Option(help="The language of names and headings.")] = Language.EN,
) -> None:
    """Say which nodes must not fail, alone or together."""
    care = read_graph(graph, command=COMMAND)
    network = compile(care)
    found = _found(network)
    if as_json:
        print_document(cut_sets_document(found))
        return
    for line in _lines(found, common_causes(network), names_of(care, language=lang)):
        print(line)


def _found(network: Network) -> CutSets:
    """The cut sets, with a progress bar on stderr for people who wait."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("pairs", total=None)
        return cut_sets(network, on_progress=lambda done, total: progress.update(task, completed=done, total=total))


_WORDS = {
    Language.EN: {
        "single": "Single points of failure",
        "pairs": "Dangerous pairs, by what they add to each other (index, 30 days)",
        "common": "Common causes: a step and its fallback fall together with",
        "none": "none",
    },
    Language.FR: {
        "single": "Points de défaillance uniques",
        "pairs": "Paires dangereuses, par ce qu’elles ajoutent l’une à l’autre (indice, 30 jours)",
        "common": "Causes communes : une étape et son mode dégradé tombent ensemble avec",
        "none": "néant",
    },
}


def _lines(found: CutSets, causes: tuple[CommonCause, ...], names: Names) -> Iterator[str]:
    words = _WORDS[names.language]
    yield words["single"]
    for single in found.single:
        yield f"  {names.pathways.get(single.pathway, single.pathway)}: {_listed(single.nodes, names)}"
    if not found.single:
        yield f"  {words['none']}"
    yield f"\n{words['pairs']}"
    for pair in found.pairs[:PAIRS_TOLD_MAX]:
        yield f"  {pair.excess:>14,.3f}  {_listed(pair.nodes, names)}"
    if not found.pairs:
        yield f"  {words['none']}"
    if causes:
        yield f"\n{words['common']}"
    for cause in causes:
        step = names.steps.get((cause.pathway, cause.step), cause.step)
        yield f"  {names.pathways.get(cause.pathway, cause.pathway)}, {step}: {_listed(cause.nodes, names)}"


def _listed(nodes: tuple[str, ...], names: Names) -> str:
    return ", ".join(names.nodes.get(node, node) for node in nodes)
