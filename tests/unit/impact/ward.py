"""A small intensive care unit to break things in, as exchange documents; tests say only what differs."""

from typing import Any

from riskdb.exchange import parse_graph, parse_scenario, result_document
from riskdb.impact import Network, compile, evaluate

Json = Any


def node(identifier: str, **fields: Json) -> Json:
    return {"id": identifier, "kind": "asset", **fields}


def capability(identifier: str, providers: list[str], needed: int = 1) -> Json:
    return {"id": identifier, "providers": providers, "needed": needed}


def step(requires: Json, identifier: str = "infuse", severity: int | Json = 5, **fields: Json) -> Json:
    if isinstance(severity, int):
        severity = {"availability": severity, "integrity": severity, "confidentiality": 1}
    return {"id": identifier, "requires": requires, "severity": severity, **fields}


def pathway(*steps: Json, identifier: str = "icu", **fields: Json) -> Json:
    return {"id": identifier, "steps": list(steps), **fields}


def graph(nodes: list[Json], capabilities: list[Json] | None = None, pathways: list[Json] | None = None) -> Json:
    return {
        "format": "wardgraph/care-graph/1",
        "nodes": nodes,
        "capabilities": capabilities or [],
        "pathways": pathways or [],
    }


def down(identifier: str, at_min: int = 0) -> Json:
    return {"down": identifier, "at_min": at_min}


def taken(identifier: str, mode: str, at_min: int = 0) -> Json:
    return {"compromised": identifier, "mode": mode, "at_min": at_min}


def network(document: Json) -> Network:
    return compile(parse_graph(document))


def scenario(*changes: Json) -> Json:
    return {"format": "wardgraph/scenario/1", "changes": list(changes)}


def what_if(document: Json, *changes: Json) -> Json:
    """The result/1 document of these changes."""
    parsed = parse_graph(document)
    return result_document(evaluate(compile(parsed), [parse_scenario(scenario(*changes), graph=parsed)])[0])


def minutes(document: Json, what: str, *changes: Json) -> Json:
    """When `what` (down, taken, lying, leaking) happens to each node to which it does."""
    nodes = what_if(document, *changes)["nodes"]
    return {name: times[f"{what}_min"] for name, times in nodes.items() if times[f"{what}_min"] is not None}


def only_step(document: Json, *changes: Json) -> Json:
    """The first step of the first pathway after these changes."""
    return what_if(document, *changes)["pathways"][0]["steps"][0]
