"""Station 1, listening: what devices announce by multicast DNS, and the questions that may be put to a segment.

The gate makes the socket; listening sends nothing. An instance is believed only if its address lies within the plan's
ranges, and stated once a run unless what it says changes.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from zeroconf._dns import DNSAddress, DNSPointer, DNSQuestion, DNSService, DNSText
from zeroconf._protocol.incoming import DNSIncoming
from zeroconf._protocol.outgoing import DNSOutgoing

from discovery.wire.text import clean_text
from riskdb.model import facts
from riskdb.model.facts import is_fact_name
from riskdb.model.ids import AgentId, EstablishmentId
from riskdb.model.observation import FACTS_MAX, Observation, Protocol, observe

NAMES_MAX = 50_000  # instances and hosts remembered; protects memory from invented announcements
ADDRESSES_MAX = 8  # of one host
TEXT_KEYS_MAX = 64  # of one TXT record
ALL_SERVICES = "_services._dns-sd._udp.local."  # RFC 6763 section 9
QUESTIONS_A_PACKET = 20  # some 800 bytes: fits a frame
_TYPE_PTR, _TYPE_SRV, _TYPE_TXT, _CLASS_IN = 12, 33, 16, 1
_QUERY = 0


@dataclass(slots=True)
class Ear:
    """What was announced so far, and which of it was stated."""

    establishment: EstablishmentId
    agent: AgentId
    believes: Callable[[str], bool]  # whether an address is within the plan's ranges
    services: set[str] = field(default_factory=set)  # service types heard of, for the next question
    unread: int = 0  # datagrams that are no multicast DNS
    _hosts: dict[str, dict[str, None]] = field(default_factory=dict)  # host -> addresses
    _instances: dict[str, DNSService] = field(default_factory=dict)
    _texts: dict[str, dict[str, str]] = field(default_factory=dict)
    _named: set[str] = field(default_factory=set)  # instances that a pointer named
    _stated: dict[tuple[str, str], int] = field(default_factory=dict)  # instance and address -> hash of its facts

    def hear(self, payload: bytes, received_at: datetime) -> list[Observation]:
        """What a datagram adds: one observation for each instance that is now complete, or says something new."""
        try:
            message = DNSIncoming(payload)
            records = message.answers() if message.valid and message.is_response() else []
        except (ValueError, IndexError, UnicodeError):
            self.unread += 1
            return []
        touched: set[str] = set()
        for record in records:
            if len(self._hosts) + len(self._instances) + len(self._texts) + len(self._named) >= 4 * NAMES_MAX:
                break
            name = record.name.lower()
            if isinstance(record, DNSAddress):
                held = self._hosts.setdefault(name, {})
                if len(held) < ADDRESSES_MAX:
                    held[".".join(map(str, record.address)) if len(record.address) == 4 else ""] = None
                touched |= {i for i, s in self._instances.items() if s.server.lower() == name}
            elif isinstance(record, DNSService):
                self._instances[name] = record
                touched.add(name)
            elif isinstance(record, DNSText):
                self._texts[name] = _properties(record.text)
                touched.add(name)
            elif isinstance(record, DNSPointer):
                (self.services if name == ALL_SERVICES else self._named).add(record.alias)
        return [o for name in sorted(touched) for o in self._state(name, received_at)]

    def incomplete(self) -> list[str]:
        """Instances that a pointer named and nobody described yet."""
        return sorted(name for name in self._named if name.lower() not in self._instances)

    def _state(self, name: str, received_at: datetime) -> Iterable[Observation]:
        service = self._instances.get(name)
        if service is None:
            return
        stated = self._facts_of(service)
        for address in self._hosts.get(service.server.lower(), {}):
            digest = hash(frozenset(stated.items()))
            if not address or not self.believes(address) or self._stated.get((name, address)) == digest:
                continue
            self._stated[name, address] = digest
            yield observe(
                establishment=self.establishment,
                agent=self.agent,
                seen_at=received_at,
                address=address,
                mac=None,
                protocol=Protocol.MDNS,
                facts=stated,
            )

    def _facts_of(self, service: DNSService) -> dict[str, str]:
        instance, _, rest = service.name.partition("._")
        stated = {
            facts.MDNS_SERVICE: f"_{rest}".removesuffix(".").removesuffix(".local"),
            facts.MDNS_INSTANCE: instance,
            facts.MDNS_HOST: service.server.removesuffix("."),
            facts.MDNS_PORT: str(service.port),
        }
        stated = {name: clean_text(text.encode()) for name, text in stated.items()}
        for key, value in self._texts.get(service.name.lower(), {}).items():
            name = facts.MDNS_TXT_PREFIX + key
            if value and is_fact_name(name) and len(stated) < FACTS_MAX:
                stated[name] = value
        return {name: text for name, text in stated.items() if text}


def questions(services: Iterable[str], instances: Iterable[str] = ()) -> list[bytes]:
    """Multicast questions: for all service types when none is known, else for their instances and descriptions."""
    asked = [(service, _TYPE_PTR) for service in services] or ([] if instances else [(ALL_SERVICES, _TYPE_PTR)])
    asked += [(name, kind) for name in instances for kind in (_TYPE_SRV, _TYPE_TXT)]
    packets = []
    for start in range(0, len(asked), QUESTIONS_A_PACKET):
        outgoing = DNSOutgoing(_QUERY)
        for name, kind in asked[start : start + QUESTIONS_A_PACKET]:
            outgoing.add_question(DNSQuestion(name, kind, _CLASS_IN))
        packets += outgoing.packets()
    return packets


def _properties(content: bytes) -> dict[str, str]:
    """The keys of a TXT record in lower case; of a key stated twice the first counts (RFC 6763 section 6.4)."""
    found: dict[str, str] = {}
    position = 0
    while position < len(content) and len(found) < TEXT_KEYS_MAX:
        length = content[position]
        key, equals, value = content[position + 1 : position + 1 + length].partition(b"=")
        position += 1 + length
        if key and equals:
            found.setdefault(clean_text(key).lower(), clean_text(value))
    return found
