"""Station 2: the neighbours in a switch's or router's tables, one observation each.

Pure. LLDP-MIB (IEEE 802.1AB), BRIDGE-MIB (RFC 4188), Q-BRIDGE-MIB (RFC 4363), IP-MIB (RFC 4293). They know every device
without touching one. What people carry, by a made-up MAC or its name, is counted and left out: it is personal.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from discovery.wire.ber import Oid
from discovery.wire.personal import is_personal
from discovery.wire.rows import Rows, value_text
from discovery.wire.snmp import VarBind
from discovery.wire.text import address_of, clean_text, is_randomised, is_text, mac_of
from riskdb.model import facts
from riskdb.model.ids import AgentId, EstablishmentId
from riskdb.model.observation import Observation, Protocol, observe

NEIGHBOURS_MAX = 100_000  # rows of one device's tables; a core switch's bridge table holds some 30,000

_MIB2 = (1, 3, 6, 1, 2, 1)
_LLDP = (1, 0, 8802, 1, 1, 2, 1)
_IF_DESCR: Oid = (*_MIB2, 2, 2, 1, 2)
_IF_NAME: Oid = (*_MIB2, 31, 1, 1, 1, 1)
_BASE_PORT_IF_INDEX: Oid = (*_MIB2, 17, 1, 4, 1, 2)
_FDB_PORT: Oid = (*_MIB2, 17, 4, 3, 1, 2)
_FDB_STATUS: Oid = (*_MIB2, 17, 4, 3, 1, 3)
_Q_FDB_PORT: Oid = (*_MIB2, 17, 7, 1, 2, 2, 1, 2)
_Q_FDB_STATUS: Oid = (*_MIB2, 17, 7, 1, 2, 2, 1, 3)
_VLAN_FDB_ID: Oid = (*_MIB2, 17, 7, 1, 4, 2, 1, 3)
_ARP_MAC: Oid = (*_MIB2, 4, 22, 1, 2)
_NEIGHBOUR_MAC: Oid = (*_MIB2, 4, 35, 1, 4)
_REM_CHASSIS_SUBTYPE: Oid = (*_LLDP, 4, 1, 1, 4)
_REM_CHASSIS: Oid = (*_LLDP, 4, 1, 1, 5)
_REM_PORT_SUBTYPE: Oid = (*_LLDP, 4, 1, 1, 6)
_REM_PORT: Oid = (*_LLDP, 4, 1, 1, 7)
_REM_SYS_NAME: Oid = (*_LLDP, 4, 1, 1, 9)
_REM_SYS_DESCR: Oid = (*_LLDP, 4, 1, 1, 10)
_REM_ADDRESS: Oid = (*_LLDP, 4, 2, 1, 3)  # any column will do: the address is in the index
_LOC_PORT_SUBTYPE: Oid = (*_LLDP, 3, 7, 1, 2)
_LOC_PORT: Oid = (*_LLDP, 3, 7, 1, 3)

NAME_COLUMNS: tuple[Oid, ...] = (_IF_NAME, _IF_DESCR)
LLDP_COLUMNS: tuple[Oid, ...] = (
    _LOC_PORT_SUBTYPE,
    _LOC_PORT,
    _REM_CHASSIS_SUBTYPE,
    _REM_CHASSIS,
    _REM_PORT_SUBTYPE,
    _REM_PORT,
    _REM_SYS_NAME,
    _REM_SYS_DESCR,
    _REM_ADDRESS,
)
BRIDGE_COLUMNS: tuple[Oid, ...] = (
    _BASE_PORT_IF_INDEX,
    _FDB_PORT,
    _FDB_STATUS,
    _Q_FDB_PORT,
    _Q_FDB_STATUS,
    _VLAN_FDB_ID,
)
ARP_COLUMNS: tuple[Oid, ...] = (_ARP_MAC, _NEIGHBOUR_MAC)
TABLE_COLUMNS: tuple[Oid, ...] = (*NAME_COLUMNS, *LLDP_COLUMNS, *BRIDGE_COLUMNS, *ARP_COLUMNS)
"""All columns to walk on a switch or router; `neighbours` reads them."""

_LEARNED, _MGMT = 3, 5  # dot1dTpFdbStatus; self (4) is the switch itself
_MAC_CHASSIS, _MAC_PORT = 4, 3  # LldpChassisIdSubtype, LldpPortIdSubtype
_NETWORK_ADDRESS = 5  # LldpChassisIdSubtype


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """The switch or router whose tables these are, and who asked it when."""

    establishment: EstablishmentId
    agent: AgentId
    seen_at: datetime
    address: str | None
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """What the tables say, and how many rows were left out: made-up MACs as personal, the rest as unreadable."""

    observations: tuple[Observation, ...]
    personal: int
    unreadable: int


@dataclass(slots=True)
class _Gathering:
    teller: Teller
    observations: list[Observation] = field(default_factory=list)
    personal: int = 0
    unreadable: int = 0

    def add(
        self, protocol: Protocol, stated: Mapping[str, str | None], *, address: str | None, mac: str | None
    ) -> None:
        made_up = mac is not None and is_randomised(mac) and protocol is not Protocol.LLDP
        if made_up or is_personal(stated.get(facts.LLDP_SYS_NAME) or ""):
            self.personal += 1
            return
        if address is None and mac is None:
            self.unreadable += 1
            return
        told = {facts.SEEN_BY_ADDRESS: self.teller.address, facts.SEEN_BY_NAME: self.teller.name, **stated}
        self.observations.append(
            observe(
                establishment=self.teller.establishment,
                agent=self.teller.agent,
                seen_at=self.teller.seen_at,
                address=address,
                mac=mac,
                protocol=protocol,
                facts={name: value for name, value in told.items() if value},
            )
        )

    @property
    def full(self) -> bool:
        return len(self.observations) >= NEIGHBOURS_MAX


def neighbours(rows: Rows, *, teller: Teller) -> Neighbours:
    """Every device that the tables name, with the port where it was seen."""
    gathering = _Gathering(teller)
    port_name = _port_names(rows)
    for read in (_lldp, _q_bridge, _bridge, _arp, _neighbour_cache):
        read(rows, gathering, port_name)
    return Neighbours(
        observations=tuple(gathering.observations), personal=gathering.personal, unreadable=gathering.unreadable
    )


_PortName = Callable[[int], str]


def _port_names(rows: Rows) -> _PortName:
    """ifIndex -> ifName, else ifDescr, else the index itself."""
    names = {index[0]: text for index, v in rows.below(_IF_DESCR) if (text := value_text(v))}
    names |= {index[0]: text for index, v in rows.below(_IF_NAME) if (text := value_text(v))}
    return lambda index: names.get(index, str(index))


def _bridge_ports(rows: Rows) -> Mapping[int, int]:
    return {index[0]: v.value for index, v in rows.below(_BASE_PORT_IF_INDEX) if isinstance(v.value, int)}


def _bridge(rows: Rows, gathering: _Gathering, port_name: _PortName) -> None:
    """dot1dTpFdbTable: MAC -> bridge port -> ifIndex. Rows that the VLAN-aware table has are not repeated."""
    ports, statuses = _bridge_ports(rows), {index: v.value for index, v in rows.below(_FDB_STATUS)}
    known = {(o.mac, o.facts.get(facts.SEEN_BY_PORT)) for o in gathering.observations if o.protocol is Protocol.BRIDGE}
    for index, varbind in rows.below(_FDB_PORT):
        if gathering.full:
            return
        if len(index) != 6 or statuses.get(index, _LEARNED) not in (_LEARNED, _MGMT):
            continue
        port, mac = _port(varbind, ports, port_name), _mac_of_index(index)
        if port is not None and (mac, port) not in known:
            gathering.add(Protocol.BRIDGE, {facts.SEEN_BY_PORT: port}, address=None, mac=mac)


def _q_bridge(rows: Rows, gathering: _Gathering, port_name: _PortName) -> None:
    """dot1qTpFdbTable: filtering database and MAC -> bridge port; the VLAN is looked up where the switch says it."""
    ports, statuses = _bridge_ports(rows), {index: v.value for index, v in rows.below(_Q_FDB_STATUS)}
    vlan_of = {v.value: str(index[-1]) for index, v in rows.below(_VLAN_FDB_ID) if isinstance(v.value, int)}
    for index, varbind in rows.below(_Q_FDB_PORT):
        if gathering.full:
            return
        if len(index) != 7 or statuses.get(index, _LEARNED) not in (_LEARNED, _MGMT):
            continue
        port = _port(varbind, ports, port_name)
        if port is not None:
            vlan = vlan_of.get(index[0], None if vlan_of else str(index[0]))
            stated = {facts.SEEN_BY_PORT: port, facts.BRIDGE_VLAN: vlan}
            gathering.add(Protocol.BRIDGE, stated, address=None, mac=_mac_of_index(index[1:]))


def _port(varbind: VarBind, ports: Mapping[int, int], port_name: _PortName) -> str | None:
    """The name of a bridge port; None for port 0, which says that the switch does not know."""
    if not isinstance(varbind.value, int) or varbind.value <= 0:
        return None
    return port_name(ports.get(varbind.value, varbind.value))


def _mac_of_index(index: Oid) -> str | None:
    return mac_of(bytes(index)) if all(octet <= 255 for octet in index) else None


def _arp(rows: Rows, gathering: _Gathering, port_name: _PortName) -> None:
    """ipNetToMediaTable: interface and IPv4 address -> MAC."""
    for index, varbind in rows.below(_ARP_MAC):
        if gathering.full:
            return
        if len(index) == 5:
            _add_arp(gathering, index[1:], varbind, port=port_name(index[0]))


def _neighbour_cache(rows: Rows, gathering: _Gathering, port_name: _PortName) -> None:
    """ipNetToPhysicalTable: interface, address type, length and address -> MAC."""
    known = {(o.address, o.mac) for o in gathering.observations if o.protocol is Protocol.ARP}
    for index, varbind in rows.below(_NEIGHBOUR_MAC):
        if gathering.full:
            return
        if len(index) >= 3 and len(index) == 3 + index[2]:
            _add_arp(gathering, index[3:], varbind, port=port_name(index[0]), known=known)


def _add_arp(
    gathering: _Gathering,
    octets: Oid,
    varbind: VarBind,
    *,
    port: str,
    known: set[tuple[str | None, str | None]] | None = None,
) -> None:
    content = varbind.value
    mac = mac_of(content) if isinstance(content, bytes) else None
    address = address_of(bytes(octets)) if all(octet <= 255 for octet in octets) else None
    if address is not None and mac is not None and (address, mac) not in (known or ()):
        gathering.add(Protocol.ARP, {facts.SEEN_BY_PORT: port}, address=address, mac=mac)


def _lldp(rows: Rows, gathering: _Gathering, port_name: _PortName) -> None:
    """lldpRemTable: local port and neighbour -> chassis, port, name and description of the neighbour."""
    addresses = dict(_lldp_addresses(rows))
    columns = {c: dict(rows.below(c)) for c in (_REM_CHASSIS_SUBTYPE, _REM_PORT_SUBTYPE, _REM_PORT, _REM_SYS_NAME)}
    descriptions = dict(rows.below(_REM_SYS_DESCR))
    for index, chassis in rows.below(_REM_CHASSIS):
        if gathering.full:
            return
        if len(index) != 3 or not isinstance(chassis.value, bytes):
            continue
        port = columns[_REM_PORT].get(index)
        chassis_kind, port_kind = (_number(columns[c].get(index)) for c in (_REM_CHASSIS_SUBTYPE, _REM_PORT_SUBTYPE))
        mac, address = _lldp_identity(chassis.value, chassis_kind, port, port_kind)
        stated = {
            facts.SEEN_BY_PORT: _local_port(rows, index[1], port_name),
            facts.LLDP_CHASSIS: lldp_name(chassis.value, is_mac=chassis_kind == _MAC_CHASSIS),
            facts.LLDP_PORT: None if port is None else lldp_name(port.value, is_mac=port_kind == _MAC_PORT),
            facts.LLDP_SYS_NAME: _text(columns[_REM_SYS_NAME].get(index)),
            facts.LLDP_SYS_DESCR: _text(descriptions.get(index)),
        }
        gathering.add(Protocol.LLDP, stated, address=addresses.get(index) or address, mac=mac)


def _lldp_identity(
    chassis: bytes, chassis_kind: int, port: VarBind | None, port_kind: int
) -> tuple[str | None, str | None]:
    """The MAC and the address that chassis and port ids give away."""
    mac = mac_of(chassis) if chassis_kind == _MAC_CHASSIS else None
    if mac is None and port is not None and port_kind == _MAC_PORT and isinstance(port.value, bytes):
        mac = mac_of(port.value)
    # A chassis id that is an address starts with its family (IEEE 802.1AB 8.5.2.3).
    address = address_of(chassis[1:]) if chassis_kind == _NETWORK_ADDRESS else None
    return mac, address


def lldp_name(content: object, *, is_mac: bool) -> str | None:
    """A chassis or port id as people write it."""
    if not isinstance(content, bytes):
        return None
    if is_mac and (mac := mac_of(content)):
        return mac
    return (clean_text(content) or None) if is_text(content) else content[:64].hex(":")


def _lldp_addresses(rows: Rows) -> Iterator[tuple[Oid, str]]:
    """Management addresses: the index ends with family, length and address. IPv4 goes before IPv6."""
    for index, _ in reversed(list(rows.below(_REM_ADDRESS))):
        if len(index) >= 5 and len(index) == 5 + index[4] and all(octet <= 255 for octet in index[5:]):
            address = address_of(bytes(index[5:]))
            if address is not None:
                yield index[:3], address


def _local_port(rows: Rows, number: int, port_name: _PortName) -> str:
    """The name of a local LLDP port; its number is often, but not always, the ifIndex."""
    varbind = rows.get((*_LOC_PORT, number))
    kind = _number(rows.get((*_LOC_PORT_SUBTYPE, number)))
    if varbind is not None and isinstance(varbind.value, bytes) and kind in (1, 5, 7) and is_text(varbind.value):
        name = clean_text(varbind.value)  # ifAlias (1), ifName (5) or local (7)
        if name:
            return port_name(int(name)) if name.isdigit() and len(name) < 10 else name
    return port_name(number)


def _number(varbind: VarBind | None) -> int:
    return varbind.value if varbind is not None and isinstance(varbind.value, int) else 0


def _text(varbind: VarBind | None) -> str | None:
    return clean_text(varbind.value) if varbind is not None and isinstance(varbind.value, bytes) else None
