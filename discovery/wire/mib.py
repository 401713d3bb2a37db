"""Station 2: what the variables of one device say about the device itself.

Pure. Standard MIBs only (RFC 3418, 6933, 2863, 3805, 1628, 2790); what vendors' MIBs hold is asked for by cards.
sysContact is never asked and never read: it names a person.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

from discovery.wire.ber import Oid
from discovery.wire.rows import Rows, value_text
from discovery.wire.text import mac_of
from riskdb.model import facts
from riskdb.model.observation import FACTS_MAX

_MIB2 = (1, 3, 6, 1, 2, 1)
_SYSTEM: Mapping[str, Oid] = {
    facts.SNMP_SYS_DESCR: (*_MIB2, 1, 1, 0),
    facts.SNMP_SYS_OBJECT_ID: (*_MIB2, 1, 2, 0),
    facts.SNMP_SYS_NAME: (*_MIB2, 1, 5, 0),
    facts.SNMP_SYS_LOCATION: (*_MIB2, 1, 6, 0),
    facts.SNMP_SYS_SERVICES: (*_MIB2, 1, 7, 0),
}
_ENGINE_ID: Oid = (1, 3, 6, 1, 6, 3, 10, 2, 1, 1, 0)
_IDENTITY: Mapping[str, Oid] = {
    facts.SNMP_PRT_NAME: (*_MIB2, 43, 5, 1, 1, 16, 1),
    facts.SNMP_PRT_SERIAL: (*_MIB2, 43, 5, 1, 1, 17, 1),
    facts.SNMP_UPS_MANUFACTURER: (*_MIB2, 33, 1, 1, 1, 0),
    facts.SNMP_UPS_MODEL: (*_MIB2, 33, 1, 1, 2, 0),
    facts.SNMP_UPS_FIRMWARE: (*_MIB2, 33, 1, 1, 3, 0),
    facts.SNMP_PROBE_SOFTWARE: (*_MIB2, 16, 19, 2, 0),
}
_HR_DEVICE_TYPE: Oid = (*_MIB2, 25, 3, 2, 1, 2)
_HR_DEVICE_DESCR: Oid = (*_MIB2, 25, 3, 2, 1, 3)
_HR_PRINTER: Oid = (*_MIB2, 25, 3, 1, 5)
_BRIDGE_PORTS: Oid = (*_MIB2, 17, 1, 2, 0)
_BRIDGE_PORT_TABLE: Oid = (*_MIB2, 17, 1, 4, 1, 2)
_IF_PHYS_ADDRESS: Oid = (*_MIB2, 2, 2, 1, 6)
_ENTITY: Oid = (*_MIB2, 47, 1, 1, 1, 1)
_ENTITY_CLASS, _ENTITY_SERIAL, _ENTITY_MODEL = 5, 11, 13
_ENTITY_FACTS: Mapping[int, str] = {
    2: facts.SNMP_ENT_DESCR,
    7: facts.SNMP_ENT_NAME,
    8: facts.SNMP_ENT_HARDWARE,
    9: facts.SNMP_ENT_FIRMWARE,
    10: facts.SNMP_ENT_SOFTWARE,
    _ENTITY_SERIAL: facts.SNMP_ENT_SERIAL,
    12: facts.SNMP_ENT_MANUFACTURER,
    _ENTITY_MODEL: facts.SNMP_ENT_MODEL,
}
_CHASSIS, _STACK = "3", "11"  # PhysicalClass of RFC 6933

SYSTEM_OIDS: tuple[Oid, ...] = (*_SYSTEM.values(), _ENGINE_ID)
"""One GET that any agent answers."""
IDENTITY_OIDS: tuple[Oid, ...] = (*_IDENTITY.values(), _BRIDGE_PORTS, (*_HR_DEVICE_TYPE, 1), (*_HR_DEVICE_DESCR, 1))
"""One GET that tells printers and power supplies; others answer noSuchObject (a v1 agent refuses it whole)."""
ENTITY_COLUMNS: tuple[Oid, ...] = tuple((*_ENTITY, column) for column in sorted({*_ENTITY_FACTS, _ENTITY_CLASS}))
"""To walk, a few rows each: the chassis stands near the top."""
INTERFACE_COLUMNS: tuple[Oid, ...] = (_IF_PHYS_ADDRESS,)
"""To walk for the device's own MAC; the first rows are enough."""


class Asked(Protocol):
    """An OID that a card asks for; with `first`, the first variable below it."""

    @property
    def oid(self) -> Oid:
        """Where to look."""

    @property
    def first(self) -> bool:
        """Whether the first variable below it is meant."""

    @property
    def fact(self) -> str:
        """The name of the fact that the answer becomes."""


def device_facts(rows: Rows) -> dict[str, str]:
    """The facts that a device's variables state about itself."""
    stated = {name: text for name, oid in {**_SYSTEM, **_IDENTITY}.items() if (text := rows.text(oid))}
    engine = rows.get(_ENGINE_ID)
    if engine is not None and isinstance(engine.value, bytes) and 5 <= len(engine.value) <= 32:
        stated[facts.SNMP_ENGINE_ID] = engine.value.hex()
    stated |= _entity_facts(rows)
    if mac := _interface_mac(rows):
        stated[facts.SNMP_IF_MAC] = mac
    if ports := _bridge_ports(rows):
        stated[facts.SNMP_BRIDGE_PORTS] = str(ports)
    stated |= _host_devices(rows)
    return stated


def asked_facts(rows: Rows, asked: Iterable[Asked]) -> dict[str, str]:
    """The answers to what cards asked, under the names that the questions have."""
    stated: dict[str, str] = {}
    for ask in asked:
        varbind = next((v for _, v in rows.below(ask.oid)), None) if ask.first else rows.get(ask.oid)
        text = None if varbind is None else value_text(varbind)
        if text and len(stated) < FACTS_MAX // 2:
            stated[ask.fact] = text
    return stated


def _entity_facts(rows: Rows) -> dict[str, str]:
    index = _chassis_index(rows)
    if index is None:
        return {}
    return {
        name: text
        for column, name in _ENTITY_FACTS.items()
        if (text := rows.text((*_ENTITY, column, *index))) is not None
    }


def _chassis_index(rows: Rows) -> Oid | None:
    """The row that stands for the device: a chassis with a model or serial, else the stack, else what has a serial."""
    classes = {index: value_text(varbind) for index, varbind in rows.below((*_ENTITY, _ENTITY_CLASS))}
    with_serial = [index for index, v in rows.below((*_ENTITY, _ENTITY_SERIAL)) if value_text(v)]
    with_model = [index for index, v in rows.below((*_ENTITY, _ENTITY_MODEL)) if value_text(v)]
    named = sorted({*with_serial, *with_model})
    for wanted in (_CHASSIS, _STACK):
        for index in named:
            if classes.get(index) == wanted:
                return index
    if with_serial:
        return with_serial[0]
    return next((index for index, kind in classes.items() if kind in (_CHASSIS, _STACK)), None)


def _interface_mac(rows: Rows) -> str | None:
    for _, varbind in rows.below(_IF_PHYS_ADDRESS):
        if isinstance(varbind.value, bytes) and (mac := mac_of(varbind.value)):
            return mac
    return None


def _bridge_ports(rows: Rows) -> int:
    stated = rows.get(_BRIDGE_PORTS)
    if stated is not None and isinstance(stated.value, int):
        return max(stated.value, 0)
    return sum(1 for _ in rows.below(_BRIDGE_PORT_TABLE))


def _host_devices(rows: Rows) -> dict[str, str]:
    """hrDeviceDescr of the first device, and of the first printer."""
    described = {index: text for index, varbind in rows.below(_HR_DEVICE_DESCR) if (text := value_text(varbind))}
    stated: dict[str, str] = {}
    if described:
        stated[facts.SNMP_HR_DEVICE] = next(iter(described.values()))
    for index, kind in rows.below(_HR_DEVICE_TYPE):
        if kind.value == _HR_PRINTER and index in described:
            stated[facts.SNMP_HR_PRINTER] = described[index]
            break
    return stated
