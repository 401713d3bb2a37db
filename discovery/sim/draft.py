"""The generator's working pieces: a device in the making, and draws that depend on the seed and their purpose alone.

A draft is filled step by step by the generator's modules and then frozen into a `Device`. It leaves this package never.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from discovery.sim.hospital import Device, Fragile, Mdns, Snmp
from discovery.sim.models import Kind, Offer


@dataclass(slots=True, kw_only=True)
class Draft:
    """A device in the making."""

    id: str
    kind: Kind
    offer: Offer
    model: str
    firmware: str
    site: int
    floor: int
    unit: str
    unit_type: str
    room: str | None
    serial: str = ""
    hostname: str | None = None
    mac: str | None = None
    wire_mac: str | None = None
    dock_mac: str | None = None  # what the list has, wrongly
    address: str | None = None
    vlan: int | None = None
    switch: str | None = None
    port: str | None = None
    host: str | None = None
    access_point: str | None = None
    ports: int = 0
    snmp: Snmp | None = None
    mdns: Mdns | None = None
    fragile: Fragile | None = None
    aged_out: bool = False
    stated: tuple[str, ...] = ()

    def freeze(self) -> Device:
        """The finished device."""
        return Device(
            id=self.id,
            kind=self.kind.name,
            device_type=self.kind.device_type,
            category=self.kind.category,
            asked=self.kind.asked.value,
            manufacturer=self.offer.manufacturer,
            model=self.model,
            firmware=self.firmware,
            serial=self.serial,
            unit=self.unit,
            room=self.room,
            hostname=self.hostname,
            mac=self.mac,
            wire_mac=self.wire_mac,
            address=self.address,
            vlan=self.vlan,
            switch=self.switch,
            port=self.port,
            host=self.host,
            access_point=self.access_point,
            ports=self.ports,
            snmp=self.snmp,
            mdns=self.mdns,
            fragile=self.fragile,
            aged_out=self.aged_out,
            stated=self.stated,
        )


def draws(seed: int, *purpose: object) -> Random:
    """A stream of its own for each purpose: a change in one part leaves the others as they were."""
    return Random(":".join(map(str, (seed, *purpose))))  # noqa: S311 - practice, not secrets


def between(random: Random, span: int | Sequence[int]) -> int:
    """A number of the blueprint: itself, or one between a low and a high."""
    return span if isinstance(span, int) else random.randint(span[0], span[1])
