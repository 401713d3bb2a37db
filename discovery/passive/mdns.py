"""Station 1, listening: what devices announce by multicast DNS, and the questions that may be put to a segment.

The gate makes the socket; listening sends nothing. An instance is believed only if its address lies within the plan's
ranges, and stated once a run unless what it says changes.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from zeroconf._dns import DNSPointer, DNSQuestion
from zeroconf._protocol.incoming import DNSIncoming
from zeroconf._protocol.outgoing import DNSOutgoing

from discovery.wire.mdns import Service, decode_mdns, service_facts
from discovery.wire.snmp import Malformed
from riskdb.model.ids import AgentId, EstablishmentId
from riskdb.model.observation import Observation, Protocol, observe

INSTANCES_MAX = 50_000  # instances remembered; protects memory from invented announcements
ADDRESSES_MAX = 16  # of one instance
TYPES_MAX = 200  # service types asked for; a hospital has some 40
ALL_SERVICES = "_services._dns-sd._udp.local."  # RFC 6763 section 9
QUESTIONS_A_PACKET = 20  # some 800 bytes: fits a frame
_TYPE_PTR, _TYPE_SRV, _TYPE_TXT, _CLASS_IN, _QUERY = 12, 33, 16, 1, 0


@dataclass(slots=True)
class Ear:
    """What was announced so far, and which of it was stated."""

    establishment: EstablishmentId
    agent: AgentId
    believes: Callable[[str], bool]  # whether an address is within the plan's ranges
    unreadable: int = 0
    personal: int = 0  # announcements of somebody's own device: counted, never stored
    _services: dict[tuple[str, str], Service] = field(default_factory=dict)  # by instance and type
    _types: set[str] = field(default_factory=set)
    _stated: dict[tuple[str, str, str], frozenset[tuple[str, str]]] = field(default_factory=dict)

    def hear(self, payload: bytes, received_at: datetime) -> list[Observation]:
        """What a datagram adds: an observation for each instance that became whole or says something new."""
        announced = decode_mdns(payload)
        if isinstance(announced, Malformed):
            self.unreadable += 1
            return []
        self.personal += announced.personal
        if not announced.services:
            self._types.update(list(_types_in(payload))[: TYPES_MAX - len(self._types)])
        return [o for service in announced.services for o in self._state(self._joined(service), received_at)]

    def questions(self) -> list[bytes]:
        """The next questions for a segment: its service types; once known, their instances and what those left out."""
        types = {f"{kind}.local." for _, kind in self._services} | self._types
        bare = [f"{s.instance}.{s.service}.local." for s in self._services.values() if s.host is None or not s.txt]
        asked = [(name, _TYPE_PTR) for name in sorted(types)] or [(ALL_SERVICES, _TYPE_PTR)]
        asked += [(name, kind) for name in sorted(bare) for kind in (_TYPE_SRV, _TYPE_TXT)]
        packets: list[bytes] = []
        for start in range(0, len(asked), QUESTIONS_A_PACKET):
            outgoing = DNSOutgoing(_QUERY)
            for name, kind in asked[start : start + QUESTIONS_A_PACKET]:
                outgoing.add_question(DNSQuestion(name, kind, _CLASS_IN))
            packets += outgoing.packets()
        return packets

    def _joined(self, heard: Service) -> Service:
        """One packet names an instance, another describes it: what was heard last counts, what it leaves out stays."""
        key = (heard.instance, heard.service)
        before = self._services.get(key)
        if before is None and len(self._services) >= INSTANCES_MAX:
            return heard
        joined = heard
        if before is not None:
            joined = replace(
                heard,
                host=heard.host or before.host,
                port=heard.port or before.port,
                txt=heard.txt or before.txt,
                addresses=tuple(dict.fromkeys((*heard.addresses, *before.addresses)))[:ADDRESSES_MAX],
            )
        self._services[key] = joined
        return joined

    def _state(self, service: Service, received_at: datetime) -> Iterable[Observation]:
        stated = service_facts(service)
        content = frozenset(stated.items())
        for address in service.addresses:
            key = (service.instance, service.service, address)
            if not self.believes(address) or self._stated.get(key) == content:
                continue
            self._stated[key] = content
            yield observe(
                establishment=self.establishment,
                agent=self.agent,
                seen_at=received_at,
                address=address,
                mac=None,
                protocol=Protocol.MDNS,
                facts=stated,
            )


def _types_in(payload: bytes) -> Iterable[str]:
    """The service types that an answer to the question for all of them names."""
    message = DNSIncoming(payload)
    try:
        records = message.answers() if message.valid and message.is_response() else []
    except (IndexError, ValueError, UnicodeError):
        return []
    return [r.alias for r in records if isinstance(r, DNSPointer) and r.name.lower() == ALL_SERVICES]
