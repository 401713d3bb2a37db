"""`wardgraph what-if`: which care stops, for whom and when, in a scenario on a graph file. No database.

Parse, evaluate, show. Formats and meaning: docs/guides/engine.md.
"""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import orjson
import typer

from riskdb.exchange import ExchangeError, parse_graph, parse_scenario, result_document
from riskdb.exchange.reading import fields
from riskdb.impact import compile, evaluate, explain
from riskdb.model.care import DEFAULT_HORIZON, CareGraph
from riskdb.model.impact import Chain, Impact, PathwayImpact, PerHorizon
from service.cli._exchange_files import print_document, read_document, read_graph, stop
from service.sentences import Language, chain_sentence, count, duration, names_of, percent

COMMAND = "what-if"
LINE_BYTES_MAX = 1 << 28  # one graph and scenario; protects the memory of a small machine
CHAINS_TOLD_MAX = 10

command = typer.Typer(
    help="Which care stops, for whom and when, in a scenario.", add_completion=False, pretty_exceptions_enable=False
)


@command.command()
def what_if(
    graph: Annotated[Path | None, typer.Option(help="A care graph (wardgraph/care-graph/1).")] = None,
    scenario: Annotated[Path | None, typer.Option(help="What happens (wardgraph/scenario/1).")] = None,
    batch: Annotated[
        str | None, typer.Option(help='JSON lines {"graph": ..., "scenario": ...}, one result a line; - is stdin.')
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document (wardgraph/result/1) on stdout.")] = False,
    lang: Annotated[Language, typer.Option(help="The language of the sentences.")] = Language.EN,
) -> None:
    """Say which pathways lose what, from when, and why."""
    if batch is not None:
        if graph is not None or scenario is not None:
            stop(COMMAND, "--batch carries its graphs and scenarios itself: leave out --graph and --scenario")
        _answer_batch(batch)
        return
    if graph is None or scenario is None:
        stop(COMMAND, "needs --graph FILE and --scenario FILE, or --batch FILE")
    care = read_graph(graph, command=COMMAND)
    told = read_document(scenario, lambda read: parse_scenario(read, graph=care), what="scenario", command=COMMAND)
    network = compile(care)
    impact = evaluate(network, [told])[0]
    if as_json:
        print_document(result_document(impact))
        return
    for line in _summary(care, impact, explain(network, told, limit=CHAINS_TOLD_MAX), lang):
        print(line)


def _answer_batch(source: str) -> None:
    """One answer a line, in order, as soon as it is known; empty lines are passed over. A bad one makes exit code 1."""
    bad = 0
    with _lines_of(source) as lines:
        while line := lines.readline(LINE_BYTES_MAX + 1):
            if not line.strip():
                continue
            if len(line) > LINE_BYTES_MAX:
                stop(COMMAND, f"reading batch {source}: a line is longer than {LINE_BYTES_MAX} bytes")
            answer = _answer(line)
            bad += "error" in answer
            print_document(answer)
    if bad:
        stop(COMMAND, f"{bad} line{'s' if bad > 1 else ''} of the batch could not be read", code=1)


def _lines_of(source: str) -> contextlib.AbstractContextManager[BinaryIO]:
    if source == "-":
        return contextlib.nullcontext(sys.stdin.buffer)
    try:
        return Path(source).open("rb")
    except OSError as error:
        stop(COMMAND, f"reading batch {source}: {error.strerror or error}")


def _answer(line: bytes) -> dict[str, Any]:
    """The result document of one line, or what is wrong with it."""
    place = ""
    try:
        asked = fields(orjson.loads(line), "", required=["graph", "scenario"], optional=["id"])
        place = "graph: "
        graph = parse_graph(asked["graph"])
        place = "scenario: "
        scenario = parse_scenario(asked["scenario"], graph=graph)
    except orjson.JSONDecodeError as error:
        return {"error": f"not JSON: {error}"}
    except ExchangeError as error:
        return {"error": f"{place}{error}"}
    return result_document(evaluate(compile(graph), [scenario])[0])


_WORDS = {
    Language.EN: {
        "touched": "{nodes} of {all} nodes are touched;"
        " {pathways} of {all_pathways} pathways lose care or work on false values.",
        "loses": "loses up to {share}, from {start}",
        "lies": "works on false values up to {share}, from {start}",
        "start": "the start",
        "affected": "patients affected",
        "exposed": "patients exposed",
        "records": "Records exposed",
        "why": "Why:",
    },
    Language.FR: {
        "touched": "{nodes} nœuds sur {all} sont touchés ; {pathways} parcours sur {all_pathways} perdent des soins"
        " ou travaillent sur des valeurs fausses.",
        "loses": "perd jusqu’à {share}, à partir de {start}",
        "lies": "travaille sur des valeurs fausses jusqu’à {share}, à partir de {start}",
        "start": "l’instant zéro",
        "affected": "patients privés de soins",
        "exposed": "patients exposés",
        "records": "Dossiers exposés",
        "why": "Pourquoi :",
    },
}


def _summary(graph: CareGraph, impact: Impact, chains: Sequence[Chain], language: Language) -> Iterator[str]:
    """The impact for people: pathways by falling index, then the strongest chains."""
    words, names = _WORDS[language], names_of(graph, language=language)
    harmed = sorted(
        (pathway for pathway in impact.pathways if _losses(pathway) or _lies(pathway)),
        key=lambda pathway: -pathway.index[DEFAULT_HORIZON],
    )
    yield words["touched"].format(
        nodes=len(impact.nodes), all=len(graph.nodes), pathways=len(harmed), all_pathways=len(graph.pathways)
    )
    for pathway in harmed:
        yield f"\n{names.pathways.get(pathway.id, pathway.id)}"
        yield from _effect(_losses(pathway), pathway.patients_affected, ("loses", "affected"), language)
        yield from _effect(_lies(pathway), pathway.patients_exposed, ("lies", "exposed"), language)
    if any(impact.records_exposed.values()):
        yield f"\n{words['records']}: {_by_horizon(impact.records_exposed, language)}"
    if chains:
        yield f"\n{words['why']}"
        yield from (f"- {chain_sentence(chain, names)}" for chain in chains)


Shares = list[tuple[int, float]]  # (from_min, share) where the share is above 0


def _losses(pathway: PathwayImpact) -> Shares:
    return [(at, share) for step in pathway.steps for at, share in step.loss if share]


def _lies(pathway: PathwayImpact) -> Shares:
    return [(at, share) for step in pathway.steps for at, share in step.lying if share]


def _effect(shares: Shares, patients: PerHorizon, keys: tuple[str, str], language: Language) -> Iterator[str]:
    """Two lines on what a pathway loses, or on how much of it works on lies; none if nothing does."""
    if not shares:
        return
    words, (verb, people) = _WORDS[language], keys
    begins, _ = min(shares)
    start = duration(begins, language) if begins else words["start"]
    yield "  " + words[verb].format(share=percent(max(share for _, share in shares), language), start=start)
    yield f"  {words[people]}: {_by_horizon(patients, language)}"


def _by_horizon(numbers: PerHorizon, language: Language) -> str:
    return ", ".join(f"{horizon} {count(number, language)}" for horizon, number in numbers.items())
