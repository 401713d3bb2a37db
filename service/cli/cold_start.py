"""`wardgraph cold-start`: in which order a hospital that is all down can start, and what waits for itself for ever.

Works on a graph file, without a database. It computes nothing itself: `riskdb.impact.coldstart` does.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from riskdb.exchange import cold_start_document
from riskdb.impact.coldstart import cold_start
from riskdb.model.impact import ColdStart
from service.cli._exchange_files import print_document, read_graph
from service.sentences import Language, Names, names_of

COMMAND = "cold-start"

command = typer.Typer(
    help="In which order everything starts again, and what never can.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


@command.command()
def show(
    graph: Annotated[Path, typer.Option(help="A care graph (wardgraph/care-graph/1).")],
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document (wardgraph/cold-start/1) on stdout.")
    ] = False,
    lang: Annotated[Language, typer.Option(help="The language of names and headings.")] = Language.EN,
) -> None:
    """Say what starts when, from everything down."""
    care = read_graph(graph, command=COMMAND)
    found = cold_start(care)
    if as_json:
        print_document(cold_start_document(found))
        return
    for line in _lines(found, names_of(care, language=lang)):
        print(line)


_WORDS = {
    Language.EN: {
        "wave": "Wave {number}: {nodes}",
        "root": "Cannot start, since each waits for another of them: {nodes}",
        "blocked": "Cannot start either, and also wait for such a group: {nodes}",
    },
    Language.FR: {
        "wave": "Vague {number} : {nodes}",
        "root": "Ne peuvent pas démarrer, car chacun en attend un autre : {nodes}",
        "blocked": "Ne peuvent pas démarrer non plus, et dépendent en outre d’un tel groupe : {nodes}",
    },
}


def _lines(found: ColdStart, names: Names) -> Iterator[str]:
    words = _WORDS[names.language]
    for number, wave in enumerate(found.waves, start=1):
        yield words["wave"].format(number=number, nodes=_listed(wave, names))
    for group in sorted(found.blocked, key=lambda group: not group.root):
        yield words["root" if group.root else "blocked"].format(nodes=_listed(group.nodes, names))


def _listed(nodes: tuple[str, ...], names: Names) -> str:
    return ", ".join(names.nodes.get(node, node) for node in nodes)
