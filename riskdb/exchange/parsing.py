"""The exchange formats of station 6 and 7: JSON documents into values and back (docs/guides/engine.md).

Strict: every rule of the format is checked here, and an ExchangeError names the place. It computes no times.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from riskdb.exchange.documents import GRAPH_FORMAT, SCENARIO_FORMAT
from riskdb.exchange.reading import ExchangeError, fields, items, number, shown, text, whole, within
from riskdb.model.care import (
    DETECTION_DEFAULT_MIN,
    HORIZON_END_MIN,
    AllOf,
    AnyOf,
    Capability,
    CareGraph,
    Delayed,
    Fallback,
    KOf,
    Leaf,
    Node,
    Pathway,
    Severity,
    Step,
    Tree,
)
from riskdb.model.ids import CapabilityId, DeviceTypeId, NodeId, PathwayId, PathwayTypeId, PopulationId, StepId, UnitId
from riskdb.model.scenario import Change, Compromised, Down, Mode, Scenario

TREE_DEPTH_MAX = 64  # nobody reads a requirement nested deeper; protects the stack
TREE_LEAVES_MAX = 100_000  # a pool of every device of a region
RECORDS_MAX = 10**12  # more records than people ever lived; keeps sums within 64 bits


def parse_graph(document: object) -> CareGraph:
    """The care graph of a parsed JSON document; ExchangeError names the first place that is wrong."""
    top = fields(document, "", required=["nodes"], optional=["format", "capabilities", "pathways"])
    _check_format(top.get("format", GRAPH_FORMAT), GRAPH_FORMAT)
    lists = {name: items(top.get(name, []), name) for name in ("nodes", "capabilities", "pathways")}
    nodes = _ids(lists["nodes"], "nodes", what="node")
    capabilities = _ids(lists["capabilities"], "capabilities", what="capability")
    _ids(lists["pathways"], "pathways", what="pathway")
    return CareGraph(
        nodes=tuple(_node(row, f"nodes[{i}]", nodes) for i, row in enumerate(lists["nodes"])),
        capabilities=tuple(
            _capability(row, f"capabilities[{i}]", nodes) for i, row in enumerate(lists["capabilities"])
        ),
        pathways=tuple(_pathway(row, f"pathways[{i}]", capabilities) for i, row in enumerate(lists["pathways"])),
    )


def parse_scenario(document: object, *, graph: CareGraph | None = None) -> Scenario:
    """The scenario of a parsed JSON document; with a graph, the nodes it names must be there."""
    top = fields(document, "", required=["changes"], optional=["format"])
    _check_format(top.get("format", SCENARIO_FORMAT), SCENARIO_FORMAT)
    nodes = None if graph is None else {node.id for node in graph.nodes}
    changes: list[Change] = []
    mode: Mode | None = None
    for index, row in enumerate(items(top["changes"], "changes")):
        place = f"changes[{index}]"
        change = _change(row, place, nodes)
        if isinstance(change, Compromised):
            if mode is not None and change.mode is not mode:
                raise ExchangeError(within(place, "mode"), f"{change.mode} after {mode}: a scenario has one mode")
            mode = change.mode
        changes.append(change)
    return Scenario(changes=tuple(changes))


def _check_format(value: object, wanted: str) -> None:
    if value != wanted:
        raise ExchangeError("format", f"must be {wanted!r}, not {shown(value)}")


def _ids(rows: Collection[Any], place: str, *, what: str) -> frozenset[str]:
    """The ids of a list of objects, each given once."""
    seen: set[str] = set()
    for index, row in enumerate(rows):
        here = f"{place}[{index}]"
        if not isinstance(row, dict) or "id" not in row:
            fields(row, here, required=["id"], optional=row if isinstance(row, dict) else ())
        identifier = text(row["id"], f"{here}.id")
        if identifier in seen:
            raise ExchangeError(f"{here}.id", f"duplicate {what} {shown(identifier)}")
        seen.add(identifier)
    return frozenset(seen)


def _node(row: object, place: str, nodes: Collection[str]) -> Node:
    optional = ("needs", "manages", "feeds", "cross_check", "fails_safe_after_min", "records")
    given = fields(row, place, required=["id"], optional=optional)
    needs, fails_safe = given.get("needs"), given.get("fails_safe_after_min")
    leaves = _Leaves(known=nodes, what="node", with_tolerance=True)
    feeds = _edges(given.get("feeds", []), f"{place}.feeds", nodes)
    _check_once([edge.id for edge in feeds], f"{place}.feeds")
    return Node(
        id=NodeId(given["id"]),
        kind=given.get("kind") or "",
        needs=None if needs is None else _tree(needs, f"{place}.needs", leaves),
        manages=_edges(given.get("manages", []), f"{place}.manages", nodes),
        feeds=feeds,
        cross_check=whole(given.get("cross_check", 1), f"{place}.cross_check", least=1),
        fails_safe_after_min=None if fails_safe is None else whole(fails_safe, f"{place}.fails_safe_after_min"),
        records=whole(given.get("records", 0), f"{place}.records", most=RECORDS_MAX),
        type=None if given.get("type") is None else DeviceTypeId(given["type"]),
        name=given.get("name"),
        unit=_unit(given),
    )


def _edges(value: object, place: str, nodes: Collection[str]) -> tuple[Delayed, ...]:
    edges: list[Delayed] = []
    for index, row in enumerate(items(value, place)):
        here = f"{place}[{index}]"
        if isinstance(row, dict):
            given = fields(row, here, required=["id"], optional=["delay_min"])
            delay_min = whole(given.get("delay_min", 0), f"{here}.delay_min")
            edges.append(Delayed(NodeId(_known(given["id"], here, nodes, what="node")), delay_min))
        else:
            edges.append(Delayed(NodeId(_known(row, here, nodes, what="node"))))
    return tuple(edges)


def _capability(row: object, place: str, nodes: Collection[str]) -> Capability:
    given = fields(row, place, required=["id", "providers", "needed"])
    listed = items(given["providers"], f"{place}.providers")
    if not listed:
        raise ExchangeError(f"{place}.providers", "must not be empty")
    providers = [
        NodeId(_known(provider, f"{place}.providers[{i}]", nodes, what="node")) for i, provider in enumerate(listed)
    ]
    _check_once(providers, f"{place}.providers")
    return Capability(
        id=CapabilityId(given["id"]),
        providers=tuple(providers),
        needed=whole(given["needed"], f"{place}.needed", least=1, most=len(providers)),
        name=given.get("name"),
        unit=_unit(given),
    )


def _pathway(row: object, place: str, capabilities: Collection[str]) -> Pathway:
    optional = ("instance_of", "population", "census", "arrivals_per_h")
    given = fields(row, place, required=["id", "steps"], optional=optional)
    steps = items(given["steps"], f"{place}.steps")
    if not steps:
        raise ExchangeError(f"{place}.steps", "must not be empty: a pathway has at least one step")
    _ids(steps, f"{place}.steps", what="step")
    instance_of = text(given.get("instance_of", given["id"]), f"{place}.instance_of")
    return Pathway(
        id=PathwayId(given["id"]),
        instance_of=PathwayTypeId(instance_of),
        population=PopulationId(text(given.get("population", instance_of), f"{place}.population")),
        steps=tuple(_step(step, f"{place}.steps[{i}]", capabilities) for i, step in enumerate(steps)),
        census=number(given.get("census", 0), f"{place}.census"),
        arrivals_per_h=number(given.get("arrivals_per_h", 0), f"{place}.arrivals_per_h"),
        name=given.get("name"),
        unit=_unit(given),
    )


def _step(row: object, place: str, capabilities: Collection[str]) -> Step:
    optional = ("tolerance_min", "fallback", "integrity_detected_after_min")
    given = fields(row, place, required=["id", "requires", "severity"], optional=optional)
    leaves = _Leaves(known=capabilities, what="capability", with_tolerance=False)
    detected = given.get("integrity_detected_after_min", DETECTION_DEFAULT_MIN)
    return Step(
        id=StepId(given["id"]),
        requires=_tree(given["requires"], f"{place}.requires", leaves),
        severity=_severity(given["severity"], f"{place}.severity"),
        tolerance_min=whole(given.get("tolerance_min", 0), f"{place}.tolerance_min"),
        fallbacks=_fallbacks(given.get("fallback"), f"{place}.fallback", leaves),
        integrity_detected_after_min=whole(detected, f"{place}.integrity_detected_after_min"),
        name=given.get("name"),
    )


def _severity(value: object, place: str) -> Severity:
    kinds = [mode.value for mode in Mode]
    given = fields(value, place, required=kinds)
    return Severity(**{kind: whole(given[kind], f"{place}.{kind}", least=1, most=5) for kind in kinds})


def _fallbacks(value: object, place: str, leaves: "_Leaves") -> tuple[Fallback, ...]:
    """None, one fallback, or a list of stages."""
    if value is None:
        return ()
    if isinstance(value, list):
        return tuple(_fallback(row, f"{place}[{i}]", leaves) for i, row in enumerate(items(value, place)))
    return (_fallback(value, place, leaves),)


def _fallback(row: object, place: str, leaves: "_Leaves") -> Fallback:
    given = fields(row, place, required=["served_share"], optional=["requires", "holds_min"])
    requires = given.get("requires")
    return Fallback(
        requires=None if requires is None else _tree(requires, f"{place}.requires", leaves),
        served_share=number(given["served_share"], f"{place}.served_share", most=1),
        holds_min=whole(given.get("holds_min", HORIZON_END_MIN), f"{place}.holds_min"),
        name=given.get("name"),
    )


@dataclass(slots=True)
class _Leaves:
    """What the leaves of a tree may be, and how many one tree has had so far."""

    known: Collection[str]
    what: str
    with_tolerance: bool
    read: int = 0


def _tree(value: object, place: str, leaves: _Leaves) -> Tree:
    leaves.read = 0
    return _branch(value, place, leaves, depth=1)


def _branch(value: object, place: str, leaves: _Leaves, *, depth: int) -> Tree:
    if depth > TREE_DEPTH_MAX:
        raise ExchangeError(place, f"the tree is nested deeper than {TREE_DEPTH_MAX}")
    if not isinstance(value, dict):
        return _leaf(value, 0, place, leaves)
    forms = [form for form in ("id", "all", "any", "k_of") if form in value]
    if len(forms) != 1:
        raise ExchangeError(place, "must be an id or an object with one of id, all, any, k_of")
    form = forms[0]
    if form == "id":
        given = fields(value, place, required=["id"], optional=["tolerance_min"] if leaves.with_tolerance else [])
        tolerance_min = whole(given.get("tolerance_min", 0), f"{place}.tolerance_min")
        return _leaf(given["id"], tolerance_min, place, leaves)
    here = f"{place}.{form}"
    inner = fields(value, place, required=[form])[form]
    if form != "k_of":
        parts = _parts(inner, here, leaves, depth=depth)
        return AllOf(parts) if form == "all" else AnyOf(parts)
    given = fields(inner, here, required=["k", "of"])
    parts = _parts(given["of"], f"{here}.of", leaves, depth=depth)
    return KOf(whole(given["k"], f"{here}.k", least=1, most=len(parts)), parts)


def _parts(value: object, place: str, leaves: _Leaves, *, depth: int) -> tuple[Tree, ...]:
    listed = items(value, place)
    if not listed:
        raise ExchangeError(place, "must not be empty")
    return tuple(_branch(part, f"{place}[{i}]", leaves, depth=depth + 1) for i, part in enumerate(listed))


def _leaf(value: object, tolerance_min: int, place: str, leaves: _Leaves) -> Leaf:
    leaves.read += 1
    if leaves.read > TREE_LEAVES_MAX:
        raise ExchangeError(place, f"the tree has more than {TREE_LEAVES_MAX} leaves")
    return Leaf(_known(value, place, leaves.known, what=leaves.what), tolerance_min)


def _change(row: object, place: str, nodes: Collection[str] | None) -> Change:
    given = fields(row, place, optional=["down", "compromised", "mode", "at_min"])
    if ("down" in given) == ("compromised" in given):
        raise ExchangeError(place, "must have one of down, compromised")
    at_min = whole(given.get("at_min", 0), f"{place}.at_min")
    what = "down" if "down" in given else "compromised"
    here = f"{place}.{what}"
    node = NodeId(text(given[what], here) if nodes is None else _known(given[what], here, nodes, what="node"))
    if what == "down":
        if "mode" in given:
            raise ExchangeError(f"{place}.mode", "only a compromised node has a mode")
        return Down(node=node, at_min=at_min)
    if "mode" not in given:
        raise ExchangeError(place, "'mode' is missing")
    if given["mode"] not in list(Mode):
        raise ExchangeError(f"{place}.mode", f"must be one of {', '.join(Mode)}, not {shown(given['mode'])}")
    return Compromised(node=node, mode=Mode(given["mode"]), at_min=at_min)


def _known(value: object, place: str, known: Collection[str], *, what: str) -> str:
    identifier = text(value, place)
    if identifier not in known:
        raise ExchangeError(place, f"unknown {what} {shown(identifier)}")
    return identifier


def _check_once(ids: list[NodeId], place: str) -> None:
    seen: set[NodeId] = set()
    for index, identifier in enumerate(ids):
        if identifier in seen:
            raise ExchangeError(f"{place}[{index}]", f"{shown(identifier)} is listed twice")
        seen.add(identifier)


def _unit(given: Mapping[str, Any]) -> UnitId | None:
    return None if given.get("unit") is None else UnitId(given["unit"])
