"""What people declare about links between assets, resolved: each end to a node, contradictions to questions. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from riskdb.graph.evidence import Evidence
from riskdb.graph.inventory import Inventory
from riskdb.model.care import Node, NodeKind, QuestionKind
from riskdb.model.ids import NodeId
from riskdb.model.place import DeclaredLink, LinkKind

UNNAMED_PERSON = "declared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A declared link between two nodes. `minutes` is None where the person gave none."""

    source: NodeId
    kind: LinkKind
    target: NodeId
    minutes: int | None
    group: str | None
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """All usable declared links, and the services that only a declared link knows."""

    all: tuple[Statement, ...]
    services: tuple[Node, ...]

    def of(self, kind: LinkKind) -> Iterable[Statement]:
        """The statements of one kind."""
        return (statement for statement in self.all if statement.kind is kind)


def resolve(declared: Sequence[DeclaredLink], inventory: Inventory, evidence: Evidence) -> Statements:
    """Declared links as statements about nodes.

    One end that nothing in the inventory goes by becomes a service, with a question. A link of which neither end is
    known, or one end fits several assets, is left out, with a question.
    """
    statements: dict[tuple[str, ...], Statement] = {}
    services: dict[NodeId, Node] = {}
    for link in sorted(declared, key=_order):
        ends = [_end(name, inventory) for name in (link.source, link.target)]
        if None in ends or not any(end in inventory.items for end in ends) or ends[0] == ends[1]:
            _ask(link, evidence, used=False)
            continue
        source, target = (end for end in ends if end is not None)
        for end, name in ((source, link.source), (target, link.target)):
            if end not in inventory.items:
                services[end] = Node(id=end, kind=NodeKind.SERVICE, name=name.strip())
                _ask(link, evidence, used=True)
        statements[source, link.kind, target, link.group or ""] = Statement(
            source=source,
            kind=link.kind,
            target=target,
            minutes=link.minutes or None,  # an empty cell reads as 0: not said
            group=link.group or None,
            by=link.declared_by or UNNAMED_PERSON,
        )
    return Statements(all=tuple(statements.values()), services=tuple(services[node] for node in sorted(services)))


def _order(link: DeclaredLink) -> tuple[str, ...]:
    return (link.source, link.kind, link.target, link.group or "", f"{link.minutes:09d}", link.declared_by)


def _end(name: str, inventory: Inventory) -> NodeId | None:
    """The node that goes by this name; a service when nothing does; None when several do."""
    found = inventory.called(name)
    if len(found) > 1 or not name.strip():
        return None
    return found[0].id if found else NodeId(f"service:{name.strip().casefold()}")


def _ask(link: DeclaredLink, evidence: Evidence, *, used: bool) -> None:
    about = f"{link.source} {link.kind.value} {link.target}"
    evidence.ask(
        QuestionKind.UNCLEAR_LINK,
        about,
        en=f"Which assets are meant by the link {about!r}? "
        + ("One end is not in the inventory; it is treated as a service." if used else "The link is left out."),
        fr=f"Quels équipements désigne le lien « {about} » ? "
        + (
            "Une extrémité est absente de l’inventaire ; elle est traitée comme un service."
            if used
            else "Il est ignoré."
        ),
    )
