"""The hospital document (format wardgraph/hospital/1): the truth of a practice hospital, and what people have on file.

Values, and their way to and from JSON; docs/guides/hospital-format.md explains every field. It makes nothing up: that
is the generator's business.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

FORMAT = "wardgraph/hospital/1"
DOCUMENT_BYTES_MAX = 64_000_000  # size 20 has about 12 million; protects the parser
DEVICES_MAX = 20_000
_ADDRESS = re.compile(r"x(\.(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){2}")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_ENGINE_ID = re.compile(r"([0-9a-f]{2}){5,32}")  # RFC 3411 section 5
_STRICT = ConfigDict(extra="forbid")


class HospitalError(ValueError):
    """The document cannot be read; the message names the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snmp:
    """What answers SNMP questions."""

    __pydantic_config__ = _STRICT
    version: str  # 2c or 3 (authPriv)
    descr: str
    object_id: str
    location: str
    engine_id: str  # hex
    shows_engine_id: bool = False  # serves snmpEngineID to v2c askers too
    entity: bool = False
    serial_oid: str | None = None
    printer: bool = False
    ups: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mdns:
    """What announces itself by DNS-SD."""

    __pydantic_config__ = _STRICT
    service: str
    instance: str
    port: int
    txt: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragile:
    """What a device bears before it stops answering and counts as disturbed; 0 and 0: not one packet."""

    __pydantic_config__ = _STRICT
    packets_per_s: int  # within any second
    packets_per_h: int  # within any hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One device as it is. Addresses are written x.a.b: 127.x stands for the /16 the hospital runs in."""

    __pydantic_config__ = _STRICT
    id: str
    kind: str  # of the catalogue
    device_type: str | None  # of the knowledge pack
    category: str
    asked: str  # passive, gentle, infrastructure, ask
    manufacturer: str
    model: str
    firmware: str
    serial: str
    unit: str
    room: str | None
    hostname: str | None = None
    mac: str | None = None
    wire_mac: str | None = None  # what switches see, where it is not its own: a docking station's
    address: str | None = None
    vlan: int | None = None
    switch: str | None = None  # device id
    port: str | None = None  # ifName
    host: str | None = None  # device id of the hypervisor it runs on
    access_point: str | None = None
    ports: int = 0  # of a switch
    snmp: Snmp | None = None
    mdns: Mdns | None = None
    fragile: Fragile | None = None
    aged_out: bool = False  # absent from the bridge tables at the time
    stated: tuple[str, ...] = ()  # fields that some source states truly

    @property
    def seen_mac(self) -> str | None:
        """The MAC on the wire."""
        return self.wire_mac or self.mac


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A care unit or technical place."""

    __pydantic_config__ = _STRICT
    id: str
    name: str
    unit_type: str
    beds: int
    site: int
    floor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A room of a unit."""

    __pydantic_config__ = _STRICT
    id: str
    name: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Vlan:
    """A subnet: its number is the third octet of its addresses."""

    __pydantic_config__ = _STRICT
    id: int
    zone: str
    site: int
    range: str  # x.<id>.0/n


@dataclass(frozen=True, slots=True, kw_only=True)
class Cable:
    """A link between two switches; of a redundant pair one is blocked by the spanning tree."""

    __pydantic_config__ = _STRICT
    below: str
    below_port: str
    above: str
    above_port: str
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A true dependency between two devices."""

    __pydantic_config__ = _STRICT
    source: str
    kind: str  # needs, manages, feeds
    target: str
    minutes: int = 0
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Where it runs."""

    __pydantic_config__ = _STRICT
    prefix_note: str
    snmp_port: int
    vlans: tuple[Vlan, ...]
    cables: tuple[Cable, ...]


Row = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """What people have on file, mistakes included: rows as in the CSV files, and the policy part of a plan."""

    __pydantic_config__ = _STRICT
    units: tuple[Row, ...]
    rooms: tuple[Row, ...]
    ports: tuple[Row, ...]
    assets: tuple[Row, ...]
    pump_server: tuple[Row, ...]  # the pump server's own list, an asset list too
    links: tuple[Row, ...]
    policy: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hospital:
    """A practice hospital: the truth, and the papers about it."""

    __pydantic_config__ = _STRICT
    format: str
    name: str
    seed: int
    size: int
    beds: int
    network: Network
    units: tuple[Unit, ...]
    rooms: tuple[Room, ...]
    devices: tuple[Device, ...]
    links: tuple[Link, ...]
    papers: Papers
    line_truth: dict[str, tuple[str, ...]]  # file -> true device of each line, `retired-n` where it is gone


_ADAPTER = TypeAdapter(Hospital)


def parse_hospital(document: bytes) -> Hospital:
    """The hospital of a document; HospitalError names what is wrong and where."""
    if len(document) > DOCUMENT_BYTES_MAX:
        raise HospitalError(f"reading a hospital: more than {DOCUMENT_BYTES_MAX} bytes")
    try:
        hospital = _ADAPTER.validate_json(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "document"
        raise HospitalError(f"reading a hospital: {place}: {first['msg']}") from error
    if hospital.format != FORMAT:
        raise HospitalError(f"reading a hospital: format is {hospital.format!r}, not {FORMAT}")
    if len(hospital.devices) > DEVICES_MAX:
        raise HospitalError(f"reading a hospital: {len(hospital.devices)} devices, more than {DEVICES_MAX}")
    for index, device in enumerate(hospital.devices):
        if problem := _problem_of(device):
            raise HospitalError(f"reading a hospital: devices.{index}: {problem}")
    if problem := _contradiction(hospital):
        raise HospitalError(f"reading a hospital: {problem}")
    return hospital


def _problem_of(device: Device) -> str | None:
    """What the types let through and no simulator could play."""
    if device.address is not None and _ADDRESS.fullmatch(device.address) is None:
        return f"address {device.address!r} is not of the form x.20.127"
    for mac in (device.mac, device.wire_mac):
        if mac is not None and _MAC.fullmatch(mac) is None:
            return f"MAC {mac!r} is not of the form 00:1a:2b:3c:4d:5e"
    if device.snmp is not None and _ENGINE_ID.fullmatch(device.snmp.engine_id) is None:
        return "snmp.engine_id is not 5 to 32 octets in hexadecimal"
    return None


def _contradiction(hospital: Hospital) -> str | None:
    """The first thing that stands twice, or is named and is not there."""
    ids = [device.id for device in hospital.devices]
    for name, values in (("id", ids), ("address", [d.address for d in hospital.devices if d.address is not None])):
        twice = next((value for value, number in Counter(values).items() if number > 1), None)
        if twice is not None:
            return f"two devices have the {name} {twice!r}"
    known, units = set(ids), {unit.id for unit in hospital.units}
    for index, device in enumerate(hospital.devices):
        if device.unit not in units:
            return f"devices.{index}.unit: there is no unit {device.unit!r}"
        for name in ("switch", "host", "access_point"):
            if getattr(device, name) is not None and getattr(device, name) not in known:
                return f"devices.{index}.{name}: there is no device {getattr(device, name)!r}"
    return None


def hospital_document(hospital: Hospital) -> bytes:
    """The JSON text: the same bytes for the same hospital, one device, row or link a line."""
    whole = _plain(hospital)
    return ("{\n" + ",\n".join(f"{_text(k)}: {_indented(v, depth=1)}" for k, v in whole.items()) + "\n}\n").encode()


def _plain(value: Any) -> Any:
    """JSON values; a dataclass without the fields that have their default: a missing key reads as it."""
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if not is_dataclass(value) or isinstance(value, type):
        return value
    return {f.name: _plain(v) for f in fields(value) if (v := getattr(value, f.name)) != f.default}


def _indented(value: Any, *, depth: int) -> str:
    if isinstance(value, dict) and depth < 3 and any(isinstance(v, list | dict) for v in value.values()):
        inner = ",\n".join(f"{_text(k)}: {_indented(v, depth=depth + 1)}" for k, v in value.items())
        return "{\n" + inner + "}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(_text(v) for v in value) + "]"
    return _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
