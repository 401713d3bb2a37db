"""From everything down: what can start, in which order, and which groups wait for each other for ever.

The second fixpoint of station 6. Pure; tolerances play no part, for a battery starts nothing.
"""

from collections.abc import Collection, Mapping

import networkx as nx

from riskdb.impact.compile import enough, leaves
from riskdb.model.care import CareGraph, Leaf, Node, Tree
from riskdb.model.ids import NodeId
from riskdb.model.impact import BlockedGroup, ColdStart


def cold_start(graph: CareGraph) -> ColdStart:
    """The waves of the largest startable set, and among the rest the groups that block themselves; all by id."""
    waves = _waves(graph)
    started = {node for wave in waves for node in wave}
    return ColdStart(waves=waves, blocked=_blocked([node for node in graph.nodes if node.id not in started]))


def _waves(graph: CareGraph) -> tuple[tuple[NodeId, ...], ...]:
    needs = {node.id: node.needs for node in graph.nodes}
    waiting_for = _dependents(graph)
    waves: list[tuple[NodeId, ...]] = []
    started: set[NodeId] = set()
    ready = {node for node, tree in needs.items() if tree is None}
    while ready:
        waves.append(tuple(sorted(ready)))
        started |= ready
        asked = {dependent for node in ready for dependent in waiting_for.get(node, ()) if dependent not in started}
        ready = {node for node in asked if _holds(needs[node], started)}
    return tuple(waves)


def _dependents(graph: CareGraph) -> Mapping[NodeId, list[NodeId]]:
    found: dict[NodeId, list[NodeId]] = {}
    for node in graph.nodes:
        for needed in _needed(node):
            found.setdefault(needed, []).append(node.id)
    return found


def _needed(node: Node) -> set[NodeId]:
    return set() if node.needs is None else {NodeId(leaf.id) for leaf in leaves(node.needs)}


def _holds(tree: Tree | None, started: Collection[NodeId]) -> bool:
    if tree is None:
        return True
    if isinstance(tree, Leaf):
        return tree.id in started
    return sum(_holds(part, started) for part in tree.parts) >= enough(tree)


def _blocked(down: Collection[Node]) -> tuple[BlockedGroup, ...]:
    """The strongly connected groups among the nodes that stay down; a root needs no other, not even through others."""
    names = {node.id for node in down}
    needs: nx.DiGraph[NodeId] = nx.DiGraph((node.id, needed) for node in down for needed in _needed(node) & names)
    groups = [tuple(sorted(group)) for group in nx.strongly_connected_components(needs)]
    cyclic = [group for group in groups if len(group) > 1 or needs.has_edge(group[0], group[0])]
    blocking = {node for group in cyclic for node in group}
    return tuple(
        BlockedGroup(nodes=group, root=blocking.isdisjoint(nx.descendants(needs, group[0]) - set(group)))
        for group in sorted(cyclic)
    )
