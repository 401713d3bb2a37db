"""Station 4, the writing down: settled groups in, a Settlement out - assets, decisions and where each device hangs.

Pure; it joins nothing any more.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from riskdb.identity_attributes import choose
from riskdb.identity_groups import Groups, key_of_mac
from riskdb.identity_keys import bare_name, is_locally_administered, is_universal
from riskdb.identity_links import Places, Row, observed_links, read_rows, trunk_ports
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
from riskdb.model.claim import Category
from riskdb.model.ids import AssetId, EstablishmentId, ObservationId
from riskdb.model.observation import Observation, Protocol
from riskdb.model.place import ObservedLink

SWITCH_MACS_MAX = 128  # a switch numbers its ports upwards from its base MAC; the largest stack unit has fewer ports
SWITCH_TYPES = frozenset({"access_switch", "core_switch"})  # device types of the pack that forward frames
_TABLES = frozenset({Protocol.BRIDGE, Protocol.ARP})


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One settled group before it is described: its observations and the keys that may name it."""

    members: tuple[int, ...]
    keys: frozenset[IdentityKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What was joined, and the id of each device."""

    groups: Groups
    devices: Sequence[Device]
    ids: Sequence[AssetId]


def devices_of(groups: Groups) -> list[Device]:
    """The groups that are devices, in canonical order; a group without a name of its own is none."""
    found = []
    for root in groups.roots(range(len(groups.evidence))):
        members = tuple(sorted(groups.traits(root).members))
        keys: set[IdentityKey] = set()
        for index in members:
            item = groups.evidence[index]
            keys.update(item.strong, item.medium, item.weak, map(key_of_mac, groups.macs[index]))
        keys = {key for key in keys if key not in groups.demoted}
        if _is_somebody(groups, members, keys):
            found.append(Device(members=members, keys=frozenset(keys)))
    return found


def _is_somebody(groups: Groups, members: Sequence[int], keys: Set[IdentityKey]) -> bool:
    """Whether a group is a device: a shared or random MAC in a switch's table is nobody."""
    if any(key.kind not in {KeyKind.MAC, KeyKind.ADDRESS} for key in keys):
        return True
    if any(key.kind is KeyKind.MAC and is_universal(key.value) for key in keys):
        return True
    return bool(keys) and any(groups.evidence[i].observation.protocol not in _TABLES for i in members)


def write_down(
    settled: Settled,
    *,
    establishment: EstablishmentId,
    places: Places,
    locked: Mapping[AssetId, Mapping[AttributeName, Attribute]],
) -> Settlement:
    """The Settlement: every asset described, every decision by the ids of its assets."""
    groups = settled.groups
    owners = _owners(settled)
    bridge, lldp = read_rows(groups.evidence, owners=_row_owners(settled, owners), speakers=_speakers(settled, owners))
    switches = _known_switches(settled)
    nobody = _own_ports(settled, bridge, trunk_ports(bridge, lldp, known_switches=switches))
    links = observed_links([row for row in bridge if row.device not in nobody], lldp, known_switches=switches)
    tellers = {row.switch for row in (*bridge, *lldp)}
    by_device = {link.source: link for link in links if link.source not in tellers}
    switch_names = _switch_names(settled, {link.target for link in links})
    shown = {link.observation for link in links}
    rows = {item.observation.id: item.observation for item in groups.evidence if item.observation.id in shown}
    assets = []
    for device, asset in zip(settled.devices, settled.ids, strict=True):
        if asset not in nobody:
            link = by_device.get(asset)
            inferred = _inferred(settled, device, link, rows=rows, switch_names=switch_names, places=places)
            described = _describe(settled, device, inferred=inferred, locked=locked.get(asset, {}))
            assets.append(replace(described, id=asset, establishment=establishment))
    return Settlement(
        assets=tuple(sorted(assets, key=lambda asset: asset.id)),
        merges=_merges(groups, owners),
        demotions=_demotions(settled),
        kept_apart=_kept_apart(groups, owners),
        links=links,
    )


def _owners(settled: Settled) -> list[AssetId | None]:
    owners: list[AssetId | None] = [None] * len(settled.groups.evidence)
    for device, asset in zip(settled.devices, settled.ids, strict=True):
        for index in device.members:
            owners[index] = asset
    return owners


def _row_owners(settled: Settled, owners: Sequence[AssetId | None]) -> list[AssetId | None]:
    """Whose row of a switch's table it is: a local MAC names no device, but where only one has it, it is that one's."""
    holders: dict[str, set[AssetId]] = defaultdict(set)
    for device, asset in zip(settled.devices, settled.ids, strict=True):
        for key in device.keys:
            if key.kind is KeyKind.MAC and not is_universal(key.value):
                holders[key.value].add(asset)
    found = list(owners)
    for index, item in enumerate(settled.groups.evidence):
        if found[index] is None and item.refused_macs:
            candidates = holders.get(item.refused_macs[0], set())
            found[index] = next(iter(candidates)) if len(candidates) == 1 else None
    return found


def _speakers(settled: Settled, owners: Sequence[AssetId | None]) -> dict[str, AssetId]:
    """Who answers at an address: the last that answered itself, else the last seen there, else the one listed there."""
    best: dict[str, tuple[tuple[int, float], AssetId]] = {}
    for index, item in enumerate(settled.groups.evidence):
        owner = owners[index]
        if owner is None or item.address is None:
            continue
        directness = 0 if item.paper else 2 if item.observation.protocol is Protocol.SNMP else 1
        order = (directness, item.observation.seen_at.timestamp())
        if item.address not in best or order >= best[item.address][0]:
            best[item.address] = (order, owner)
    return {address: owner for address, (_, owner) in best.items()}


def _known_switches(settled: Settled) -> set[AssetId]:
    found = set()
    for device, asset in zip(settled.devices, settled.ids, strict=True):
        for index in device.members:
            item = settled.groups.evidence[index]
            listed = item.observation.facts.get(facts.IMPORT_DEVICE_TYPE) if item.paper else None
            claim = item.sighting.claim
            answered = item.observation.protocol in {Protocol.SNMP, Protocol.LLDP}
            if (claim.device_type or listed) in SWITCH_TYPES or (answered and claim.category is Category.NETWORK):
                found.add(asset)
    return found


def _own_ports(settled: Settled, bridge: Iterable[Row], trunks: Set[tuple[AssetId, str]]) -> set[AssetId]:
    """MACs that nothing but the links between switches shows, right above a switch's own: its ports, not devices."""
    tellers = {switch for switch, _ in trunks}
    bases = sorted(
        _number(key.value)
        for device, asset in zip(settled.devices, settled.ids, strict=True)
        if asset in tellers
        for key in device.keys
        if key.kind is KeyKind.MAC
    )
    elsewhere = {row.device for row in bridge if (row.switch, row.port) not in trunks}
    seen = {row.device for row in bridge}
    found = set()
    for device, asset in zip(settled.devices, settled.ids, strict=True):
        if asset not in seen or asset in elsewhere or len(device.keys) != 1:
            continue
        (key,) = device.keys
        place = bisect_right(bases, _number(key.value)) - 1 if key.kind is KeyKind.MAC else -1
        if place >= 0 and _number(key.value) - bases[place] <= SWITCH_MACS_MAX:
            found.add(asset)
    return found


def _number(mac: str) -> int:
    return int(mac.replace(":", ""), 16)


def _switch_names(settled: Settled, switches: Set[AssetId]) -> dict[AssetId, set[str]]:
    """All that the switches of the links go by: bare host names and addresses."""
    found: dict[AssetId, set[str]] = {}
    for device, asset in zip(settled.devices, settled.ids, strict=True):
        if asset in switches:
            items = [settled.groups.evidence[index] for index in device.members]
            listed = {bare_name(item.observation.facts.get(facts.IMPORT_NAME, "")) for item in items}
            found[asset] = {name for item in items for _, name in item.names} | (listed - {""})
            found[asset] |= {item.address for item in items if item.address}
    return found


def _inferred(
    settled: Settled,
    device: Device,
    link: ObservedLink | None,
    *,
    rows: Mapping[ObservationId, Observation],
    switch_names: Mapping[AssetId, Set[str]],
    places: Places,
) -> list[tuple[AttributeName, Attribute]]:
    """What follows from other facts, the better first: a room's unit, the switch port and what lies behind it."""
    found: list[tuple[AttributeName, Attribute]] = []
    for heard in (settled.groups.evidence[i].observation for i in device.members):
        unit = places.unit_of_room.get(heard.facts.get(facts.IMPORT_ROOM, ""))
        if unit is not None:
            source = str(heard.agent)
            value = Attribute(value=unit, source=source, observation=heard.id, seen_at=heard.seen_at)
            found.append((AttributeName.UNIT, value))
    found.reverse()  # the newest list first
    if link is None:
        return found
    heard = rows[link.observation]
    seen = Attribute(value=link.target, source=heard.protocol.value, observation=heard.id, seen_at=heard.seen_at)
    found += [(AttributeName.SWITCH, seen), (AttributeName.SWITCH_PORT, replace(seen, value=link.port))]
    behind = places.of_port(switch_names.get(link.target, set()), link.port)
    return found + [(field, replace(seen, value=value, source="port")) for field, value in behind.items()]


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
