"""`wardgraph graph`: the care graph of the newest ranking as a file, and a file checked against the format.

An exported graph is what `what-if`, `rank --graph`, `cut-sets` and `cold-start` take, and what others may test us with.
"""

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from service.cli._exchange_files import print_document, read_graph

command = typer.Typer(
    help="Write the establishment's care graph, or check one.", add_completion=False, pretty_exceptions_enable=False
)


@command.command()
def export(
    out: Annotated[Path | None, typer.Option(help="Where to write it; without, it goes to standard output.")] = None,
    state: Annotated[Path | None, typer.Option(help="State directory of the private server.")] = None,
    establishment: Annotated[str | None, typer.Option(help="Its number or name.")] = None,
) -> None:
    """Write the graph that the newest ranking was computed from (wardgraph/care-graph/1)."""
    from service.cli import _online  # only here: checking a file needs no database library

    document = _online.run("graph export", _online.graph_of_latest_run(state=state, establishment=establishment))
    if out is None:
        print_document(document)
        return
    try:
        out.write_bytes(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))
    except OSError as error:
        _online.fail("graph export", error)
    _online.say(f"{out}: {_counted(document)}")


@command.command()
def check(
    graph: Annotated[Path, typer.Argument(help="A care graph (wardgraph/care-graph/1).")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Say whether a file is a care graph; what is wrong is named with its place."""
    found = read_graph(graph, command="graph check")
    counts = {"nodes": len(found.nodes), "capabilities": len(found.capabilities), "pathways": len(found.pathways)}
    if as_json:
        print_document({"sound": True, **counts})
    else:
        print(f"{graph} is sound: " + ", ".join(f"{number} {what}" for what, number in counts.items()))


def _counted(document: dict[str, Any]) -> str:
    return ", ".join(f"{len(document[what])} {what}" for what in ("nodes", "capabilities", "pathways"))
