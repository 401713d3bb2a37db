"""How long a made-up hospital takes to compile and to rank with the reference engine, by its size."""

import time
from random import Random

from riskdb.impact import Network, compile
from riskdb.model.care import (
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
)
from riskdb.model.ids import CapabilityId, NodeId, PathwayId, PathwayTypeId, PopulationId, StepId
from riskdb.ranking import rank

WARD_SIZES = (10, 50, 100)
DEVICES_PER_WARD = 40
TYPES_PER_WARD = 8


def hospital(wards: int, *, seed: int = 1) -> CareGraph:
    """Wards of devices on switches and circuits, behind one core, one directory and eight servers that manage them."""
    rnd = Random(seed)
    servers = [NodeId(f"server-{i}") for i in range(TYPES_PER_WARD)]
    nodes = [_node(name, kind="service") for name in ("core-a", "core-b", "power", "directory")]
    nodes[-1] = _node("directory", kind="service", manages=servers)
    capabilities: list[Capability] = []
    pathways: list[Pathway] = []
    by_server: dict[NodeId, list[NodeId]] = {server: [] for server in servers}
    core = AnyOf((Leaf("core-a"), Leaf("core-b")))
    for ward in range(wards):
        switches = [f"switch-{ward}-{i}" for i in range(2)]
        nodes += [_node(switch, needs=AllOf((core, Leaf("power", 15)))) for switch in switches]
        pools: list[list[NodeId]] = [[] for _ in servers]
        for device in range(DEVICES_PER_WARD):
            server = device % TYPES_PER_WARD
            needs = AllOf((Leaf(rnd.choice(switches)), Leaf(servers[server], 240), Leaf("power", 120)))
            nodes.append(_node(f"device-{ward}-{device}", needs=needs))
            pools[server].append(nodes[-1].id)
            by_server[servers[server]].append(nodes[-1].id)
        capabilities += [_pool(f"type-{i}@ward-{ward}", pool) for i, pool in enumerate(pools)]
        pathways += [_pathway(ward, kind, rnd) for kind in range(3)]
    nodes += [_node(s, kind="service", needs=core, manages=of, feeds=of) for s, of in by_server.items()]
    capabilities.append(_pool("paper", [nodes[0].id]))
    return CareGraph(nodes=tuple(nodes), capabilities=tuple(capabilities), pathways=tuple(pathways))


def _node(
    name: str,
    *,
    kind: str = "asset",
    needs: AllOf | AnyOf | None = None,
    manages: list[NodeId] | None = None,
    feeds: list[NodeId] | None = None,
) -> Node:
    return Node(
        id=NodeId(name),
        kind=kind,
        needs=needs,
        manages=tuple(Delayed(other, 30) for other in manages or ()),
        feeds=tuple(Delayed(other, 60) for other in feeds or ()),
        fails_safe_after_min=1440 if kind == "asset" else None,
        records=0 if kind == "asset" else 1000,
    )


def _pool(name: str, providers: list[NodeId]) -> Capability:
    return Capability(id=CapabilityId(name), providers=tuple(providers), needed=max(1, len(providers) * 3 // 4))


def _pathway(ward: int, kind: int, rnd: Random) -> Pathway:
    own = [Leaf(f"type-{i}@ward-{ward}") for i in rnd.sample(range(TYPES_PER_WARD), 4)]
    steps = [
        Step(
            id=StepId(f"step-{i}"),
            requires=AllOf((own[i], KOf(2, tuple(own)))),
            severity=Severity(availability=rnd.randint(1, 5), integrity=rnd.randint(1, 5), confidentiality=1),
            tolerance_min=rnd.choice([0, 30, 240]),
            fallbacks=(Fallback(requires=Leaf("paper"), served_share=0.6, holds_min=1440),),
        )
        for i in range(4)
    ]
    return Pathway(
        id=PathwayId(f"pathway-{kind}-{ward}"),
        instance_of=PathwayTypeId(f"pathway-{kind}"),
        population=PopulationId(f"population-{kind % 2}"),
        steps=tuple(steps),
        census=12.5,
        arrivals_per_h=0.25,
    )


def _timed(wards: int) -> tuple[int, float, float]:
    graph = hospital(wards)
    started = time.perf_counter()
    network: Network = compile(graph)
    compiled = time.perf_counter()
    rank(network, limit=50)
    return len(graph.nodes), (compiled - started) * 1e3, (time.perf_counter() - compiled) * 1e3


def main() -> None:
    for wards in WARD_SIZES:
        nodes, compile_ms, rank_ms = _timed(wards)
        print(f"{nodes:>6} nodes: compile {compile_ms:7.0f} ms, rank all, both modes and records {rank_ms:8.0f} ms")
