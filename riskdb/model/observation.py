"""Stations 1 and 2: what was heard on the wire, and what it says once decoded.

An observation is one statement about one device by one source: an SNMP answer, an mDNS announcement, one row of a
switch's bridge or ARP table, one LLDP neighbour, one line of an imported list. It is never changed.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from riskdb.model.ids import AgentId, EstablishmentId, ObservationId

FACTS_MAX = 512  # facts of one observation; the longest honest one (a printer's TXT record and MIBs) has about 80
FACT_VALUE_CHARS_MAX = 4_096  # sysDescr is at most 255 octets (RFC 3418); vendors exceed it, none by 16 times


class Protocol(StrEnum):
    """How a statement reached us."""

    SNMP = "snmp"
    MDNS = "mdns"
    LLDP = "lldp"
    BRIDGE = "bridge"
    ARP = "arp"
    DHCP = "dhcp"
    SSDP = "ssdp"
    HTTP = "http"
    DICOM = "dicom"
    HL7 = "hl7"
    BACNET = "bacnet"
    IMPORT = "import"


@dataclass(frozen=True, slots=True, kw_only=True)
class Datagram:
    """Bytes as they came, with the only clock reading of their whole way."""

    received_at: datetime  # aware, UTC
    source: str  # IPv4 or IPv6 address, or the file it was read from
    protocol: Protocol
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One statement about one device.

    `address` and `mac` are those of the device spoken about, not of the speaker: in a row of a switch's ARP table the
    switch is `facts["seen_by.address"]`. Either may be None, not both unless the protocol is `import`.
    MACs are lower-case with colons, addresses in their shortest form. Fact names are those of `riskdb.model.facts`.
    """

    id: ObservationId
    establishment: EstablishmentId
    agent: AgentId
    seen_at: datetime  # aware, UTC
    address: str | None
    mac: str | None
    protocol: Protocol
    facts: Mapping[str, str]


def observe(
    *,
    establishment: EstablishmentId,
    agent: AgentId,
    seen_at: datetime,
    address: str | None,
    mac: str | None,
    protocol: Protocol,
    facts: Mapping[str, str],
) -> Observation:
    """An observation whose id is the digest of its content: the same statement heard twice has the same id."""
    content = [establishment, agent, seen_at.isoformat(), address, mac, protocol.value, sorted(facts.items())]
    digest = hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()[:32]
    return Observation(
        id=ObservationId(digest),
        establishment=establishment,
        agent=agent,
        seen_at=seen_at,
        address=address,
        mac=mac,
        protocol=protocol,
        facts=facts,
    )
