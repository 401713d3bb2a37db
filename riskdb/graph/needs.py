"""What each asset needs to work: observed links, declared links, and the pack's dependencies for the rest. Pure.

An observed or declared need replaces the pack's inferred one of the same capability.
"""

from collections.abc import Iterable, Mapping, Sequence

from riskdb.graph.capabilities import Capabilities, all_of, any_of, k_of
from riskdb.graph.evidence import NEEDS, Evidence
from riskdb.graph.inventory import Inventory, Item
from riskdb.graph.links import Statement, Statements
from riskdb.knowledge.contents import Pack
from riskdb.knowledge.types import Copes, Dependency, DeviceType, Scope
from riskdb.model.care import HORIZON_END_MIN, Leaf, QuestionKind, Tree
from riskdb.model.ids import CapabilityTypeId, NodeId
from riskdb.model.place import LinkKind, ObservedLink

LAN = CapabilityTypeId("lan")  # what a switch carries: the one capability whose links are observed
COLD_START_ONLY_MIN = HORIZON_END_MIN + 1  # never within a scenario; a cold start ignores tolerances and sees the need


class Needs:
    """The needs tree of every asset. One for each build."""

    def __init__(
        self,
        *,
        pack: Pack,
        inventory: Inventory,
        capabilities: Capabilities,
        links: Sequence[ObservedLink],
        statements: Statements,
        evidence: Evidence,
    ) -> None:
        self._pack = pack
        self._inventory = inventory
        self._capabilities = capabilities
        self._evidence = evidence
        self._shared: dict[tuple[CapabilityTypeId, str | None, int, NodeId | None], Tree | None] = {}
        self._declared: dict[NodeId, list[Statement]] = {}
        for statement in statements.of(LinkKind.NEEDS):
            self._declared.setdefault(statement.source, []).append(statement)
        self._observed = _towards_the_core(links, inventory, self._roots())

    def of_service(self, node: NodeId) -> Tree | None:
        """The needs of something that only declared links know."""
        return all_of(self._groups(None, node, self._declared.get(node, [])))

    def of(self, item: Item) -> Tree | None:
        """The needs of an asset; those of one out of service are only what people state."""
        stated = self._declared.get(item.id, [])
        if not item.in_service:
            return all_of(self._groups(item, item.id, stated))
        observed = self._observed.get(item.id, [])
        stated, observed = self._reconcile(item, stated, observed)
        replaced = {c for statement in stated for c in self._stands_for(statement.target)}
        parts = list(self._groups(item, item.id, stated))
        if observed:
            replaced.add(LAN)
            parts += self._uplinks(item, observed)
        for dependency in () if item.type is None else item.type.dependencies:
            if dependency.capability not in replaced:
                parts += self._inferred(item, item.type, dependency)
        self._ask_switch(item, is_known=LAN in replaced)
        return all_of(parts)

    def _roots(self) -> frozenset[NodeId]:
        """The core of the network: the assets that provide the lan without needing it."""
        kind = self._pack.capabilities.get(LAN)
        return frozenset(item.id for item in self._inventory.of_types(kind.provided_by if kind else ()))

    def _reconcile(
        self, item: Item, stated: list[Statement], observed: list[ObservedLink]
    ) -> tuple[list[Statement], list[ObservedLink]]:
        """Lists age: a declared switch gives way to the observed one, unless the list names that one too."""
        switches = {s.target for s in stated if LAN in self._stands_for(s.target)}
        seen = {link.target for link in observed}
        if not switches or not seen:
            return stated, observed
        if switches & {NodeId(target) for target in seen}:
            return stated, []
        self._evidence.ask(
            QuestionKind.UNCLEAR_LINK,
            item.id,
            en=f"Which switch is {item.name} connected to? List and switch table differ; the table is believed.",
            fr=f"À quel commutateur {item.name} est-il raccordé ? La liste et la table du commutateur divergent ; "
            "la table fait foi.",
        )
        return [s for s in stated if s.target not in switches], observed

    def _stands_for(self, node: NodeId) -> tuple[CapabilityTypeId, ...]:
        """The capabilities whose need a link to this node replaces: those it provides or carries."""
        item = self._inventory.items.get(node)
        if item is None or item.type is None:
            return ()
        return (*item.type.carries, *self._pack.provided_by(item.type.id))

    def _groups(self, item: Item | None, node: NodeId, stated: Iterable[Statement]) -> list[Tree]:
        """Declared needs: those of one group are redundant to each other, the others are all needed."""
        groups: dict[str, list[Tree]] = {}
        for statement in stated:
            self._evidence.declared(node, NEEDS, statement.target, statement.by)
            leaf = Leaf(statement.target, self._declared_tolerance(item, statement))
            groups.setdefault(statement.group or f"\0{statement.target}", []).append(leaf)
        return [any_of(leaves) for leaves in groups.values()]

    def _declared_tolerance(self, item: Item | None, statement: Statement) -> int:
        """What the person said, else what the pack says of the need it replaces."""
        if statement.minutes is not None:
            return statement.minutes
        stands_for = self._stands_for(statement.target)
        device_type = None if item is None else item.type
        if device_type is None:
            return 0
        for dependency in device_type.dependencies:
            if dependency.capability in stands_for and dependency.tolerance not in (Copes.LOCAL, Copes.RESTART):
                return self._tolerance(device_type, dependency) or 0
        return 0

    def _uplinks(self, item: Item, observed: list[ObservedLink]) -> list[Tree]:
        """The switches it hangs on, any of which is enough, if its type needs the lan at all."""
        tolerance_min: int | None = 0
        if item.type is not None:
            lan = next((d for d in item.type.dependencies if d.capability == LAN), None)
            tolerance_min = None if lan is None else self._tolerance(item.type, lan)
        if tolerance_min is None:
            return []
        for link in observed:
            self._evidence.observed(item.id, NEEDS, link.target, link.observation)
        return [any_of(Leaf(link.target, tolerance_min) for link in observed)]

    def _inferred(self, item: Item, device_type: DeviceType | None, dependency: Dependency) -> list[Tree]:
        """The pack's dependency, over whatever provides the capability here; nothing of it when it copes alone."""
        if device_type is None:
            return []
        tolerance_min = self._tolerance(device_type, dependency)
        if tolerance_min is None:
            return []
        kind = self._pack.capabilities[dependency.capability]
        nodes, share = self._capabilities.providers(dependency.capability, item.unit)
        excluded = item.id if item.id in nodes else None  # a provider does not need itself
        unit = None if item.unit is None else str(item.unit.id)
        key = (dependency.capability, unit if kind.scope is Scope.UNIT else None, tolerance_min, excluded)
        if key not in self._shared:
            others = [node for node in nodes if node != excluded]
            self._shared[key] = k_of(others, share=share, tolerance_min=tolerance_min)
        template = f"pack:device_type/{device_type.id}/dependencies/{dependency.capability}"
        for node in nodes:
            if node in self._inventory.items and node != excluded:
                self._evidence.inferred(item.id, NEEDS, node, template)
            elif node != excluded:
                self._evidence.assumed(item.id, NEEDS, node, template)
        tree = self._shared[key]
        return [] if tree is None else [tree]

    def _tolerance(self, device_type: DeviceType, dependency: Dependency) -> int | None:
        """How many minutes the type copes without it; None when it keeps its clinical function."""
        match dependency.tolerance:
            case Copes.HARD:
                return 0
            case Copes.BATTERY:
                return 0 if device_type.battery_min is None else self._evidence.minutes(device_type.battery_min)
            case Copes.RESTART:
                return COLD_START_ONLY_MIN
            case Copes.LOCAL:
                return None
            case number:
                return self._evidence.minutes(number)

    def _ask_switch(self, item: Item, *, is_known: bool) -> None:
        if is_known or item.type is None:
            return
        if any(d.capability == LAN and d.tolerance is not Copes.LOCAL for d in item.type.dependencies):
            self._evidence.ask(
                QuestionKind.UNKNOWN_SWITCH,
                item.id,
                en=f"Which switch is {item.name} connected to? It is assumed to need only the core of the network.",
                fr=f"À quel commutateur {item.name} est-il raccordé ? "
                "On suppose qu’il ne dépend que du cœur de réseau.",
            )


def _towards_the_core(
    links: Sequence[ObservedLink], inventory: Inventory, roots: frozenset[NodeId]
) -> Mapping[NodeId, list[ObservedLink]]:
    """Where each asset hangs. Of the links between switches only those that lead nearer to the core count.

    Neighbours see each other, so their links come in both directions; needs in a ring would hold each other up for
    ever. A switch that no way joins to the core is left without: the pack's need of the lan stands for it.
    """
    usable = [
        link
        for link in sorted(links, key=lambda link: (link.source, link.target, link.port, link.observation))
        if NodeId(link.source) in inventory.items and NodeId(link.target) in inventory.items
        if link.source != link.target
    ]
    switches = {NodeId(link.target) for link in usable} | roots
    hops = _hops(usable, switches, roots)
    hangs_on: dict[NodeId, dict[NodeId, ObservedLink]] = {}
    for link in usable:
        source, target = NodeId(link.source), NodeId(link.target)
        if source not in switches:
            hangs_on.setdefault(source, {}).setdefault(target, link)
            continue
        for lower, upper in ((source, target), (target, source)):
            if upper in switches and upper in hops and hops[upper] < hops.get(lower, 0):
                turned = link if lower == source else _turn(link)
                hangs_on.setdefault(lower, {}).setdefault(upper, turned)
    return {node: list(found.values()) for node, found in hangs_on.items()}


def _turn(link: ObservedLink) -> ObservedLink:
    """The same cable told from its other end."""
    return ObservedLink(source=link.target, target=link.source, port=link.port, observation=link.observation)


def _hops(links: Iterable[ObservedLink], switches: set[NodeId], roots: frozenset[NodeId]) -> Mapping[NodeId, int]:
    """How many cables lie between each switch and the core."""
    neighbours: dict[NodeId, set[NodeId]] = {}
    for link in links:
        source, target = NodeId(link.source), NodeId(link.target)
        if source in switches:
            neighbours.setdefault(source, set()).add(target)
            neighbours.setdefault(target, set()).add(source)
    hops = dict.fromkeys(sorted(roots), 0)
    front = sorted(roots)
    while front:
        beyond = {n for switch in front for n in neighbours.get(switch, ()) if n not in hops}
        hops.update((node, hops[front[0]] + 1) for node in beyond)
        front = sorted(beyond)
    return hops
