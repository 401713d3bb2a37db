"""Station 4, wiring: settled groups in, the port each hangs on and what lies behind it out. Pure; it joins nothing.

It runs twice: before lists join, so that a line's room can speak for it, and at the end for the Settlement.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from riskdb.identify.groups import Groups, key_of_mac
from riskdb.identify.keys import bare_name, is_universal
from riskdb.identify.links import Places, Row, observed_links, read_rows, trunk_ports
from riskdb.model import facts
from riskdb.model.asset import AttributeName, IdentityKey, KeyKind
from riskdb.model.claim import Category
from riskdb.model.ids import AssetId
from riskdb.model.observation import Protocol
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Where devices hang."""

    links: tuple[ObservedLink, ...]
    access: Mapping[AssetId, ObservedLink]  # of devices, not of switches
    behind: Mapping[AssetId, Mapping[AttributeName, str]]  # room and unit behind that port, from the ports file
    nobody: Set[AssetId]  # MACs of switches' own ports
    owners: Sequence[AssetId | None]  # by observation


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


def wire_up(settled: Settled, places: Places) -> Wiring:
    """Find every device's access port, every switch's uplinks, and the places behind the ports."""
    owners = _owners(settled)
    speakers = _speakers(settled, owners)
    bridge, lldp = read_rows(settled.groups.evidence, owners=_row_owners(settled, owners), speakers=speakers)
    switches = _known_switches(settled)
    nobody = _own_ports(settled, bridge, trunk_ports(bridge, lldp, known_switches=switches))
    links = observed_links([row for row in bridge if row.device not in nobody], lldp, known_switches=switches)
    tellers = {row.switch for row in (*bridge, *lldp)}
    access = {link.source: link for link in links if link.source not in tellers}
    names = _switch_names(settled, {link.target for link in links})
    behind = {asset: places.of_port(names[link.target], link.port) for asset, link in access.items()}
    return Wiring(links=links, access=access, behind=behind, nobody=nobody, owners=owners)


def rooms_on_the_wire(groups: Groups, places: Places) -> dict[int, str]:
    """In which room the device of an observation stands, by the switch port it hangs on; by its first observation."""
    if not places.by_port:
        return {}
    devices = devices_of(groups)
    settled = Settled(groups=groups, devices=devices, ids=[AssetId(str(device.members[0])) for device in devices])
    behind = wire_up(settled, places).behind
    return {int(asset): place[AttributeName.ROOM] for asset, place in behind.items() if AttributeName.ROOM in place}


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
