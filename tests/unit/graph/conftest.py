"""A small hospital to build graphs of, and the words to describe it and to look at what was built."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from riskdb.graph import build_graph
from riskdb.knowledge import Pack, load_pack
from riskdb.model.asset import Asset, Attribute, AttributeName
from riskdb.model.care import BuiltGraph, Capability, EdgeKey, EdgeSource, Node, Pathway, Step
from riskdb.model.ids import AssetId, EstablishmentId, ObservationId, UnitId, UnitTypeId
from riskdb.model.place import DeclaredLink, LinkKind, ObservedLink, Unit

SEEN = datetime(2026, 11, 20, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Seen:
    """A built graph, looked at by id."""

    built: BuiltGraph

    def node(self, identifier: str) -> Node:
        return next(n for n in self.built.graph.nodes if n.id == identifier)

    def nodes(self) -> set[str]:
        return {str(n.id) for n in self.built.graph.nodes}

    def capability(self, identifier: str) -> Capability:
        return next(c for c in self.built.graph.capabilities if c.id == identifier)

    def capabilities(self) -> set[str]:
        return {str(c.id) for c in self.built.graph.capabilities}

    def pathway(self, identifier: str) -> Pathway:
        return next(p for p in self.built.graph.pathways if p.id == identifier)

    def pathways(self) -> set[str]:
        return {str(p.id) for p in self.built.graph.pathways}

    def step(self, pathway: str, step: str) -> Step:
        return next(s for s in self.pathway(pathway).steps if s.id == step)

    def managed(self, identifier: str) -> Mapping[str, int]:
        return {str(edge.id): edge.delay_min for edge in self.node(identifier).manages}

    def fed(self, identifier: str) -> set[str]:
        return {str(edge.id) for edge in self.node(identifier).feeds}

    def source(self, start: str, kind: str, end: str) -> EdgeSource:
        return self.built.sources[EdgeKey(start, kind, end)]

    def asked(self, kind: str) -> set[str]:
        return {question.about for question in self.built.questions if question.kind == kind}


@dataclass
class Hospital:
    """What is known of a hospital, told line by line."""

    pack: Pack
    assets: list[Asset] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    links: list[ObservedLink] = field(default_factory=list)
    declared: list[DeclaredLink] = field(default_factory=list)

    def unit(self, identifier: str, unit_type: str, beds: int = 0) -> None:
        self.units.append(
            Unit(id=UnitId(identifier), name=identifier.upper(), unit_type=UnitTypeId(unit_type), beds=beds)
        )

    def has(self, identifier: str, device_type: str | None = None, unit: str | None = None, **stated: str) -> None:
        """One asset; further fields by name, as `status="retired"`."""
        values = {"name": identifier, "device_type": device_type, "unit": unit, **stated}
        attributes = {
            AttributeName(name): Attribute(value=value, source="import:list", observation=None, seen_at=SEEN)
            for name, value in values.items()
            if value is not None
        }
        self.assets.append(
            Asset(
                id=AssetId(identifier),
                establishment=EstablishmentId(1),
                attributes=attributes,
                keys=frozenset(),
                observations=(),
                conflicts=(),
                first_seen_at=SEEN,
                last_seen_at=SEEN,
            )
        )

    def many(self, count: int, device_type: str, unit: str | None = None) -> list[str]:
        """Several assets of a type, named `type-1`, `type-2` ... (with the unit, if they stand in one)."""
        stem = device_type if unit is None else f"{device_type}.{unit}"
        names = [f"{stem}-{number}" for number in range(1, count + 1)]
        for name in names:
            self.has(name, device_type, unit)
        return names

    def cable(self, source: str, target: str) -> None:
        """A switch table shows that the source hangs on the target."""
        observation = ObservationId(f"{source}-on-{target}")
        self.links.append(
            ObservedLink(source=AssetId(source), target=AssetId(target), port="Gi1/0/1", observation=observation)
        )

    def says(self, source: str, kind: str, target: str, *, minutes: int = 0, group: str | None = None) -> None:
        """A person declares a link."""
        self.declared.append(
            DeclaredLink(
                source=source,
                kind=LinkKind(kind),
                target=target,
                minutes=minutes,
                group=group,
                declared_by="Anne Morel",
            )
        )

    def build(self, beds: int | None = None) -> Seen:
        return Seen(
            build_graph(
                pack=self.pack,
                assets=self.assets,
                units=self.units,
                links=self.links,
                declared=self.declared,
                beds=beds,
            )
        )


@pytest.fixture(scope="session")
def pack() -> Pack:
    return load_pack()


@pytest.fixture
def hospital(pack: Pack) -> Hospital:
    """An empty hospital."""
    return Hospital(pack)


@pytest.fixture
def small_hospital(hospital: Hospital) -> Hospital:
    """Two wards, intensive care, emergencies; a server room with two of each that has a spare."""
    for name, unit_type, beds in (
        ("ward-a", "ward", 30),
        ("ward-b", "ward", 30),
        ("icu", "icu", 12),
        ("ed", "ed", 0),
    ):
        hospital.unit(name, unit_type, beds)
    for core in hospital.many(2, "core_switch"):
        hospital.cable("access-1", core)
        hospital.cable("access-2", core)
    hospital.has("access-1", "access_switch")
    hospital.has("access-2", "access_switch")
    for kind in ("directory", "dns_dhcp", "virtualisation", "firewall", "wifi_controller"):
        hospital.many(2, kind)
    for kind in ("ehr", "lis", "adt", "pharmacy_system", "infusion_server", "cloud_gateway", "wan_link", "telephony"):
        hospital.has(kind, kind)
    for kind in ("power_system", "medical_gas"):
        hospital.has(kind, kind)
    for place, switch in (("ward-a", "access-1"), ("ward-b", "access-2"), ("icu", "access-2"), ("ed", "access-1")):
        for kind, count in (("lvp_pump", 10), ("syringe_pump", 4), ("patient_monitor", 6), ("clinical_pc", 4)):
            for name in hospital.many(count, kind, place):
                hospital.cable(name, switch)
    for name in hospital.many(8, "icu_ventilator", "icu"):
        hospital.cable(name, "access-2")
    return hospital
