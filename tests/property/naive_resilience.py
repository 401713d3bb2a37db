"""Cut sets, common causes and cold start as their definitions read, on the JSON documents, trying everything."""

from fractions import Fraction
from itertools import combinations
from typing import Any

from tests.property.naive_engine import END, Events, Pathway, leaf, leaves, parts_and_enough, total_index

Json = Any


def outage(graph: Json, *nodes: str) -> list[Pathway]:
    """The pathways after these nodes are down at 0."""
    events = Events(graph, {"changes": [{"down": node} for node in nodes]})
    return [Pathway(graph, events, pathway) for pathway in graph["pathways"]]


def single_points(graph: Json) -> Json:
    found: dict[str, list[str]] = {}
    for node in sorted(one["id"] for one in graph["nodes"]):
        for pathway in outage(graph, node):
            if any(step.loss(t) > 0 for step in pathway.steps for t in step.candidates if t < END):
                found.setdefault(pathway.pathway["id"], []).append(node)
    order = [pathway["id"] for pathway in graph["pathways"]]
    return [{"pathway": pathway, "nodes": found[pathway]} for pathway in order if pathway in found]


def pairs(graph: Json) -> Json:
    nodes = sorted(one["id"] for one in graph["nodes"])
    alone = {node: total_index(outage(graph, node), END) for node in nodes}
    found: list[tuple[Fraction, list[str]]] = []
    for one, other in combinations(nodes, 2):
        joint = total_index(outage(graph, one, other), END)
        excess = joint - alone[one] - alone[other]
        if excess > Fraction(1, 10**9) * max(Fraction(1), joint):
            found.append((excess, [one, other]))
    found.sort(key=lambda pair: (-pair[0], pair[1]))
    return [{"nodes": names, "excess": float(excess)} for excess, names in found]


def common_causes(graph: Json) -> list[tuple[str, str, list[str]]]:
    found: dict[tuple[str, str], list[str]] = {}
    for node in sorted(one["id"] for one in graph["nodes"]):
        for pathway in outage(graph, node):
            for step in pathway.steps:
                if step.short_from is not None and takes_the_fallback(step):
                    found.setdefault((pathway.pathway["id"], step.step["id"]), []).append(node)
    order = [(pathway["id"], step["id"]) for pathway in graph["pathways"] for step in pathway["steps"]]
    return [(*key, found[key]) for key in order if key in found]


def takes_the_fallback(step: Any) -> bool:
    begins = step.short_from
    for stage in step.stages:
        ends = begins + stage.get("holds_min", END)
        inside = [t for t in step.candidates | {ends - 1, END - 1, begins} if begins <= t < min(ends, END)]
        if stage.get("requires") is not None and any(step.tree(stage["requires"], t) == 0 for t in inside):
            return True
        begins = ends
    return False


def holds(tree: Json, started: set[str]) -> bool:
    if tree is None:
        return True
    if (single := leaf(tree)) is not None:
        return single[0] in started
    parts, enough = parts_and_enough(tree)
    return sum(holds(part, started) for part in parts) >= enough


def cold_start(graph: Json) -> Json:
    needs = {node["id"]: node.get("needs") for node in graph["nodes"]}
    started: set[str] = set()
    waves: list[list[str]] = []
    while wave := sorted(node for node, tree in needs.items() if node not in started and holds(tree, started)):
        waves.append(wave)
        started |= set(wave)
    down = sorted(set(needs) - started)
    reaches = {node: {other for other in leaves(needs[node]) if other in down} for node in down}
    for through in down:  # Warshall: what each needs, also through others
        for node in down:
            if through in reaches[node]:
                reaches[node] |= reaches[through]
    groups = {
        tuple(other for other in down if other == node or (other in reaches[node] and node in reaches[other]))
        for node in down
        if node in reaches[node]
    }
    blocked = [
        {
            "nodes": list(group),
            "root": not any(other != group and set(other) & reaches[group[0]] for other in groups),
        }
        for group in sorted(groups)
    ]
    return {"format": "wardgraph/cold-start/1", "waves": waves, "blocked": blocked}
