"""A practice hospital in operation: addresses claimed, devices answering, announcements going out, packets counted.

The main flow of `wardgraph simulate run`. It touches loopback only and writes nothing but its counts.
"""

import asyncio
import hashlib
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from discovery.sim.announce import Announcer
from discovery.sim.engine_v3 import make_engine
from discovery.sim.fabric import Fabric
from discovery.sim.hospital import Device, Hospital
from discovery.sim.mib import joined, view
from discovery.sim.permissions import AUTH_KEY, COMMUNITY, PRIVACY_KEY, USER
from discovery.sim.responder import Answer, Responder, Station, open_socket
from discovery.wire.rows import Rows

PORT_BASE, PORTS = 16_161, 4_000  # where the search for a free port begins, and how far it goes
CLAIM_PORT = 16_160  # who holds this port of 127.x.255.254 holds 127.x
PREFIXES = range(2, 255)  # 127.0 and 127.1 are what other programs use
RECORDINGS_BESIDE = 251  # third octet of the first recording served beside a hospital
_HOSTS_PER_SUBNET = 250


class RunError(Exception):
    """The hospital cannot run here; the message says why."""


@dataclass(slots=True, kw_only=True)
class Running:
    """A hospital in operation."""

    prefix: int
    port: int
    tag: str
    responder: Responder
    announcer: Announcer
    claim: socket.socket
    recordings: Mapping[str, str] = field(default_factory=dict)

    def ready(self) -> dict[str, Any]:
        """What a starter needs to know."""
        return {
            "ready": True,
            "prefix": f"127.{self.prefix}.0.0/16",
            "snmp_port": self.port,
            "devices": len(self.responder.stations),
            "mdns_services": self.announcer.services,
            "tag": self.tag,
            **({"recordings": dict(self.recordings)} if self.recordings else {}),
        }

    def counts(self) -> dict[str, Any]:
        """What arrived, and what it did. Packets to addresses where nobody is were sent to this hospital too."""
        stations = self.responder.stations.values()
        nobody = sum(self.responder.to_nobody.values())
        fragile = [s for s in stations if s.fragile is not None]
        return {
            "packets_received_by_devices": sum(s.received for s in stations) + nobody,
            "to_unassigned_addresses": nobody,
            "by_device": {s.name: s.received for s in stations if s.received},
            "fragile_devices": len(fragile),
            "fragile_devices_disturbed": sum(s.disturbed for s in fragile),
            "disturbed": sorted(s.name for s in fragile if s.disturbed),
        }

    async def close(self) -> None:
        """Stop answering and give the addresses back."""
        await self.announcer.close()
        self.responder.close(asyncio.get_running_loop())
        self.claim.close()


async def run(
    hospital: Hospital | None, *, state: Path, recordings: Mapping[str, Callable[[], Rows]] | None = None
) -> Running:
    """Start a hospital, recordings, or both; it answers when this returns."""
    seed = _seed(state)
    prefix, claim = _claim(seed)
    port, opened = _open(seed)
    devices = [] if hospital is None else [d for d in hospital.devices if d.address is not None]
    stations: dict[str, Station] = {}
    responder = Responder(opened, stations, prefix=prefix)
    fabric = None if hospital is None else Fabric(hospital)
    for device in devices:
        address = joined(device.address or "", prefix=prefix)
        stations[address] = _station(device, fabric, address=address, prefix=prefix, responder=responder)
    served = _serve(recordings or {}, stations, prefix=prefix, first=RECORDINGS_BESIDE if devices else 1)
    for station in stations.values():
        station.warm()  # some 60 ms an engine: made at its first question, it would make others wait for their answers
    tag = f"{seed & 0xFFFF:04x}"
    announcer = Announcer(devices, prefix=prefix, tag=tag)
    await announcer.start()
    responder.start(asyncio.get_running_loop())
    return Running(
        prefix=prefix,
        port=port,
        tag=tag,
        responder=responder,
        announcer=announcer,
        claim=claim,
        recordings=served,
    )


def _seed(state: Path) -> int:
    """The same addresses for the same state directory, wherever it is free to have them."""
    return int(hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:12], 16)


def _claim(seed: int) -> tuple[int, socket.socket]:
    """A /16 that no other hospital on this machine has: the state directory's own, else the next free one."""
    for step in range(len(PREFIXES)):
        prefix = PREFIXES[(seed + step) % len(PREFIXES)]
        claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            claim.bind((f"127.{prefix}.255.254", CLAIM_PORT))
        except OSError:
            claim.close()
        else:
            return prefix, claim
    raise RunError("starting a practice hospital: no loopback range from 127.2 to 127.254 is free")


def _open(seed: int) -> tuple[int, socket.socket]:
    for step in range(PORTS):
        port = PORT_BASE + (seed // 1_000 + step) % PORTS
        opened = open_socket(port)
        if opened is not None:
            return port, opened
    raise RunError(f"starting a practice hospital: no UDP port from {PORT_BASE} to {PORT_BASE + PORTS} is free")


def _station(device: Device, fabric: Fabric | None, *, address: str, prefix: int, responder: Responder) -> Station:
    if device.snmp is None or fabric is None:
        return Station(name=device.id, rows=None, community=b"", fragile=device.fragile)

    def rows() -> Rows:
        return view(device, fabric, prefix=prefix)

    def engine() -> Answer:
        return make_engine(
            engine_id=bytes.fromhex(device.snmp.engine_id if device.snmp else ""),
            user=USER,
            auth_key=AUTH_KEY,
            privacy_key=PRIVACY_KEY,
            rows=rows,
            send=lambda payload, peer: responder.send(payload, source=address, peer=peer),
        )

    return Station(
        name=device.id,
        rows=rows,
        community=COMMUNITY.encode(),
        fragile=device.fragile,
        engine=engine if device.snmp.version == "3" else None,
    )


def _serve(
    recordings: Mapping[str, Callable[[], Rows]], stations: dict[str, Station], *, prefix: int, first: int
) -> dict[str, str]:
    """Give every recording an address; name -> address. All are parsed here, so that no first answer comes late."""
    served: dict[str, str] = {}
    for number, (name, rows) in enumerate(recordings.items()):
        third = first + number // _HOSTS_PER_SUBNET
        if third > 255:
            raise RunError(f"serving recordings: {len(recordings)} do not fit beside a hospital")
        served[name] = f"127.{prefix}.{third}.{1 + number % _HOSTS_PER_SUBNET}"
        stations[served[name]] = Station(name=name, rows=partial(_as_is, rows()), community=COMMUNITY.encode())
    return served


def _as_is(rows: Rows) -> Rows:
    return rows
