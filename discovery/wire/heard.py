"""Station 2, one door for what was heard on the wire: a datagram into observations.

Pure: any octets in, a value out. SNMP answers are gathered per device by `mib`, not here: one packet holds a part only.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from discovery.wire.bacnet import decode_bacnet
from discovery.wire.dhcp import decode_dhcp
from discovery.wire.hl7 import decode_hl7
from discovery.wire.lldp import decode_lldp
from discovery.wire.mdns import decode_mdns, service_facts
from discovery.wire.personal import is_personal
from discovery.wire.snmp import Malformed
from discovery.wire.ssdp import decode_ssdp
from discovery.wire.text import is_randomised
from riskdb.model import facts
from riskdb.model.ids import AgentId, EstablishmentId
from riskdb.model.observation import Datagram, Observation, Protocol, observe


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """For whom, and by whom, something was heard."""

    establishment: EstablishmentId
    agent: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a datagram says: observations, how many were left out as personal, and why it could not be read, if so."""

    observations: tuple[Observation, ...] = ()
    personal: int = 0
    malformed: str | None = None


@dataclass(frozen=True, slots=True)
class _Statement:
    address: str | None
    mac: str | None
    facts: Mapping[str, str]


def decode(datagram: Datagram, *, listener: Listener, mac: str | None = None) -> Heard:
    """The observations in a datagram. `mac` is the sender's, where the frame was seen.

    A randomised MAC is somebody's own device: it is counted and left out, whatever it says.
    """
    if mac is not None and is_randomised(mac):
        return Heard(personal=1)
    read = _read(datagram, mac)
    if isinstance(read, Malformed):
        return Heard(malformed=read.reason)
    statements, personal = read
    return Heard(
        observations=tuple(
            observe(
                establishment=listener.establishment,
                agent=listener.agent,
                seen_at=datagram.received_at,
                address=statement.address,
                mac=statement.mac,
                protocol=datagram.protocol,
                facts=statement.facts,
            )
            for statement in statements
            if statement.facts and (statement.address or statement.mac)
        ),
        personal=personal,
    )


def _read(datagram: Datagram, mac: str | None) -> tuple[list[_Statement], int] | Malformed:
    """What the sender states, by protocol; nothing for a protocol that is not read here."""
    payload, source = datagram.payload, datagram.source
    if datagram.protocol is Protocol.MDNS:
        return _read_mdns(payload, source, mac)
    if datagram.protocol is Protocol.DHCP:
        return _read_dhcp(payload)
    if datagram.protocol is Protocol.LLDP:
        frame = decode_lldp(payload)
        if isinstance(frame, Malformed):
            return frame
        if is_personal(frame.facts.get(facts.LLDP_SYS_NAME, "")):
            return [], 1
        return [_Statement(frame.address, frame.mac or mac, frame.facts)], 0
    decoder = {Protocol.SSDP: decode_ssdp, Protocol.HL7: decode_hl7, Protocol.BACNET: decode_bacnet}.get(
        datagram.protocol
    )
    stated = {} if decoder is None else decoder(payload)
    return stated if isinstance(stated, Malformed) else ([_Statement(source, mac, stated)], 0)


def _read_mdns(payload: bytes, source: str, mac: str | None) -> tuple[list[_Statement], int] | Malformed:
    announcement = decode_mdns(payload)
    if isinstance(announcement, Malformed):
        return announcement
    statements = []
    for service in announcement.services:
        # A sleep proxy answers for others: the sender's MAC is the device's only if the address is the sender's.
        address = source if source in service.addresses or not service.addresses else service.addresses[0]
        statements.append(_Statement(address, mac if address == source else None, service_facts(service)))
    return statements, announcement.personal


def _read_dhcp(payload: bytes) -> tuple[list[_Statement], int] | Malformed:
    request = decode_dhcp(payload)
    if isinstance(request, Malformed):
        return request
    if request is None:
        return [], 0
    return [_Statement(request.address, request.mac, request.facts)], int(request.personal)
