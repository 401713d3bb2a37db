"""The inventory as station 5 sees it: each asset with its device type, its unit, and whether it is in service. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from riskdb.graph.evidence import Evidence
from riskdb.knowledge.contents import Pack
from riskdb.knowledge.types import DeviceType
from riskdb.model.asset import Asset, AttributeName, KeyKind
from riskdb.model.care import QuestionKind
from riskdb.model.ids import DeviceTypeId, NodeId, UnitId
from riskdb.model.place import Unit

OUT_OF_SERVICE = frozenset({"spare", "retired"})  # words of import.status: known, but they do not serve a ward
_NAMES_BY_TRUST = (  # a link's end is looked up by each of these in turn
    (AttributeName.ASSET_TAG, KeyKind.ASSET_TAG),
    (AttributeName.HOSTNAME, KeyKind.FQDN),
    (AttributeName.ADDRESS, KeyKind.ADDRESS),
    (AttributeName.NAME, KeyKind.MDNS_NAME),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An asset with its meaning looked up."""

    id: NodeId
    asset: Asset
    type: DeviceType | None
    unit: Unit | None
    in_service: bool

    @property
    def name(self) -> str:
        """What people call it: name, hostname or tag; the id when it has none."""
        for attribute in (AttributeName.NAME, AttributeName.HOSTNAME, AttributeName.ASSET_TAG):
            value = self.asset.value(attribute)
            if value:
                return value
        return str(self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """All assets by id, those in service by type, and the names they go by."""

    items: Mapping[NodeId, Item]
    units: Mapping[UnitId, Unit]
    by_type: Mapping[DeviceTypeId, tuple[Item, ...]]  # in service only
    _by_name: tuple[Mapping[str, tuple[Item, ...]], ...] = field(repr=False)

    def of_types(self, types: Iterable[DeviceTypeId]) -> list[Item]:
        """The assets in service of any of these types, by id."""
        found = {item.id: item for device_type in types for item in self.by_type.get(device_type, ())}
        return [found[node] for node in sorted(found)]

    def called(self, name: str) -> tuple[Item, ...]:
        """The assets that go by this name; several where the lists do not tell them apart."""
        wanted = name.strip().casefold()
        found = next((hits for names in self._by_name if (hits := names.get(wanted))), ())
        serving = tuple(item for item in found if item.in_service)
        return serving if len(serving) == 1 else found


def take_stock(pack: Pack, assets: Sequence[Asset], units: Sequence[Unit], evidence: Evidence) -> Inventory:
    """The inventory; an asset of unknown type becomes a question."""
    known_units = {unit.id: unit for unit in sorted(units, key=lambda unit: unit.id)}
    items: dict[NodeId, Item] = {}
    by_type: dict[DeviceTypeId, list[Item]] = {}
    for asset in sorted(assets, key=lambda asset: asset.id):
        item = Item(
            id=NodeId(asset.id),
            asset=asset,
            type=None if asset.device_type is None else pack.device_types.get(asset.device_type),
            unit=None if asset.unit is None else known_units.get(asset.unit),
            in_service=(asset.value(AttributeName.STATUS) or "").casefold() not in OUT_OF_SERVICE,
        )
        items[item.id] = item
        if item.type is None:
            _ask_type(item, evidence)
        elif item.in_service:
            by_type.setdefault(item.type.id, []).append(item)
    return Inventory(
        items=items,
        units=known_units,
        by_type={device_type: tuple(found) for device_type, found in by_type.items()},
        _by_name=_names(items.values()),
    )


def _ask_type(item: Item, evidence: Evidence) -> None:
    stated = item.asset.device_type
    evidence.ask(
        QuestionKind.UNKNOWN_TYPE,
        item.id,
        en=f"What kind of device is {item.name}?" + (f" The pack does not know {stated!r}." if stated else ""),
        fr=f"De quel type d’équipement {item.name} est-il ?"
        + (f" Le référentiel ne connaît pas « {stated} »." if stated else ""),
    )


def _names(items: Iterable[Item]) -> tuple[Mapping[str, tuple[Item, ...]], ...]:
    """One index for each way of naming, the most trusted first."""
    ways: list[dict[str, dict[NodeId, Item]]] = [{} for _ in range(len(_NAMES_BY_TRUST) + 1)]
    for item in items:
        ways[0].setdefault(str(item.id).casefold(), {})[item.id] = item
        for way, (attribute, kind) in zip(ways[1:], _NAMES_BY_TRUST, strict=True):
            stated = [item.asset.value(attribute), *(key.value for key in item.asset.keys if key.kind is kind)]
            for name in filter(None, stated):
                way.setdefault(name.strip().casefold(), {})[item.id] = item
    return tuple({name: tuple(found.values()) for name, found in way.items()} for way in ways)
