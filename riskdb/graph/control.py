"""Who controls whom, and whose wrong value goes where. Pure.

Declared links speak for a pair of types; where there are none, the pack's defaults do.
Every asset of a managing type manages every asset of the managed types: two directories each rule the whole domain.
"""

from collections.abc import Iterable

from riskdb.graph.evidence import FEEDS, MANAGES, Evidence
from riskdb.graph.inventory import Inventory, Item
from riskdb.graph.links import Statement, Statements
from riskdb.knowledge.contents import Pack
from riskdb.knowledge.types import DeviceType
from riskdb.model.care import Delayed
from riskdb.model.ids import DeviceTypeId, NodeId
from riskdb.model.place import LinkKind

_Pair = tuple[DeviceTypeId, DeviceTypeId]


class Control:
    """The manages and feeds edges of every node. One for each build."""

    def __init__(
        self,
        *,
        pack: Pack,
        inventory: Inventory,
        statements: Statements,
        evidence: Evidence,
    ) -> None:
        self._pack = pack
        self._inventory = inventory
        self._evidence = evidence
        self._declared: dict[tuple[LinkKind, NodeId], list[Statement]] = {}
        self._declared_pairs: dict[LinkKind, set[_Pair]] = {LinkKind.MANAGES: set(), LinkKind.FEEDS: set()}
        for statement in (*statements.of(LinkKind.MANAGES), *statements.of(LinkKind.FEEDS)):
            self._declared.setdefault((statement.kind, statement.source), []).append(statement)
            pair = self._pair(statement)
            if pair is not None:
                self._declared_pairs[statement.kind].add(pair)

    def manages(self, node: NodeId, item: Item | None) -> tuple[Delayed, ...]:
        """Whom this node controls, each once."""
        found: dict[NodeId, int] = {}
        for default in self._defaults(item, LinkKind.MANAGES):
            for group in default.manages:
                template = f"pack:device_type/{default.id}/manages"
                for target in self._targets(node, default, group.types, LinkKind.MANAGES):
                    found[target] = self._evidence.minutes(group.delay_min)
                    self._evidence.inferred(node, MANAGES, target, template)
        for statement in self._declared.get((LinkKind.MANAGES, node), ()):
            found[statement.target] = self._declared_delay(statement)
            self._evidence.declared(node, MANAGES, statement.target, statement.by)
        return _sorted(found)

    def feeds(self, node: NodeId, item: Item | None) -> tuple[Delayed, ...]:
        """Whom a wrong value of this node makes wrong, each once; the pack knows no delays of data."""
        found: dict[NodeId, int] = {}
        for default in self._defaults(item, LinkKind.FEEDS):
            for group in default.feeds:
                providers = (t for c in group.capabilities for t in self._pack.capabilities[c].provided_by)
                types = dict.fromkeys((*group.types, *providers))
                for target in self._targets(node, default, types, LinkKind.FEEDS):
                    found[target] = 0
                    self._evidence.inferred(node, FEEDS, target, f"pack:device_type/{default.id}/feeds")
        for statement in self._declared.get((LinkKind.FEEDS, node), ()):
            found[statement.target] = statement.minutes or 0
            self._evidence.declared(node, FEEDS, statement.target, statement.by)
        return _sorted(found)

    def _defaults(self, item: Item | None, kind: LinkKind) -> Iterable[DeviceType]:
        """The type whose defaults hold for the asset: none for one of unknown type or out of service."""
        if item is None or item.type is None or not item.in_service:
            return ()
        return (item.type,) if (item.type.manages if kind is LinkKind.MANAGES else item.type.feeds) else ()

    def _targets(
        self, node: NodeId, source: DeviceType, types: Iterable[DeviceTypeId], kind: LinkKind
    ) -> Iterable[NodeId]:
        """The assets of the types, but of none for which people have said who is meant, and never itself."""
        silent = [t for t in types if (source.id, t) not in self._declared_pairs[kind]]
        return (target.id for target in self._inventory.of_types(silent) if target.id != node)

    def _pair(self, statement: Statement) -> _Pair | None:
        ends = [self._inventory.items.get(end) for end in (statement.source, statement.target)]
        types = [end.type.id for end in ends if end is not None and end.type is not None]
        return (types[0], types[1]) if len(types) == len(ends) else None

    def _declared_delay(self, statement: Statement) -> int:
        """What the person said, else the pack's delay between the two types, else none."""
        if statement.minutes is not None:
            return statement.minutes
        pair = self._pair(statement)
        for group in self._pack.device_types[pair[0]].manages if pair else ():
            if pair and pair[1] in group.types:
                return self._evidence.minutes(group.delay_min)
        return 0


def _sorted(found: dict[NodeId, int]) -> tuple[Delayed, ...]:
    return tuple(Delayed(node, found[node]) for node in sorted(found))
