"""Small random hospitals and what happens to them, as exchange documents: every feature, often at once."""

from random import Random
from typing import Any

Json = Any

# Few, and with coincidences: the ends of horizons, a minute beside them, and the end of all time.
MINUTES = (0, 0, 0, 1, 30, 60, 61, 240, 600, 1440, 1440, 4320, 10080, 10081, 43199, 43200, 43201, 90000)
SHARES = (0, 0.1, 0.25, 0.3, 0.5, 0.5, 0.75, 0.9, 1, 1.0)


def maybe(rnd: Random, chance: float) -> bool:
    return rnd.random() < chance


def some(rnd: Random, items: list[str], *, most: int) -> list[str]:
    """A few different ones, in any order."""
    return rnd.sample(items, rnd.randint(1, min(most, len(items))))


def tree(rnd: Random, ids: list[str], *, tolerances: bool, depth: int = 2) -> Json:
    form = rnd.choice(["leaf", "leaf", "all", "any", "k_of"]) if depth else "leaf"
    if form == "leaf":
        identifier = rnd.choice(ids)
        if tolerances and maybe(rnd, 0.5):
            return {"id": identifier, "tolerance_min": rnd.choice(MINUTES)}
        return identifier if maybe(rnd, 0.8) else {"id": identifier}
    parts = [tree(rnd, ids, tolerances=tolerances, depth=depth - 1) for _ in range(rnd.randint(1, 3))]
    return {form: {"k": rnd.randint(1, len(parts)), "of": parts} if form == "k_of" else parts}


def edges(rnd: Random, ids: list[str]) -> list[Json]:
    return [
        {"id": identifier, "delay_min": rnd.choice(MINUTES)} if maybe(rnd, 0.5) else identifier
        for identifier in some(rnd, ids, most=3)
    ]


def node(rnd: Random, identifier: str, ids: list[str]) -> Json:
    made: Json = {"id": identifier, "kind": rnd.choice(["asset", "asset", "service", "circuit"])}
    if maybe(rnd, 0.6):
        made["needs"] = tree(rnd, ids, tolerances=True)
    for kind in "manages", "feeds":
        if maybe(rnd, 0.4):
            made[kind] = edges(rnd, ids)
    if maybe(rnd, 0.3):
        made["cross_check"] = rnd.randint(1, 3)
    if maybe(rnd, 0.3):
        made["fails_safe_after_min"] = rnd.choice([None, *MINUTES])
    if maybe(rnd, 0.3):
        made["records"] = rnd.randint(0, 1000)
    return made


def capability(rnd: Random, identifier: str, nodes: list[str]) -> Json:
    providers = some(rnd, nodes, most=4)
    return {"id": identifier, "providers": providers, "needed": rnd.randint(1, len(providers))}


def fallback(rnd: Random, capabilities: list[str]) -> Json:
    stage: Json = {"served_share": rnd.choice(SHARES)}
    if maybe(rnd, 0.5):
        stage["requires"] = tree(rnd, capabilities, tolerances=False, depth=1)
    if maybe(rnd, 0.7):
        stage["holds_min"] = rnd.choice(MINUTES)
    return stage


def step(rnd: Random, identifier: str, capabilities: list[str]) -> Json:
    kinds = ("availability", "integrity", "confidentiality")
    made: Json = {
        "id": identifier,
        "requires": tree(rnd, capabilities, tolerances=False),
        "severity": {kind: rnd.randint(1, 5) for kind in kinds},
    }
    if maybe(rnd, 0.5):
        made["tolerance_min"] = rnd.choice(MINUTES)
    if maybe(rnd, 0.6):
        made["fallback"] = fallback(rnd, capabilities)
        if maybe(rnd, 0.5):
            made["fallback"] = [fallback(rnd, capabilities) for _ in range(rnd.randint(0, 3))]
    if maybe(rnd, 0.5):
        made["integrity_detected_after_min"] = rnd.choice(MINUTES)
    return made


def pathway(rnd: Random, identifier: str, capabilities: list[str]) -> Json:
    made: Json = {
        "id": identifier,
        "steps": [step(rnd, f"step-{i}", capabilities) for i in range(rnd.randint(1, 3))],
    }
    if maybe(rnd, 0.8):
        made["census"] = rnd.choice([0, 1, 12, 0.5, 33.3])
    if maybe(rnd, 0.8):
        made["arrivals_per_h"] = rnd.choice([0, 0.25, 2, 0.1])
    if maybe(rnd, 0.5):
        made["instance_of"] = rnd.choice(["icu", "ward"])
    if maybe(rnd, 0.5):
        made["population"] = rnd.choice(["inpatients", "critical-care"])
    return made


def graph(rnd: Random, *, nodes_max: int = 7) -> Json:
    """A care-graph/1 document."""
    nodes = [f"n{i}" for i in range(rnd.randint(1, nodes_max))]
    capabilities = [f"c{i}" for i in range(rnd.randint(1, 3))]
    return {
        "format": "wardgraph/care-graph/1",
        "nodes": [node(rnd, identifier, nodes) for identifier in nodes],
        "capabilities": [capability(rnd, identifier, nodes) for identifier in capabilities],
        "pathways": [pathway(rnd, f"p{i}", capabilities) for i in range(rnd.randint(1, 3))],
    }


def scenario(rnd: Random, of: Json) -> Json:
    """A scenario/1 document: one or more changes of one graph, in one mode."""
    ids = [one["id"] for one in of["nodes"]]
    mode = rnd.choice(["availability", "integrity", "integrity", "confidentiality"])
    changes: list[Json] = []
    for _ in range(rnd.choice([0, 1, 1, 1, 2, 3])):
        change: Json = {"down": rnd.choice(ids)}
        if maybe(rnd, 0.6):
            change = {"compromised": rnd.choice(ids), "mode": mode}
        if maybe(rnd, 0.4):
            change["at_min"] = rnd.choice(MINUTES)
        changes.append(change)
    return {"format": "wardgraph/scenario/1", "changes": changes}
