"""Station 5: assets, observed links, declared facts and the knowledge pack in, the care graph out; the next is `fail`.

Pure: it reads no clock and no database, and the order of its inputs does not matter. It invents no number: what
neither the pack nor a person says is left out. docs/guides/knowledge.md tells its rules.
"""

from collections.abc import Sequence

from riskdb.graph.capabilities import Capabilities
from riskdb.graph.control import Control
from riskdb.graph.evidence import Evidence
from riskdb.graph.inventory import Inventory, Item, take_stock
from riskdb.graph.links import Statements, resolve
from riskdb.graph.needs import Needs
from riskdb.graph.pathways import Pathways
from riskdb.knowledge.contents import Pack
from riskdb.model.asset import Asset
from riskdb.model.care import BuiltGraph, CareGraph, Node, NodeKind
from riskdb.model.place import DeclaredLink, ObservedLink, Unit


def build_graph(
    *,
    pack: Pack,
    assets: Sequence[Asset],
    units: Sequence[Unit],
    links: Sequence[ObservedLink],
    declared: Sequence[DeclaredLink],
    beds: int | None = None,
) -> BuiltGraph:
    """The care graph of one establishment, with the source of every edge and the questions that remain.

    `beds` scales the pack's numbers of people; without it, the inpatient beds of the units do.
    """
    evidence = Evidence(pack)
    inventory = take_stock(pack, assets, units, evidence)
    capabilities = Capabilities(pack, inventory, evidence)
    statements = resolve(declared, inventory, evidence)
    needs = Needs(
        pack=pack,
        inventory=inventory,
        capabilities=capabilities,
        links=links,
        statements=statements,
        evidence=evidence,
    )
    control = Control(pack=pack, inventory=inventory, statements=statements, evidence=evidence)
    nodes = _nodes(inventory, statements, needs=needs, control=control, evidence=evidence)
    pathways = Pathways(
        pack=pack, units=inventory.units, beds=beds, capabilities=capabilities, evidence=evidence
    ).build()
    graph = CareGraph(nodes=(*nodes, *capabilities.standins), capabilities=capabilities.all, pathways=pathways)
    return BuiltGraph(
        graph=graph,
        sources=evidence.sources,
        questions=evidence.questions,
        unreviewed_numbers=evidence.unreviewed_numbers,
    )


def _nodes(
    inventory: Inventory, statements: Statements, *, needs: Needs, control: Control, evidence: Evidence
) -> list[Node]:
    """Every asset, then every service that only a declared link knows."""
    nodes = [_node(item, needs=needs, control=control, evidence=evidence) for item in inventory.items.values()]
    nodes += [
        Node(
            id=service.id,
            kind=NodeKind.SERVICE,
            name=service.name,
            needs=needs.of_service(service.id),
            manages=control.manages(service.id, None),
            feeds=control.feeds(service.id, None),
        )
        for service in statements.services
    ]
    return nodes


def _node(item: Item, *, needs: Needs, control: Control, evidence: Evidence) -> Node:
    """One asset. Once found lying, a device of a type that is withdrawn then stops."""
    kind = item.type
    withdrawn = kind is not None and kind.withdrawn_when_detected
    return Node(
        id=item.id,
        kind=NodeKind.ASSET,
        needs=needs.of(item),
        manages=control.manages(item.id, item),
        feeds=control.feeds(item.id, item),
        cross_check=1 if kind is None or kind.cross_check is None else evidence.minutes(kind.cross_check),
        fails_safe_after_min=evidence.minutes(kind.integrity_detected_after_min) if kind and withdrawn else None,
        type=None if kind is None else kind.id,
        name=item.name,
        unit=None if item.unit is None else item.unit.id,
    )
