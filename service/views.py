"""Values of riskdb as people and programs are shown them: names beside ids, sentences beside numbers. Pure.

The HTTP answers, the `rank` and `explain` commands and the demo all show these.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from riskdb.knowledge import Pack
from riskdb.model.asset import Asset, AttributeName
from riskdb.model.care import HORIZONS_MIN, Node
from riskdb.model.ids import AssetId, DeviceTypeId, NodeId, PathwayId, StepId, UnitId
from riskdb.model.impact import Chain, EventKind, RankedNode
from riskdb.model.scenario import Mode
from service.names import Language, Names
from service.runs import LoadedRun
from service.sentences import chain_sentence, reason_sentence


class Tab(StrEnum):
    """The two halves of a ranking: together, directory and core switch would always fill the first screen."""

    MEDICAL = "medical"
    IT = "it"


def tab_of(node: Node, pack: Pack) -> Tab:
    """Where a node is listed."""
    kind = None if node.type is None else pack.device_types.get(node.type)
    return Tab.MEDICAL if kind is not None and kind.is_medical_device else Tab.IT


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """The run an answer comes from: how old it is and how much of it nobody has reviewed."""

    run: int
    horizon: str
    pack_version: str
    computed_at: datetime
    observed_until: datetime | None  # the newest observation it rests on
    unreviewed_numbers: int
    questions: int


def run_view(loaded: LoadedRun) -> RunView:
    """The run of an answer."""
    stored = loaded.stored
    return RunView(
        run=stored.id,
        horizon=stored.run.horizon,
        pack_version=stored.run.pack_version,
        computed_at=stored.run.finished_at,
        observed_until=stored.run.observed_until,
        unreviewed_numbers=stored.unreviewed_numbers,
        questions=len(loaded.questions),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """One link of a chain, with the name of what it happened to."""

    kind: EventKind
    subject: str
    name: str
    at_min: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainView:
    """A loss and its causes, effect first, and the same as a sentence."""

    pathway: PathwayId
    step: StepId
    kind: EventKind
    starts_at_min: int
    share: float
    events: tuple[EventView, ...]
    sentence: str


def chain_view(chain: Chain, names: Names) -> ChainView:
    """A chain in one language."""
    return ChainView(
        pathway=chain.pathway,
        step=chain.step,
        kind=chain.kind,
        starts_at_min=chain.starts_at_min,
        share=chain.share,
        events=tuple(
            EventView(kind=event.kind, subject=str(event.subject), name=name, at_min=event.at_min)
            for event, name in zip(chain.events, names.along(chain), strict=True)
        ),
        sentence=chain_sentence(chain, names),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedRow:
    """One asset of the ranking and why it stands there."""

    rank: int
    asset: NodeId
    name: str
    device_type: DeviceTypeId | None
    device_type_name: str | None
    unit: UnitId | None
    tab: Tab
    score: float
    mode: Mode
    vital: bool
    index: Mapping[Mode, Mapping[str, float]]
    patients_affected: Mapping[str, float]
    patients_exposed: Mapping[str, float]
    pathways: tuple[str, ...]  # by name, the worst first
    reason: str
    chains: tuple[ChainView, ...]


def ranked_row(row: RankedNode, loaded: LoadedRun, *, language: Language, horizon: str) -> RankedRow:
    """A row of the ranking in one language."""
    names, node = loaded.names(language), loaded.nodes[row.id]
    return RankedRow(
        rank=row.rank,
        asset=row.id,
        name=names.nodes[str(row.id)],
        device_type=node.type,
        device_type_name=names.kinds.get(str(row.id)),
        unit=node.unit,
        tab=tab_of(node, loaded.pack),
        score=row.score,
        mode=row.mode,
        vital=row.vital,
        index={mode: by_horizon(row.index[mode]) for mode in Mode if mode in row.index},
        patients_affected=by_horizon(row.patients_affected),
        patients_exposed=by_horizon(row.patients_exposed),
        pathways=tuple(names.pathways.get(str(p), str(p)) for p in row.reason.pathways),
        reason=reason_sentence(row, names, horizon=horizon),
        chains=tuple(chain_view(chain, names) for chain in row.reason.chains),
    )


def by_horizon(numbers: Mapping[str, float]) -> dict[str, float]:
    """The numbers from the nearest horizon to the farthest: the database keeps no order in a document."""
    return {horizon: numbers[horizon] for horizon in HORIZONS_MIN if horizon in numbers}


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetSummary:
    """An asset as one line of a list."""

    id: AssetId
    name: str
    device_type: str | None
    category: str | None
    manufacturer: str | None
    model: str | None
    firmware: str | None
    serial: str | None
    asset_tag: str | None
    address: str | None
    mac: str | None
    unit: str | None
    room: str | None
    status: str | None
    first_seen_at: datetime
    last_seen_at: datetime
    observations: int
    conflicts: int


def asset_summary(asset: Asset) -> AssetSummary:
    """The chosen values of an asset."""
    return AssetSummary(
        id=asset.id,
        name=name_of(asset),
        device_type=asset.value(AttributeName.DEVICE_TYPE),
        category=asset.value(AttributeName.CATEGORY),
        manufacturer=asset.value(AttributeName.MANUFACTURER),
        model=asset.value(AttributeName.MODEL),
        firmware=asset.value(AttributeName.FIRMWARE),
        serial=asset.value(AttributeName.SERIAL),
        asset_tag=asset.value(AttributeName.ASSET_TAG),
        address=asset.value(AttributeName.ADDRESS),
        mac=asset.value(AttributeName.MAC),
        unit=asset.value(AttributeName.UNIT),
        room=asset.value(AttributeName.ROOM),
        status=asset.value(AttributeName.STATUS),
        first_seen_at=asset.first_seen_at,
        last_seen_at=asset.last_seen_at,
        observations=len(asset.observations),
        conflicts=len(asset.conflicts),
    )


_CALLED = (
    AttributeName.NAME,
    AttributeName.HOSTNAME,
    AttributeName.ASSET_TAG,
    AttributeName.ADDRESS,
    AttributeName.MAC,
)


def name_of(asset: Asset) -> str:
    """What an asset is called: the first of its names, else its id."""
    return next((value for name in _CALLED if (value := asset.value(name))), asset.id)
