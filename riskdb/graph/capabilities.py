"""Which capability exists where, and who provides it. Pure.

It never decides what needs a capability; pathways and assets ask it by type and place.
"""

import math
from collections.abc import Iterable
from fractions import Fraction

from riskdb.graph.evidence import PROVIDES, Evidence
from riskdb.graph.inventory import Inventory, Item
from riskdb.knowledge.contents import Pack
from riskdb.knowledge.types import CapabilityKind, CapabilityType, Scope
from riskdb.model.care import AllOf, AnyOf, Capability, KOf, Leaf, Node, NodeKind, QuestionKind, Tree
from riskdb.model.ids import CapabilityId, CapabilityTypeId, NodeId, UnitId, UnitTypeId
from riskdb.model.place import Unit

Place = tuple[CapabilityTypeId, UnitId | None]  # None is the establishment


def enough(share: float, providers: int) -> int:
    """How many of the providers normal service takes: max(1, ceil(share x providers)), free of rounding."""
    return max(1, math.ceil(Fraction(str(share)) * providers))


class Capabilities:
    """The capabilities of one establishment. Those with a provider exist from the start, the rest once asked for."""

    def __init__(self, pack: Pack, inventory: Inventory, evidence: Evidence) -> None:
        self._pack = pack
        self._inventory = inventory
        self._evidence = evidence
        self._built: dict[CapabilityId, Capability] = {}
        self._standins: dict[NodeId, Node] = {}
        self._items: dict[Place, list[Item]] = {}
        self._everywhere: dict[CapabilityTypeId, list[Item]] = {}
        self._located: set[CapabilityTypeId] = set()
        for kind in pack.capabilities.values():
            for item in inventory.of_types(kind.provided_by):
                self._provide(kind, item)
        for capability, unit in self._items:
            self._build(pack.capabilities[capability], unit)

    @property
    def all(self) -> tuple[Capability, ...]:
        """Every capability of the graph, by id."""
        return tuple(self._built[identifier] for identifier in sorted(self._built))

    @property
    def standins(self) -> tuple[Node, ...]:
        """The nodes that stand for people's work and for what nobody has found, by id."""
        return tuple(self._standins[identifier] for identifier in sorted(self._standins))

    def providers(self, capability: CapabilityTypeId, unit: Unit | None) -> tuple[tuple[NodeId, ...], float]:
        """The nodes that serve a device in `unit`, and the share of them it takes; a stand-in if there are none."""
        kind = self._pack.capabilities[capability]
        here = self._items.get((capability, unit.id), []) if unit is not None and kind.scope is Scope.UNIT else []
        items = here or self._everywhere.get(capability, [])
        share = kind.share_in(unit.unit_type if here and unit else None)
        if items and share is not None:
            return tuple(item.id for item in items), self._evidence.value(share)
        return (self._standin(kind, None),), 1.0

    def for_step(self, tree: Tree, *, unit: Unit | None, unit_types: tuple[UnitTypeId, ...]) -> Tree:
        """A step's tree over capability types as a tree over the capabilities it means where it happens.

        In an instance of a listed unit type that unit alone counts; otherwise one unit of the listed types is enough.
        """
        if isinstance(tree, Leaf):
            return self._meant(CapabilityTypeId(tree.id), unit, unit_types)
        parts = tuple(self.for_step(part, unit=unit, unit_types=unit_types) for part in tree.parts)
        return KOf(tree.k, parts) if isinstance(tree, KOf) else type(tree)(parts)

    def _meant(self, capability: CapabilityTypeId, unit: Unit | None, unit_types: tuple[UnitTypeId, ...]) -> Tree:
        kind = self._pack.capabilities[capability]
        if kind.scope is Scope.ESTABLISHMENT:
            return Leaf(self._build(kind, None))
        if unit is not None and (not unit_types or unit.unit_type in unit_types):
            return Leaf(self._at(kind, unit.id))
        return self._among(kind, unit_types)

    def _at(self, kind: CapabilityType, unit: UnitId) -> CapabilityId:
        """In one unit. As long as nobody has located any provider, those of unknown location serve every unit."""
        unlocated_only = kind.id in self._everywhere and kind.id not in self._located
        return self._build(kind, None if unlocated_only else unit)

    def _among(self, kind: CapabilityType, unit_types: Iterable[UnitTypeId]) -> Tree:
        """In any unit of these types that has a provider; else wherever those of unknown location are."""
        wanted = set(unit_types)
        units = [
            unit.id
            for unit in self._inventory.units.values()
            if unit.unit_type in wanted and (kind.id, unit.id) in self._items
        ]
        found = tuple(Leaf(self._build(kind, unit)) for unit in units) or (Leaf(self._build(kind, None)),)
        return found[0] if len(found) == 1 else AnyOf(found)

    def _provide(self, kind: CapabilityType, item: Item) -> None:
        unit = None
        if kind.scope is Scope.UNIT:
            if item.unit is None:
                self._ask_location(item)
            else:
                unit = item.unit.id
                self._located.add(kind.id)
        self._everywhere.setdefault(kind.id, []).append(item)
        self._items.setdefault((kind.id, unit), []).append(item)

    def _build(self, kind: CapabilityType, unit: UnitId | None) -> CapabilityId:
        """The capability at a place, made the first time it is asked for."""
        identifier = CapabilityId(kind.id if unit is None else f"{kind.id}@{unit}")
        if identifier in self._built:
            return identifier
        items = self._items.get((kind.id, unit), [])
        share = kind.share_in(self._inventory.units[unit].unit_type if unit is not None else None)
        if items and share is not None:
            providers = tuple(item.id for item in items)
            needed = enough(self._evidence.value(share), len(providers))
            for item in items:
                template = f"pack:capability/{kind.id}/provided_by/{item.asset.device_type}"
                self._evidence.inferred(item.id, PROVIDES, identifier, template)
        else:
            providers, needed = (self._standin(kind, unit),), 1
            self._evidence.assumed(providers[0], PROVIDES, identifier, f"pack:capability/{kind.id}")
        self._built[identifier] = Capability(
            id=identifier, providers=providers, needed=needed, name=kind.name.en, unit=unit
        )
        return identifier

    def _standin(self, kind: CapabilityType, unit: UnitId | None) -> NodeId:
        """The node of a manual capability, or of one that no known asset provides here: that is a question."""
        node_kind = NodeKind.MANUAL if kind.kind is CapabilityKind.MANUAL else NodeKind.ASSUMED
        identifier = NodeId(f"{node_kind.value}:{kind.id}" + (f"@{unit}" if unit is not None else ""))
        if identifier not in self._standins:
            self._standins[identifier] = Node(id=identifier, kind=node_kind, name=kind.name.en, unit=unit)
            if node_kind is NodeKind.ASSUMED:
                self._ask_provider(kind, unit, identifier)
        return identifier

    def _ask_provider(self, kind: CapabilityType, unit: UnitId | None, identifier: NodeId) -> None:
        place = None if unit is None else self._inventory.units[unit].name
        self._evidence.ask(
            QuestionKind.ASSUMED_CAPABILITY,
            identifier,
            en=f"What provides “{kind.name.en}” ({place or 'whole establishment'})? Nothing in the inventory does; "
            "it is assumed to be there.",
            fr=f"Qu’est-ce qui assure « {kind.name.fr} » ({place or 'tout l’établissement'}) ? "
            "Rien dans l’inventaire ; on suppose que c’est en place.",
        )

    def _ask_location(self, item: Item) -> None:
        stated = item.asset.unit
        self._evidence.ask(
            QuestionKind.UNKNOWN_LOCATION,
            item.id,
            en=f"In which unit is {item.name}?" + (f" No unit has the id {stated!r}." if stated else ""),
            fr=f"Dans quelle unité se trouve {item.name} ?"
            + (f" Aucune unité n’a l’identifiant « {stated} »." if stated else ""),
        )


def all_of(parts: Iterable[Tree]) -> Tree | None:
    """Every part, each once; None when there are none."""
    unique = tuple(dict.fromkeys(parts))
    if not unique:
        return None
    return unique[0] if len(unique) == 1 else AllOf(unique)


def any_of(parts: Iterable[Tree]) -> Tree:
    """Any part, each once; at least one is given."""
    unique = tuple(dict.fromkeys(parts))
    return unique[0] if len(unique) == 1 else AnyOf(unique)


def k_of(nodes: Iterable[NodeId], *, share: float, tolerance_min: int) -> Tree | None:
    """Enough of the nodes, each with the tolerance; None when there are none."""
    parts = tuple(Leaf(node, tolerance_min) for node in nodes)
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else KOf(enough(share, len(parts)), parts)
