"""The engine as its definition reads, sentence by sentence: the twin that the real one is held against.

It works on the JSON documents themselves, asks every equation again until nothing changes, and looks at every moment
at which anything could change. Nothing here is clever, and nothing is shared with the product.
"""

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

END = 43_200
HORIZONS = {"1h": 60, "4h": 240, "24h": 1440, "72h": 4320, "7d": 10080, "30d": 43200}
WEIGHTS = {1: Fraction(1, 100), 2: Fraction(1, 10), 3: Fraction(1), 4: Fraction(5), 5: Fraction(10)}
NEVER = math.inf

Json = Any
Times = dict[str, float]


def exact(value: float) -> Fraction:
    return Fraction(str(value))


def timed(value: float) -> float:
    return value if value <= END else NEVER


def edge(value: Json) -> tuple[str, int]:
    return (value["id"], value.get("delay_min", 0)) if isinstance(value, dict) else (value, 0)


def parts_and_enough(tree: Json) -> tuple[list[Json], int]:
    if "all" in tree:
        return tree["all"], len(tree["all"])
    if "any" in tree:
        return tree["any"], 1
    return tree["k_of"]["of"], tree["k_of"]["k"]


def leaf(tree: Json) -> tuple[str, int] | None:
    if isinstance(tree, str):
        return tree, 0
    return (tree["id"], tree.get("tolerance_min", 0)) if "id" in tree else None


def leaves(tree: Json) -> Iterator[str]:
    if (single := leaf(tree)) is not None:
        yield single[0]
    else:
        for part in parts_and_enough(tree)[0]:
            yield from leaves(part)


class Events:
    """Taken, down, lying and leaking, as the least fixpoint of their equations."""

    def __init__(self, graph: Json, scenario: Json) -> None:
        self.nodes = {node["id"]: node for node in graph["nodes"]}
        self.changes = scenario["changes"]
        self.mode = next((c["mode"] for c in self.changes if "compromised" in c), None)
        self.taken: Times = dict.fromkeys(self.nodes, NEVER)
        self.down: Times = dict.fromkeys(self.nodes, NEVER)
        self.lying: Times = dict.fromkeys(self.nodes, NEVER)
        while self.round():
            pass
        self.leaking = self.taken if self.mode == "confidentiality" else dict.fromkeys(self.nodes, NEVER)

    def round(self) -> bool:
        before = dict(self.taken), dict(self.down), dict(self.lying)
        for v in self.nodes:
            self.taken[v] = timed(self.equation_taken(v))
            self.lying[v] = timed(self.equation_lying(v))
            self.down[v] = timed(self.equation_down(v))
        return (self.taken, self.down, self.lying) != before

    def changed(self, v: str, what: str) -> float:
        return min((c.get("at_min", 0) for c in self.changes if c.get(what) == v), default=NEVER)

    def equation_taken(self, v: str) -> float:
        managed = [
            self.taken[m] + delay
            for m, node in self.nodes.items()
            for u, delay in map(edge, node.get("manages", []))
            if u == v
        ]
        return min([self.changed(v, "compromised"), *managed])

    def equation_down(self, v: str) -> float:
        node = self.nodes[v]
        causes = [self.changed(v, "down")]
        if self.mode == "availability":
            causes.append(self.taken[v])
        if node.get("needs") is not None:
            causes.append(self.tree(node["needs"]))
        if node.get("fails_safe_after_min") is not None:
            causes.append(self.lying[v] + node["fails_safe_after_min"])
        return min(causes)

    def tree(self, tree: Json) -> float:
        if (single := leaf(tree)) is not None:
            return self.down[single[0]] + single[1]
        parts, enough = parts_and_enough(tree)
        return sorted(self.tree(part) for part in parts)[len(parts) - enough]

    def equation_lying(self, v: str) -> float:
        c = self.nodes[v].get("cross_check", 1)
        sources = sorted(
            self.lying[u] + delay
            for u, node in self.nodes.items()
            for w, delay in map(edge, node.get("feeds", []))
            if w == v
        )
        fed = sources[c - 1] if len(sources) >= c else NEVER
        return min(fed, self.taken[v]) if self.mode == "integrity" else fed


class Step:
    """What one step gets, minute by minute."""

    def __init__(self, graph: Json, events: Events, step: Json) -> None:
        self.events, self.step = events, step
        self.capabilities = {c["id"]: c for c in graph["capabilities"]}
        self.detected = step.get("integrity_detected_after_min", 1440)
        stages = step.get("fallback") or []
        self.stages = stages if isinstance(stages, list) else [stages]
        self.candidates = self.moments()
        self.short_from = next((t for t in sorted(self.candidates) if self.share(t) < 1), None)
        if self.short_from is not None:
            self.candidates |= {self.short_from + step.get("tolerance_min", 0)}
            ends = self.short_from
            for stage in self.stages:
                ends += stage.get("holds_min", END)
                self.candidates.add(ends)

    def moments(self) -> set[int]:
        times: set[float] = {0}
        for v in self.events.nodes:
            lies = self.events.lying[v]
            times |= {self.events.down[v], lies, lies + self.detected, lies + self.lies_for(v)}
        return {int(t) for t in times if t <= END}

    def lies_for(self, v: str) -> int:
        fails_safe = self.events.nodes[v].get("fails_safe_after_min")
        return self.detected if fails_safe is None else min(self.detected, fails_safe)

    def works(self, p: str, t: int) -> bool:
        return t < self.events.down[p] and t < self.events.lying[p] + self.detected

    def lies(self, p: str, t: int) -> bool:
        return self.events.lying[p] <= t < self.events.lying[p] + self.lies_for(p)

    def q(self, capability: str, t: int) -> Fraction:
        providers = self.capabilities[capability]["providers"]
        working = sum(self.works(p, t) for p in providers)
        return min(Fraction(1), Fraction(working, self.capabilities[capability]["needed"]))

    def tree(self, tree: Json, t: int) -> Fraction:
        if (single := leaf(tree)) is not None:
            return self.q(single[0], t)
        parts, enough = parts_and_enough(tree)
        return sorted((self.tree(part, t) for part in parts), reverse=True)[enough - 1]

    def share(self, t: int) -> Fraction:
        return self.tree(self.step["requires"], t)

    def fallback(self, t: int) -> Fraction:
        assert self.short_from is not None
        begins = self.short_from
        for stage in self.stages:
            ends = begins + stage.get("holds_min", END)
            if begins <= t < ends:
                tree = stage.get("requires")
                return exact(stage["served_share"]) * (1 if tree is None else self.tree(tree, t))
            begins = ends
        return Fraction(0)

    def loss(self, t: int) -> Fraction:
        if self.short_from is None or t < self.short_from + self.step.get("tolerance_min", 0):
            return Fraction(0)
        return 1 - max(self.share(t), self.fallback(t))

    def lying(self, t: int) -> Fraction:
        pools = [self.capabilities[c]["providers"] for c in leaves(self.step["requires"])]
        return max(Fraction(sum(self.lies(p, t) for p in pool), len(pool)) for pool in pools)

    def weight(self, kind: str) -> Fraction:
        return WEIGHTS[self.step["severity"][kind]]

    def course(self, of: Any) -> list[list[float]]:
        found: list[tuple[int, Fraction]] = []
        for t in sorted(t for t in self.candidates if t < END):
            if not found or found[-1][1] != of(t):
                found.append((t, of(t)))
        return [[t, float(value)] for t, value in found]


class Pathway:
    """The worst step at every moment, summed over people and time."""

    def __init__(self, graph: Json, events: Events, pathway: Json) -> None:
        self.pathway = pathway
        self.steps = [Step(graph, events, step) for step in pathway["steps"]]
        self.cuts = sorted({t for step in self.steps for t in step.candidates if t < END} | set(HORIZONS.values()))

    def patients(self, x: Any, horizon: int) -> Fraction:
        peak, integral = Fraction(0), Fraction(0)
        inside = [t for t in self.cuts if t < horizon]
        for t, until in zip(inside, [*inside[1:], horizon], strict=True):
            value = max(x(step, t) for step in self.steps)
            peak = max(peak, value)
            integral += value * Fraction(until - t, 60)
        census, arrivals = self.pathway.get("census", 0), self.pathway.get("arrivals_per_h", 0)
        return exact(census) * peak + exact(arrivals) * integral

    def affected(self, horizon: int) -> Fraction:
        return self.patients(lambda step, t: step.loss(t), horizon)

    def exposed(self, horizon: int) -> Fraction:
        return self.patients(lambda step, t: step.lying(t), horizon)

    def index(self, horizon: int) -> Fraction:
        lost = self.patients(lambda step, t: step.weight("availability") * step.loss(t), horizon)
        return lost + self.patients(lambda step, t: step.weight("integrity") * step.lying(t), horizon)


def total_index(pathways: list[Pathway], horizon: int) -> Fraction:
    sums: dict[str, dict[str, Fraction]] = {}
    for one in pathways:
        instance_of = one.pathway.get("instance_of", one.pathway["id"])
        population = one.pathway.get("population", instance_of)
        by_pathway = sums.setdefault(population, {})
        by_pathway[instance_of] = by_pathway.get(instance_of, Fraction(0)) + one.index(horizon)
    return sum((max(by_pathway.values()) for by_pathway in sums.values()), Fraction(0))


def result(graph: Json, scenario: Json) -> Json:
    """The result/1 document."""
    events = Events(graph, scenario)
    pathways = [Pathway(graph, events, pathway) for pathway in graph["pathways"]]
    kinds = {"taken": events.taken, "down": events.down, "lying": events.lying, "leaking": events.leaking}
    return {
        "format": "wardgraph/result/1",
        "nodes": {
            v: {f"{kind}_min": None if times[v] == NEVER else times[v] for kind, times in kinds.items()}
            for v in events.nodes
            if any(times[v] != NEVER for times in kinds.values())
        },
        "records_exposed": {
            name: sum(node.get("records", 0) for v, node in events.nodes.items() if events.leaking[v] < end)
            for name, end in HORIZONS.items()
        },
        "index": {name: float(total_index(pathways, end)) for name, end in HORIZONS.items()},
        "pathways": [
            {
                "id": one.pathway["id"],
                "patients_affected": {name: float(one.affected(end)) for name, end in HORIZONS.items()},
                "patients_exposed": {name: float(one.exposed(end)) for name, end in HORIZONS.items()},
                "index": {name: float(one.index(end)) for name, end in HORIZONS.items()},
                "steps": [
                    {
                        "id": step.step["id"],
                        "short_from_min": step.short_from,
                        "loss": step.course(step.loss),
                        "lying": step.course(step.lying),
                    }
                    for step in one.steps
                ],
            }
            for one in pathways
        ],
    }
