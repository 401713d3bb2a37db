"""What people call the nodes, capabilities, steps and pathways of a care graph, in English and French. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from riskdb.knowledge import Pack
from riskdb.knowledge.types import Text
from riskdb.model.care import CareGraph, Node, NodeKind, Pathway
from riskdb.model.ids import UnitId
from riskdb.model.impact import Chain, Event, EventKind


class Language(StrEnum):
    """The languages of the product."""

    EN = "en"
    FR = "fr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What people call the nodes, capabilities, steps and pathways of one graph, in one language."""

    language: Language
    nodes: Mapping[str, str]
    kinds: Mapping[str, str] = field(default_factory=dict)  # the device type of a node
    capabilities: Mapping[str, str]
    pathways: Mapping[str, str]
    steps: Mapping[tuple[str, str], str] = field(default_factory=dict)  # by pathway and step

    def introduced(self, node: str) -> str:
        """The name of a node with what it is: `PUMPSRV-1 (infusion pump server)`."""
        kind = self.kinds.get(node)
        return self.nodes.get(node, node) + (f" ({kind})" if kind else "")

    def along(self, chain: Chain) -> tuple[str, ...]:
        """What each event of a chain happened to; the second of a loss is its step, whose id a capability may share."""
        step = self.steps.get((str(chain.pathway), str(chain.step)), str(chain.step))
        return tuple(
            step if place == 1 and event.kind is EventKind.SHORT else self._of(event)
            for place, event in enumerate(chain.events)
        )

    def _of(self, event: Event) -> str:
        subject = str(event.subject)
        if event.kind in (EventKind.LOST, EventKind.EXPOSED):
            return self.pathways.get(subject, subject)
        if event.kind is EventKind.SHORT:
            return self.capabilities.get(subject, subject)
        return self.nodes.get(subject, subject)


def names_of(
    graph: CareGraph, *, language: Language, pack: Pack | None = None, units: Mapping[UnitId, str] | None = None
) -> Names:
    """The names in a graph: those of the pack in this language where it has them, else those the graph carries."""
    words = _Words(pack, language)
    places = units or {}
    capabilities = {
        str(c.id): _placed(words.capability(c.id) or c.name or c.id, c.unit, places) for c in graph.capabilities
    }
    return Names(
        language=language,
        nodes={n.id: _node_name(n, capabilities) for n in graph.nodes},
        kinds={n.id: words.device_type(n.type) for n in graph.nodes if n.type is not None},
        capabilities=capabilities,
        pathways={
            str(p.id): _placed(words.pathway(p) or p.name or p.id, p.unit, places, share=words.share(p))
            for p in graph.pathways
        },
        steps={(str(p.id), str(s.id)): words.step(p, s.id) or s.name or s.id for p in graph.pathways for s in p.steps},
    )


def _node_name(node: Node, capabilities: Mapping[str, str]) -> str:
    """A stand-in for what the inventory lacks goes by the name of the capability it stands for."""
    if node.kind in (NodeKind.MANUAL, NodeKind.ASSUMED):
        return capabilities.get(node.id.partition(":")[2]) or node.name or node.id
    return node.name or node.id


class _Words:
    """The words of a pack in one language; None where it has none."""

    def __init__(self, pack: Pack | None, language: Language) -> None:
        self._language = language
        kinds = () if pack is None else pack.pathways.values()
        self._types = {} if pack is None else {str(t.id): self._text(t.name) for t in pack.device_types.values()}
        self._capabilities = {} if pack is None else {str(c.id): self._text(c.name) for c in pack.capabilities.values()}
        self._pathways = {str(p.id): self._text(p.name) for p in kinds}
        self._steps = {(str(p.id), str(s.id)): self._text(s.name) for p in kinds for s in p.steps}

    def device_type(self, device_type: str) -> str:
        return self._types.get(device_type) or device_type

    def capability(self, capability: str) -> str | None:
        return self._capabilities.get(capability.partition("@")[0])

    def pathway(self, pathway: Pathway) -> str | None:
        """Its name; a companion (`stroke~0.4`) goes by the name of its pathway."""
        return self._pathways.get(str(pathway.instance_of).partition("~")[0])

    def share(self, pathway: Pathway) -> str | None:
        """For which share of the pathway's people a companion stands."""
        people = str(pathway.instance_of).partition("~")[2]
        if not people:
            return None
        of = "of patients" if self._language is Language.EN else "des patients"
        return f"{percent(float(people), self._language)} {of}"

    def step(self, pathway: Pathway, step: str) -> str | None:
        return self._steps.get((str(pathway.instance_of).partition("~")[0], step))

    def _text(self, text: Text) -> str:
        return text.fr if self._language is Language.FR and text.fr else text.en


def _placed(name: str, unit: UnitId | None, places: Mapping[UnitId, str], *, share: str | None = None) -> str:
    """A name with the unit of its instance, and whom it concerns: `Medication (Ward 3, 40% of patients)`."""
    place = None if unit is None else places.get(unit, unit)
    told = ", ".join(filter(None, (place, share)))
    return f"{name} ({told})" if told else name


def percent(share: float, language: Language) -> str:
    """A share of 0..1: `50 %` in French, `50%` in English; a trace is not rounded to nothing, nor nearly all to all."""
    gap = "\u00a0%" if language is Language.FR else "%"
    if 0 < share < 0.01:
        return f"< 1{gap}"
    if 0.99 < share < 1:
        return f"> 99{gap}"
    return f"{share * 100:.0f}{gap}"
