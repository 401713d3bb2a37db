"""After station 5, 6 and 7: care graphs, impacts and rankings as JSON documents, keys in the order of the format.

Writes only; what it writes `riskdb.exchange` reads. Defaults are left out of a graph, never out of a result.
"""

from collections.abc import Mapping
from typing import Any

from riskdb.model.care import (
    DETECTION_DEFAULT_MIN,
    HORIZON_END_MIN,
    AllOf,
    AnyOf,
    Capability,
    CareGraph,
    Delayed,
    Fallback,
    Leaf,
    Node,
    Pathway,
    Step,
    Tree,
)
from riskdb.model.impact import ColdStart, CutSets, Impact, NodeTimes, PathwayImpact, Ranking, StepImpact
from riskdb.model.scenario import Change, Down, Scenario

GRAPH_FORMAT = "wardgraph/care-graph/1"
SCENARIO_FORMAT = "wardgraph/scenario/1"
RESULT_FORMAT = "wardgraph/result/1"
RANKING_FORMAT = "wardgraph/ranking/1"
CUT_SETS_FORMAT = "wardgraph/cut-sets/1"
COLD_START_FORMAT = "wardgraph/cold-start/1"

Document = dict[str, Any]


def graph_document(graph: CareGraph) -> Document:
    """The care-graph/1 document of a graph."""
    return {
        "format": GRAPH_FORMAT,
        "nodes": [_node(node) for node in graph.nodes],
        "capabilities": [_capability(capability) for capability in graph.capabilities],
        "pathways": [_pathway(pathway) for pathway in graph.pathways],
    }


def scenario_document(scenario: Scenario) -> Document:
    """The scenario/1 document of a scenario."""
    return {"format": SCENARIO_FORMAT, "changes": [_change(change) for change in scenario.changes]}


def result_document(impact: Impact) -> Document:
    """The result/1 document of an impact: affected nodes, all pathways, all steps, all horizons."""
    return {
        "format": RESULT_FORMAT,
        "nodes": {node: _times(times) for node, times in impact.nodes.items()},
        "records_exposed": dict(impact.records_exposed),
        "index": dict(impact.index),
        "pathways": [_pathway_impact(pathway) for pathway in impact.pathways],
    }


def ranking_document(ranking: Ranking) -> Document:
    """The ranking/1 document of a ranking; reasons are no part of format 1."""
    return {
        "format": RANKING_FORMAT,
        "horizon": ranking.horizon,
        "rows": [
            {
                "rank": row.rank,
                "id": row.id,
                "score": row.score,
                "mode": row.mode.value,
                "vital": row.vital,
                "index": {mode.value: dict(index) for mode, index in row.index.items()},
            }
            for row in ranking.rows
        ],
        "confidentiality": [{"id": node.id, "records": node.records} for node in ranking.confidentiality],
    }


def cut_sets_document(cut_sets: CutSets) -> Document:
    """The cut-sets/1 document: pathways with single points of failure, and dangerous pairs by falling excess."""
    return {
        "format": CUT_SETS_FORMAT,
        "single": [{"pathway": single.pathway, "nodes": list(single.nodes)} for single in cut_sets.single],
        "pairs": [{"nodes": list(pair.nodes), "excess": pair.excess} for pair in cut_sets.pairs],
    }


def cold_start_document(cold_start: ColdStart) -> Document:
    """The cold-start/1 document."""
    return {
        "format": COLD_START_FORMAT,
        "waves": [list(wave) for wave in cold_start.waves],
        "blocked": [{"nodes": list(group.nodes), "root": group.root} for group in cold_start.blocked],
    }


def _without_defaults(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> Document:
    return {key: value for key, value in values.items() if key not in defaults or value != defaults[key]}


_NODE_DEFAULTS: Document = {
    "kind": "",
    "type": None,
    "name": None,
    "unit": None,
    "needs": None,
    "manages": [],
    "feeds": [],
    "cross_check": 1,
    "fails_safe_after_min": None,
    "records": 0,
}


def _node(node: Node) -> Document:
    values = {
        "id": node.id,
        "kind": node.kind,
        "type": node.type,
        "name": node.name,
        "unit": node.unit,
        "needs": None if node.needs is None else _tree(node.needs),
        "manages": [_edge(edge) for edge in node.manages],
        "feeds": [_edge(edge) for edge in node.feeds],
        "cross_check": node.cross_check,
        "fails_safe_after_min": node.fails_safe_after_min,
        "records": node.records,
    }
    return _without_defaults(values, _NODE_DEFAULTS)


def _edge(edge: Delayed) -> Document | str:
    return {"id": edge.id, "delay_min": edge.delay_min} if edge.delay_min else edge.id


def _tree(tree: Tree) -> Document | str:
    if isinstance(tree, Leaf):
        return {"id": tree.id, "tolerance_min": tree.tolerance_min} if tree.tolerance_min else tree.id
    parts = [_tree(part) for part in tree.parts]
    if isinstance(tree, AllOf):
        return {"all": parts}
    return {"any": parts} if isinstance(tree, AnyOf) else {"k_of": {"k": tree.k, "of": parts}}


def _capability(capability: Capability) -> Document:
    values = {
        "id": capability.id,
        "name": capability.name,
        "unit": capability.unit,
        "providers": list(capability.providers),
        "needed": capability.needed,
    }
    return _without_defaults(values, {"name": None, "unit": None})


def _pathway(pathway: Pathway) -> Document:
    values = {
        "id": pathway.id,
        "name": pathway.name,
        "unit": pathway.unit,
        "instance_of": pathway.instance_of,
        "population": pathway.population,
        "census": pathway.census,
        "arrivals_per_h": pathway.arrivals_per_h,
        "steps": [_step(step) for step in pathway.steps],
    }
    return _without_defaults(values, {"name": None, "unit": None, "census": 0, "arrivals_per_h": 0})


def _step(step: Step) -> Document:
    stages = [_fallback(stage) for stage in step.fallbacks]
    values = {
        "id": step.id,
        "name": step.name,
        "requires": _tree(step.requires),
        "tolerance_min": step.tolerance_min,
        "fallback": stages[0] if len(stages) == 1 else stages,
        "integrity_detected_after_min": step.integrity_detected_after_min,
        "severity": {
            "availability": step.severity.availability,
            "integrity": step.severity.integrity,
            "confidentiality": step.severity.confidentiality,
        },
    }
    defaults: Document = {
        "name": None,
        "tolerance_min": 0,
        "fallback": [],
        "integrity_detected_after_min": DETECTION_DEFAULT_MIN,
    }
    return _without_defaults(values, defaults)


def _fallback(stage: Fallback) -> Document:
    values = {
        "name": stage.name,
        "requires": None if stage.requires is None else _tree(stage.requires),
        "holds_min": stage.holds_min,
        "served_share": stage.served_share,
    }
    return _without_defaults(values, {"name": None, "requires": None, "holds_min": HORIZON_END_MIN})


def _change(change: Change) -> Document:
    if isinstance(change, Down):
        return {"down": change.node, "at_min": change.at_min}
    return {"compromised": change.node, "mode": change.mode.value, "at_min": change.at_min}


def _times(times: NodeTimes) -> Document:
    return {
        "taken_min": times.taken_min,
        "down_min": times.down_min,
        "lying_min": times.lying_min,
        "leaking_min": times.leaking_min,
    }


def _pathway_impact(pathway: PathwayImpact) -> Document:
    return {
        "id": pathway.id,
        "patients_affected": dict(pathway.patients_affected),
        "patients_exposed": dict(pathway.patients_exposed),
        "index": dict(pathway.index),
        "steps": [_step_impact(step) for step in pathway.steps],
    }


def _step_impact(step: StepImpact) -> Document:
    return {
        "id": step.id,
        "short_from_min": step.short_from_min,
        "loss": [list(entry) for entry in step.loss],
        "lying": [list(entry) for entry in step.lying],
    }
