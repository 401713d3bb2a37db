"""Station 4, the writing down: settled groups in, a Settlement out - assets, decisions and where each device hangs.

Pure; it joins nothing any more.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from riskdb.identify.attributes import choose
from riskdb.identify.groups import Groups
from riskdb.identify.keys import is_locally_administered, is_universal
from riskdb.identify.links import Places
from riskdb.identify.wiring import Device, Settled, Wiring, wire_up
from riskdb.model import facts
from riskdb.model.asset import (
    Asset,
    Attribute,
    AttributeName,
    Demotion,
    DemotionReason,
    IdentityKey,
    KeptApart,
    KeyKind,
    Merge,
    Settlement,
)
from riskdb.model.ids import AssetId, EstablishmentId, ObservationId
from riskdb.model.observation import Observation


def write_down(
    settled: Settled,
    *,
    establishment: EstablishmentId,
    places: Places,
    locked: Mapping[AssetId, Mapping[AttributeName, Attribute]],
) -> Settlement:
    """The Settlement: every asset described, every decision by the ids of its assets."""
    groups = settled.groups
    wiring = wire_up(settled, places)
    shown = {link.observation for link in wiring.links}
    rows = {item.observation.id: item.observation for item in groups.evidence if item.observation.id in shown}
    assets = []
    for device, asset in zip(settled.devices, settled.ids, strict=True):
        if asset not in wiring.nobody:
            heard = [groups.evidence[index].observation for index in device.members]
            inferred = [*_units_of_rooms(heard, places), *_places_of_port(wiring, asset, rows)]
            described = _describe(settled, device, inferred=inferred, locked=locked.get(asset, {}))
            assets.append(replace(described, id=asset, establishment=establishment))
    return Settlement(
        assets=tuple(sorted(assets, key=lambda asset: asset.id)),
        merges=_merges(groups, wiring.owners),
        demotions=_demotions(settled),
        kept_apart=_kept_apart(groups, wiring.owners),
        links=wiring.links,
    )


def _units_of_rooms(heard: Sequence[Observation], places: Places) -> list[tuple[AttributeName, Attribute]]:
    """The units of the rooms that lists name, the newest list first."""
    found = []
    for line in reversed(heard):
        unit = places.unit_of_room.get(line.facts.get(facts.IMPORT_ROOM, ""))
        if unit is not None:
            value = Attribute(value=unit, source=str(line.agent), observation=line.id, seen_at=line.seen_at)
            found.append((AttributeName.UNIT, value))
    return found


def _places_of_port(
    wiring: Wiring, asset: AssetId, rows: Mapping[ObservationId, Observation]
) -> list[tuple[AttributeName, Attribute]]:
    """The access port, and the room and unit behind it."""
    link = wiring.access.get(asset)
    if link is None:
        return []
    row = rows[link.observation]
    seen = Attribute(value=link.target, source=row.protocol.value, observation=row.id, seen_at=row.seen_at)
    port = [(AttributeName.SWITCH, seen), (AttributeName.SWITCH_PORT, replace(seen, value=link.port))]
    behind = wiring.behind.get(asset, {})
    return port + [(field, replace(seen, value=value, source="port")) for field, value in behind.items()]


def _describe(
    settled: Settled,
    device: Device,
    *,
    inferred: Sequence[tuple[AttributeName, Attribute]],
    locked: Mapping[AttributeName, Attribute],
) -> Asset:
    items = [settled.groups.evidence[index] for index in device.members]
    attributes, conflicts = choose(items, locked=locked, inferred=inferred)
    seen = [item.observation.seen_at for item in items if not item.paper] or [i.observation.seen_at for i in items]
    return Asset(
        id=AssetId(""),
        establishment=EstablishmentId(0),
        attributes=attributes,
        keys=device.keys,
        observations=tuple(item.observation.id for item in items),
        conflicts=conflicts,
        first_seen_at=min(seen),
        last_seen_at=max(seen),
    )


def _merges(groups: Groups, owners: Sequence[AssetId | None]) -> tuple[Merge, ...]:
    found = []
    for join in groups.joins:
        asset = owners[join.members[0]]
        if asset is not None:
            a, b = (groups.evidence[member].observation.id for member in join.members)
            found.append(Merge(asset=asset, rule=join.rule, evidence=join.evidence, joined=(a, b)))
    return tuple(sorted(found, key=lambda merge: (merge.asset, merge.rule, merge.evidence, merge.joined)))


def _demotions(settled: Settled) -> tuple[Demotion, ...]:
    """The keys believed less, with the MACs that never name a device counted among those of assets."""
    refused = Counter(
        key
        for device in settled.devices
        for key in device.keys
        if key.kind is KeyKind.MAC and not is_universal(key.value)
    )
    found = dict(settled.groups.demoted)
    for key, carriers in refused.items():
        local = is_locally_administered(key.value)
        reason = DemotionReason.LOCALLY_ADMINISTERED if local else DemotionReason.SHARED
        found.setdefault(key, Demotion(key=key, reason=reason, carriers=carriers))
    return tuple(found[key] for key in sorted(found))


def _kept_apart(groups: Groups, owners: Sequence[AssetId | None]) -> tuple[KeptApart, ...]:
    found: dict[tuple[AssetId, AssetId], tuple[set[IdentityKey], str]] = {}
    for refusal in groups.refusals:
        a, b = owners[refusal.members[0]], owners[refusal.members[1]]
        if a is None or b is None or a == b:
            continue
        shared, _ = found.setdefault((min(a, b), max(a, b)), (set(), refusal.reason))
        shared.update(refusal.shared)
    return tuple(
        KeptApart(assets=pair, shared=tuple(sorted(shared)), reason=reason)
        for pair, (shared, reason) in sorted(found.items())
    )
