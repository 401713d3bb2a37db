"""Station 2: an mDNS response into the services it announces (RFC 6762, 6763).

Pure and bounded: zeroconf reads the packet, its trouble becomes a value. Queries say nothing about the asker and are
not read; a name that looks like somebody's own device is counted and left out.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from zeroconf import (  # type: ignore[attr-defined]  # public names that its __all__ leaves out
    DNSAddress,
    DNSIncoming,
    DNSPointer,
    DNSRecord,
    DNSService,
    DNSText,
)

from discovery.wire.personal import is_carried, is_personal
from discovery.wire.snmp import Malformed
from discovery.wire.text import address_of, clean_text
from riskdb.model import facts

MDNS_BYTES_MAX = 9_000  # RFC 6762 section 17
SERVICES_MAX = 256  # of one packet; a busy print server announces some 40
TXT_PAIRS_MAX = 64  # of one service
TXT_VALUE_CHARS_MAX = 255  # a TXT string is no longer (RFC 6763 section 6.1)
ADDRESSES_MAX = 16
_INSTANCE = re.compile(r"(?P<instance>.{1,255})\.(?P<service>_[a-z0-9_-]{1,40}\._(?:tcp|udp))\.local\.?", re.IGNORECASE)
_TXT_KEY = re.compile(r"[!-<>-~]{1,64}")
_LOCAL = re.compile(r"\.local\.?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One instance of a service as a packet describes it; what the packet does not say is None or empty."""

    instance: str
    service: str  # _http._tcp
    host: str | None = None
    port: int | None = None
    txt: Mapping[str, str] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """The services in one response, and how many were left out as somebody's own."""

    services: tuple[Service, ...]
    personal: int = 0


def decode_mdns(payload: bytes) -> Announcement | Malformed:
    """The services that a response announces; none in a query."""
    if len(payload) > MDNS_BYTES_MAX:
        return Malformed(f"{len(payload)} octets, more than mDNS allows")
    message = DNSIncoming(payload)
    if not message.valid:
        return Malformed("no DNS message")
    if not message.is_response():
        return Announcement(services=())
    try:
        records = message.answers()
    except (IndexError, ValueError, UnicodeError) as error:  # what zeroconf lets through from a record that lies
        return Malformed(f"bad DNS record: {type(error).__name__}")
    return _announcement(records)


def service_facts(service: Service) -> dict[str, str]:
    """A service as facts."""
    stated = {facts.MDNS_SERVICE: service.service, facts.MDNS_INSTANCE: service.instance}
    if service.host:
        stated[facts.MDNS_HOST] = service.host
    if service.port:
        stated[facts.MDNS_PORT] = str(service.port)
    for key, value in service.txt.items():
        stated[facts.MDNS_TXT_PREFIX + key] = value
    return stated


def read_txt(text: bytes) -> dict[str, str]:
    """The pairs of a TXT record; of a repeated key the first counts (RFC 6763 section 6.4)."""
    pairs: dict[str, str] = {}
    position = 0
    while position < len(text) and len(pairs) < TXT_PAIRS_MAX:
        length = text[position]
        key, _, value = text[position + 1 : position + 1 + length].partition(b"=")
        position += 1 + length
        name = key.decode("ascii", "replace").lower()
        if _TXT_KEY.fullmatch(name):
            pairs.setdefault(name, clean_text(value)[:TXT_VALUE_CHARS_MAX])
    return {name: value for name, value in pairs.items() if value}


def _announcement(records: Iterable[DNSRecord]) -> Announcement:
    places: dict[str, DNSService] = {}
    texts: dict[str, bytes] = {}
    names: dict[str, None] = {}
    addresses: defaultdict[str, list[str]] = defaultdict(list)
    for record in records:
        if isinstance(record, DNSService):
            places.setdefault(record.name, record)
            names[record.name] = None
        elif isinstance(record, DNSText):
            texts.setdefault(record.name, record.text)
            names[record.name] = None
        elif isinstance(record, DNSPointer):
            names[record.alias] = None
        elif isinstance(record, DNSAddress) and (address := address_of(record.address)):
            addresses[record.name].append(address)
    services: list[Service] = []
    personal = 0
    for name in list(names)[:SERVICES_MAX]:
        found = _INSTANCE.fullmatch(name)
        if found is None:
            continue
        place = places.get(name)
        host = None if place is None else place.server
        txt = read_txt(texts.get(name, b""))
        if is_personal(name) or is_personal(host or "") or any(map(is_carried, txt.values())):
            personal += 1
            continue
        services.append(
            Service(
                instance=clean_text(found["instance"].encode()),
                service=found["service"].lower(),
                host=None if host is None else clean_text(_LOCAL.sub("", host).encode()) or None,
                port=None if place is None else place.port,
                txt={key: value for key, value in txt.items() if not is_personal(value)},
                addresses=tuple(addresses.get(host or "", ()))[:ADDRESSES_MAX],
            )
        )
    return Announcement(services=tuple(services), personal=personal)
