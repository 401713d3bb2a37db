"""Whatever is found in a hospital, the graph built of it is one that the engine takes."""

from datetime import UTC, datetime
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from riskdb.exchange import graph_document, parse_graph
from riskdb.graph import build_graph
from riskdb.knowledge import load_pack
from riskdb.model.asset import Asset, Attribute, AttributeName
from riskdb.model.care import BuiltGraph, EdgeKey, Leaf, NodeKind, Tree
from riskdb.model.ids import AssetId, EstablishmentId, ObservationId, UnitId
from riskdb.model.place import DeclaredLink, LinkKind, ObservedLink, Unit

SEEN = datetime(2026, 11, 20, 9, tzinfo=UTC)
PACK = load_pack()
UNITS = [f"u{number}" for number in range(6)]
NAMES = [f"a{number}" for number in range(14)]


def make_asset(name: str, device_type: str | None, unit: str | None, status: str | None) -> Asset:
    values = {"device_type": device_type, "unit": unit, "status": status, "hostname": name}
    return Asset(
        id=AssetId(name),
        establishment=EstablishmentId(1),
        attributes={
            AttributeName(field): Attribute(value=value, source="import:list", observation=None, seen_at=SEEN)
            for field, value in values.items()
            if value is not None
        },
        keys=frozenset(),
        observations=(),
        conflicts=(),
        first_seen_at=SEEN,
        last_seen_at=SEEN,
    )


NETWORKED = ["core_switch", "access_switch", "clinical_pc", "ehr", "directory", "virtualisation", "ups", "lvp_pump"]
device_types = st.sampled_from(NETWORKED) | st.sampled_from([*PACK.device_types, "tricorder", None])
statuses = st.sampled_from([None, "in_service", "spare", "retired"])
some_asset = st.builds(
    make_asset, st.sampled_from(NAMES), device_types, st.sampled_from([*UNITS, "gone", None]), statuses
)
inventories = st.lists(some_asset, max_size=14, unique_by=lambda asset: asset.id)
some_unit = st.builds(
    Unit,
    id=st.sampled_from(UNITS).map(UnitId),
    name=st.just("Unit"),
    unit_type=st.sampled_from(list(PACK.unit_types)),
    beds=st.integers(0, 40),
)
places = st.lists(some_unit, max_size=6, unique_by=lambda unit: unit.id)
some_cable = st.builds(
    ObservedLink,
    source=st.sampled_from([*NAMES, "stranger"]).map(AssetId),
    target=st.sampled_from([*NAMES, "stranger"]).map(AssetId),
    port=st.just("1"),
    observation=st.just(ObservationId("0" * 32)),
)
some_statement = st.builds(
    DeclaredLink,
    source=st.sampled_from([*NAMES, "Maker", ""]),
    kind=st.sampled_from(LinkKind),
    target=st.sampled_from([*NAMES, "Maker", ""]),
    minutes=st.integers(0, 100_000),
    group=st.sampled_from([None, "g"]),
    declared_by=st.sampled_from(["Anne Morel", ""]),
)
hospitals = st.tuples(inventories, places, st.lists(some_cable, max_size=12), st.lists(some_statement, max_size=8))
Hospital = tuple[list[Asset], list[Unit], list[ObservedLink], list[DeclaredLink]]


def built_of(hospital: Hospital) -> BuiltGraph:
    assets, units, links, declared = hospital
    return build_graph(pack=PACK, assets=assets, units=units, links=links, declared=declared)


def leaves(tree: Tree | None) -> set[str]:
    if tree is None:
        return set()
    return {tree.id} if isinstance(tree, Leaf) else {leaf for part in tree.parts for leaf in leaves(part)}


@settings(max_examples=60, deadline=None)
@given(hospitals)
def test_any_hospital_becomes_a_graph_that_survives_its_own_document(hospital: Hospital) -> None:
    graph = built_of(hospital).graph
    assert parse_graph(graph_document(graph)) == graph


@settings(max_examples=60, deadline=None)
@given(hospitals)
def test_every_asset_is_a_node_and_every_edge_has_a_source(hospital: Hospital) -> None:
    built = built_of(hospital)
    assets = {node.id for node in built.graph.nodes if node.kind == NodeKind.ASSET}
    edges = {EdgeKey(n.id, "needs", leaf) for n in built.graph.nodes for leaf in leaves(n.needs)}
    edges |= {EdgeKey(n.id, "manages", edge.id) for n in built.graph.nodes for edge in n.manages}
    edges |= {EdgeKey(n.id, "feeds", edge.id) for n in built.graph.nodes for edge in n.feeds}
    edges |= {EdgeKey(p, "provides", c.id) for c in built.graph.capabilities for p in c.providers}
    assert assets == {asset.id for asset in hospital[0]}
    assert edges == set(built.sources)
    assert all(0 <= source.confidence <= 1 and source.because for source in built.sources.values())


@settings(max_examples=60, deadline=None)
@given(hospitals)
def test_no_asset_needs_itself_or_serves_while_out_of_service(hospital: Hospital) -> None:
    built = built_of(hospital)
    resting = {a.id for a in hospital[0] if a.value(AttributeName.STATUS) in ("spare", "retired")}
    assert not any(node.id in leaves(node.needs) for node in built.graph.nodes)
    assert not any(resting & set(c.providers) for c in built.graph.capabilities)


@settings(max_examples=60, deadline=None)
@given(hospitals, some_asset)
def test_one_more_asset_never_asks_for_more_providers_than_there_are(hospital: Hospital, newcomer: Asset) -> None:
    assets, *rest = hospital
    grown = [*(asset for asset in assets if asset.id != newcomer.id), newcomer]
    assert all(1 <= c.needed <= len(c.providers) for c in built_of((grown, *rest)).graph.capabilities)


@settings(max_examples=60, deadline=None)
@given(hospitals, st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_told_does_not_matter(hospital: Hospital, random: Random) -> None:
    shuffled = tuple(random.sample(part, len(part)) for part in hospital)
    one, other = built_of(hospital), built_of(shuffled)
    assert (one.graph, one.questions, one.sources) == (other.graph, other.questions, other.sources)
