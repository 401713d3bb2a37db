"""What the network of a practice hospital has learned: bridge, neighbour and ARP tables that match its wiring.

Pure: a hospital in, table rows of one switch out, worked out when asked for. Rows name devices, ports and VLANs;
`mib.py` gives them their OIDs.
"""

from collections import deque
from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

from discovery.sim.hospital import Device, Hospital
from discovery.sim.models import blueprint

SWITCHES = ("access_switch", "core_switch")
VRRP = "00:00:5e:00:01:{:02x}"  # RFC 5798 section 7.3: the MAC of a gateway that two routers share
GATEWAY_HOST = 1


@dataclass(frozen=True, slots=True)
class Learned:
    """A row of a bridge table."""

    mac: str
    vlan: int
    port: str


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A row of an LLDP table: who is at the other end of a port."""

    port: str
    device: Device
    device_port: str


class Fabric:
    """The switches of a hospital and how they hang together."""

    def __init__(self, hospital: Hospital) -> None:
        self._hospital = hospital
        self._by_id = {d.id: d for d in hospital.devices}
        self._site_of_unit = {u.id: u.site for u in hospital.units}
        self._foreign: int = round(1_000 * blueprint()["mistakes"]["foreign_macs"])

    @cached_property
    def _attached(self) -> dict[str, list[Device]]:
        """Switch -> what is behind its access ports."""
        attached: dict[str, list[Device]] = {}
        for device in self._hospital.devices:
            if device.switch is not None and device.seen_mac is not None:
                attached.setdefault(device.switch, []).append(device)
        return attached

    @cached_property
    def _trunks(self) -> dict[str, list[tuple[str, str]]]:
        """Switch -> its active trunks: own port and the switch at the other end."""
        trunks: dict[str, list[tuple[str, str]]] = {}
        for cable in self._hospital.network.cables:
            if cable.active:
                trunks.setdefault(cable.below, []).append((cable.below_port, cable.above))
                trunks.setdefault(cable.above, []).append((cable.above_port, cable.below))
        return trunks

    def _site(self, device: Device) -> int:
        return self._site_of_unit[device.unit]

    def ports_used(self, switch: Device) -> list[str]:
        """The ports that something is plugged into, and all trunks, active or blocked."""
        trunks = [c.below_port for c in self._hospital.network.cables if c.below == switch.id]
        trunks += [c.above_port for c in self._hospital.network.cables if c.above == switch.id]
        return [*dict.fromkeys([*(d.port or "" for d in self._attached.get(switch.id, [])), *trunks])]

    def _ways(self, switch: str) -> dict[str, str]:
        """Every other switch and the port of this one that leads there."""
        ways: dict[str, str] = {}
        queue = deque((end, port) for port, end in self._trunks.get(switch, []))
        while queue:
            here, port = queue.popleft()
            if here in ways or here == switch:
                continue
            ways[here] = port
            queue.extend((end, port) for _, end in self._trunks.get(here, []))
        return ways

    def learned(self, switch: Device) -> list[Learned]:
        """The bridge table of a switch: what is on its ports, and what it hears of over its trunks."""
        own = self._attached.get(switch.id, [])
        rows = [Learned(d.seen_mac or "", d.vlan or 1, d.port or "") for d in own if not d.aged_out]
        vlans = {d.vlan for d in own}
        core = switch.kind == "core_switch"
        for other, port in self._ways(switch.id).items():
            there = self._by_id[other]
            if self._site(there) != self._site(switch) and not (core and there.kind == "core_switch"):
                continue  # VLANs end at a site: between sites it is routed
            if there.mac is not None and (core or self._heard(switch, there)):
                rows.append(Learned(there.mac, there.vlan or 1, port))
            for device in self._attached.get(other, []):
                if (
                    self._site(device) != self._site(switch)
                    or device.aged_out
                    or not (core or (device.vlan in vlans and self._heard(switch, device)))
                ):
                    continue
                rows.append(Learned(device.seen_mac or "", device.vlan or 1, port))
            if there.kind == "core_switch" and not core:
                rows.extend(Learned(VRRP.format(v), v, port) for v in sorted(v for v in vlans if v is not None))
        return list({(row.mac, row.vlan): row for row in rows}.values())

    def _heard(self, switch: Device, device: Device) -> bool:
        """Whether they talked lately: the same answer every time, another for every pair."""
        return crc32(f"{switch.id}/{device.id}".encode()) % 1_000 < self._foreign

    def neighbours(self, switch: Device) -> list[Neighbour]:
        """The LLDP table of a switch: switches at the ends of its cables, blocked ones too, and access points."""
        rows = []
        for cable in self._hospital.network.cables:
            if cable.below == switch.id:
                rows.append(Neighbour(cable.below_port, self._by_id[cable.above], cable.above_port))
            if cable.above == switch.id:
                rows.append(Neighbour(cable.above_port, self._by_id[cable.below], cable.below_port))
        points = [d for d in self._attached.get(switch.id, []) if d.kind == "access_point"]
        return [*rows, *(Neighbour(point.port or "", point, "eth0") for point in points)]

    def arp(self, core: Device) -> list[tuple[int, str, str]]:
        """The ARP table of a core switch: VLAN, address (x.a.b) and MAC of everything of its site that has one."""
        site = self._site(core)
        rows = [
            (d.vlan or 1, d.address, d.seen_mac)
            for d in self._hospital.devices
            if d.address is not None and d.seen_mac is not None and self._site(d) == site
        ]
        gateways = [
            (v.id, f"x.{v.id}.{GATEWAY_HOST}", VRRP.format(v.id))
            for v in self._hospital.network.vlans
            if v.site == site
        ]
        return [*rows, *gateways]

    def vlans(self, core: Device) -> list[int]:
        """The subnets that a core switch routes."""
        site = self._site(core)
        return [v.id for v in self._hospital.network.vlans if v.site == site]
