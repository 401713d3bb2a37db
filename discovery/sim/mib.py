"""The variables a pretend device answers with: system group, interfaces, ENTITY, bridge, LLDP, ARP, printer, UPS.

Pure: a device and the fabric in, ordered rows out. Standard MIBs as their RFCs lay them out; the vendors' own arcs are
invented. What a device says is in the hospital document, what switches know is in `fabric.py`.
"""

from collections.abc import Iterable, Iterator

from discovery.sim.fabric import SWITCHES, Fabric
from discovery.sim.hospital import Device, Snmp
from discovery.wire.ber import Oid
from discovery.wire.rows import Rows
from discovery.wire.snmp import ValueKind, VarBind

_MIB2: Oid = (1, 3, 6, 1, 2, 1)
_LLDP: Oid = (1, 0, 8802, 1, 1, 2, 1)
_VLAN_IF_BASE = 5_000
_UPTIME = 8_640_000  # one day in hundredths of a second
_HOST_SERVICES, _SWITCH_SERVICES, _ROUTER_SERVICES = 72, 2, 6  # RFC 3418: a sum of 2 to the layer less one
_MAC, _IF_NAME = 4, 5  # LldpChassisIdSubtype, LldpPortIdSubtype
_CONTACT = b"P. Patient, ext. 4711"  # personal on purpose: nobody may ask for it


def view(device: Device, fabric: Fabric, *, prefix: int) -> Rows:
    """All variables of a device in a hospital that runs in 127.<prefix>.0.0/16."""
    if device.snmp is None:
        return Rows([])
    rows = [*_system(device, device.snmp), *_identity(device, device.snmp)]
    if device.kind in SWITCHES:
        rows.extend(_switch(device, fabric, prefix=prefix))
    else:
        rows.extend(_interface(1, "eth0", mac=device.mac))
    return Rows(rows)


def _text(oid: Oid, value: str) -> VarBind:
    return VarBind(oid, ValueKind.OCTETS, value.encode())


def _number(oid: Oid, value: int) -> VarBind:
    return VarBind(oid, ValueKind.INTEGER, value)


def _mac(oid: Oid, mac: str | None) -> VarBind:
    return VarBind(oid, ValueKind.OCTETS, bytes.fromhex((mac or "").replace(":", "")))


def _dotted(oid: str) -> Oid:
    return tuple(map(int, oid.split(".")))


def _system(device: Device, snmp: Snmp) -> Iterator[VarBind]:
    group: Oid = (*_MIB2, 1)
    layer = {"access_switch": _SWITCH_SERVICES, "core_switch": _ROUTER_SERVICES}.get(device.kind, _HOST_SERVICES)
    yield _text((*group, 1, 0), snmp.descr)
    yield VarBind((*group, 2, 0), ValueKind.OID, _dotted(snmp.object_id))
    yield VarBind((*group, 3, 0), ValueKind.TIMETICKS, _UPTIME)
    yield VarBind((*group, 4, 0), ValueKind.OCTETS, _CONTACT)
    yield _text((*group, 5, 0), device.hostname or "")
    yield _text((*group, 6, 0), snmp.location)
    yield _number((*group, 7, 0), layer)
    if snmp.version == "3" or snmp.shows_engine_id:
        yield VarBind((1, 3, 6, 1, 6, 3, 10, 2, 1, 1, 0), ValueKind.OCTETS, bytes.fromhex(snmp.engine_id))


def _identity(device: Device, snmp: Snmp) -> Iterator[VarBind]:
    """ENTITY-MIB, Printer-MIB, UPS-MIB, or the vendor's own serial: whichever the device has."""
    if snmp.entity:
        entity: Oid = (*_MIB2, 47, 1, 1, 1, 1)
        yield _text((*entity, 2, 1), f"{device.manufacturer} {device.model} chassis")
        yield _number((*entity, 5, 1), 3)  # PhysicalClass chassis, RFC 6933
        yield _text((*entity, 7, 1), "Chassis 1")
        for column, value in (
            (10, device.firmware),
            (11, device.serial),
            (12, device.manufacturer),
            (13, device.model),
        ):
            yield _text((*entity, column, 1), value)
    if snmp.printer:
        yield _number((*_MIB2, 25, 3, 2, 1, 1, 1), 1)
        yield VarBind((*_MIB2, 25, 3, 2, 1, 2, 1), ValueKind.OID, (*_MIB2, 25, 3, 1, 5))
        yield _text((*_MIB2, 25, 3, 2, 1, 3, 1), f"{device.manufacturer} {device.model}")
        yield _text((*_MIB2, 43, 5, 1, 1, 16, 1), device.hostname or "")
        yield _text((*_MIB2, 43, 5, 1, 1, 17, 1), device.serial)
    if snmp.ups:
        ups: Oid = (*_MIB2, 33, 1, 1)
        for arc, value in ((1, device.manufacturer), (2, device.model), (3, device.firmware), (4, "practice 1.0")):
            yield _text((*ups, arc, 0), value)
    if snmp.serial_oid is not None:
        yield _text(_dotted(snmp.serial_oid), device.serial)


def _interface(index: int, name: str, *, mac: str | None, kind: int = 6, up: bool = True) -> Iterator[VarBind]:
    """A row of ifTable and ifXTable (RFC 2863); 6 is ethernetCsmacd, 53 propVirtual."""
    table: Oid = (*_MIB2, 2, 2, 1)
    yield _number((*table, 1, index), index)
    yield _text((*table, 2, index), name)
    yield _number((*table, 3, index), kind)
    yield _mac((*table, 6, index), mac)
    yield _number((*table, 8, index), 1 if up else 2)
    yield _text((*_MIB2, 31, 1, 1, 1, 1, index), name)


def _switch(switch: Device, fabric: Fabric, *, prefix: int) -> Iterator[VarBind]:
    ports = {name: number for number, name in enumerate(fabric.ports_used(switch), start=1)}
    base = 10_100 if switch.manufacturer == "Cisco" else 0  # where a vendor's ifIndex begins
    for name, number in ports.items():
        yield from _interface(base + number, name, mac=switch.mac)
        yield _number((*_MIB2, 17, 1, 4, 1, 2, number), base + number)
    yield from _bridge(switch, fabric, ports)
    yield from _lldp(switch, fabric, ports, base=base, prefix=prefix)
    if switch.kind == "core_switch":
        for vlan in fabric.vlans(switch):
            yield from _interface(_VLAN_IF_BASE + vlan, f"Vlan{vlan}", mac=switch.mac, kind=53)
        yield from _arp(switch, fabric, prefix=prefix)


def _bridge(switch: Device, fabric: Fabric, ports: dict[str, int]) -> Iterator[VarBind]:
    """BRIDGE-MIB on Cisco, Q-BRIDGE-MIB on the others, with or without the table that tells VLANs from databases."""
    learned = [*fabric.learned(switch)]
    if switch.manufacturer == "Cisco":
        table: Oid = (*_MIB2, 17, 4, 3, 1)
        for row in learned:
            index = bytes.fromhex(row.mac.replace(":", ""))
            yield _mac((*table, 1, *index), row.mac)
            yield _number((*table, 2, *index), ports[row.port])
            yield _number((*table, 3, *index), 3)
        own = bytes.fromhex((switch.mac or "").replace(":", ""))
        yield _number((*table, 2, *own), 0)
        yield _number((*table, 3, *own), 4)  # self
        return
    offset = 0 if switch.manufacturer == "HPE Aruba" else 1_000
    table = (*_MIB2, 17, 7, 1, 2, 2, 1)
    for row in learned:
        index = bytes.fromhex(row.mac.replace(":", ""))
        yield _number((*table, 2, row.vlan + offset, *index), ports[row.port])
        yield _number((*table, 3, row.vlan + offset, *index), 3)
    if offset:
        for vlan in sorted({row.vlan for row in learned}):
            yield VarBind((*_MIB2, 17, 7, 1, 4, 2, 1, 3, 0, vlan), ValueKind.GAUGE32, vlan + offset)


def _lldp(switch: Device, fabric: Fabric, ports: dict[str, int], *, base: int, prefix: int) -> Iterator[VarBind]:
    yield _number((*_LLDP, 3, 1, 0), _MAC)
    yield _mac((*_LLDP, 3, 2, 0), switch.mac)
    for name, number in ports.items():
        yield _number((*_LLDP, 3, 7, 1, 2, base + number), _IF_NAME)
        yield _text((*_LLDP, 3, 7, 1, 3, base + number), name)
    for entry, row in enumerate(fabric.neighbours(switch), start=1):
        index: Oid = (0, base + ports[row.port], entry)
        remote: Oid = (*_LLDP, 4, 1, 1)
        yield _number((*remote, 4, *index), _MAC)
        yield _mac((*remote, 5, *index), row.device.mac)
        yield _number((*remote, 6, *index), _IF_NAME)
        yield _text((*remote, 7, *index), row.device_port)
        yield _text((*remote, 9, *index), row.device.hostname or "")
        yield _text((*remote, 10, *index), row.device.snmp.descr if row.device.snmp else "")
        if row.device.address is not None:
            address = octets(row.device.address, prefix=prefix)
            yield _number((*_LLDP, 4, 2, 1, 3, *index, 1, 4, *address), 2)


def _arp(core: Device, fabric: Fabric, *, prefix: int) -> Iterator[VarBind]:
    """ipNetToMediaTable (RFC 4293): interface, address, MAC, and 3 for learned."""
    table: Oid = (*_MIB2, 4, 22, 1)
    for vlan, address, mac in fabric.arp(core):
        index: Oid = (_VLAN_IF_BASE + vlan, *octets(address, prefix=prefix))
        yield _mac((*table, 2, *index), mac)
        yield _number((*table, 4, *index), 3)


def octets(address: str, *, prefix: int) -> bytes:
    """The four octets of an x.a.b address."""
    _, third, fourth = address.split(".")
    return bytes((127, prefix, int(third), int(fourth)))


def joined(address: str, *, prefix: int) -> str:
    """An x.a.b address as it is in this run."""
    return ".".join(map(str, octets(address, prefix=prefix)))


def answers(rows: Rows, oids: Iterable[Oid]) -> list[VarBind]:
    """What GET answers (RFC 3416 section 4.2.1)."""
    return [rows.get(oid) or VarBind(oid, ValueKind.NO_SUCH_OBJECT, None) for oid in oids]


def successors(rows: Rows, oids: Iterable[Oid]) -> list[VarBind]:
    """What GETNEXT answers (RFC 3416 section 4.2.2)."""
    return [rows.after(oid) or VarBind(oid, ValueKind.END_OF_MIB_VIEW, None) for oid in oids]


def bulk(rows: Rows, oids: list[Oid], *, non_repeaters: int, max_repetitions: int) -> list[VarBind]:
    """What GETBULK answers (RFC 3416 section 4.2.3), before it is cut to fit a datagram."""
    found = successors(rows, oids[:non_repeaters])
    columns = oids[non_repeaters:]
    for _ in range(min(max_repetitions, REPETITIONS_MAX)):
        if not columns or len(found) > VARBINDS_MAX:
            break
        row = successors(rows, columns)
        found.extend(row)
        if all(v.kind is ValueKind.END_OF_MIB_VIEW for v in row):
            break
        columns = [v.oid for v in row]
    return found


VARBINDS_MAX = 1_000  # far beyond what fits a frame: a question of thousands of columns costs no more
REPETITIONS_MAX = 100  # what an agent is willing to work out for one question
