"""Station 4, first step: one observation and its claim in, typed keys and names out.

Pure; it joins nothing and compares nothing. docs/guides/identity.md says what each key is worth and why.
"""

import functools
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from riskdb.model import facts
from riskdb.model.asset import IdentityKey, KeyKind, KeyStrength, Sighting
from riskdb.model.claim import Claim
from riskdb.model.observation import Observation, Protocol

SERIAL_CHARS_MIN = 4  # shorter numbers are counters, not serials: every maker has a device 12
SERIAL_CHARS_MAX = 64  # the longest serial of a regulated device (UDI production identifier) has 20 characters
ENGINE_OCTETS_MIN, ENGINE_OCTETS_MAX = 5, 32  # RFC 3411 section 5: SnmpEngineID
PRODUCT_PREFIX, DESCRIPTION_PREFIX = "model:", "descr:"  # tokens that many devices share
CACHED_TEXTS_MAX = 65_536  # normalised texts kept, so that a switch's ten thousand rows normalise its name once
PROTOCOLS_ABOUT_OTHERS = frozenset({Protocol.BRIDGE, Protocol.ARP, Protocol.LLDP})


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PLACEHOLDER_SERIALS = _words("ABCD1234 ABC123 ABC1234 A1B2C3 A1B2C3D4")  # words have no digit and are refused anyway
_COUNTING = "01234567890123456789"
_SERIAL_PREFIX = re.compile(
    r"^\s*(?:s\s*/\s*n|serial(?:\s*(?:no|number|nr))?|n°\s*de\s*série)\s*[.:#]*\s*", re.IGNORECASE
)
# Legal forms and words that makers add and lists leave out: "GE HealthCare Technologies Inc." is "GE".
_MAKER_WORDS = _words(
    """ag ab as bv co corp corporation company gmbh inc incorporated kg kgaa limited llc ltd nv oy plc pty sa sarl sas
    se spa srl cokg the group holding holdings international technologies technology systems system medical
    medizintechnik healthcare healthineers health care deutschland france usa america europe"""
)
_UMLAUTS = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "ss", "æ": "a", "ø": "o"})
_PLACEHOLDER_NAMES = _words(
    """localhost none unknown default switch router printer host device server noname hostname system sysname
    android iphone espressif raspberrypi openwrt ubuntu debian linux"""
)
_HOSTNAME = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_LOCAL_DOMAINS = frozenset({"local", "localdomain", "lan", "home", "internal", "arpa", "invalid", "test", "example"})
# Addresses that routers share on purpose: VRRP (RFC 5798 section 7.3), HSRP 1 and 2, GLBP, CARP uses the first.
_VIRTUAL_MACS = ("00:00:5e:00:01:", "00:00:5e:00:02:", "00:00:0c:07:ac:", "00:00:0c:9f:f", "00:07:b4:00:")
_EMPTY_MACS = frozenset({"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "00:11:22:33:44:55", "00:01:02:03:04:05"})

# Where a device's own host name is stated. Two names contradict each other only within one row of this table.
_HOST_FACTS: Mapping[str, str] = {
    facts.SNMP_SYS_NAME: "snmp",
    facts.LLDP_SYS_NAME: "snmp",  # the same object, told by a neighbour
    facts.MDNS_HOST: "mdns",
    facts.DHCP_HOSTNAME: "dhcp",
    facts.IMPORT_HOSTNAME: "paper",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one observation says about who the device is."""

    sighting: Sighting
    paper: bool  # a line of an imported list
    strong: tuple[IdentityKey, ...]
    medium: tuple[IdentityKey, ...]  # except MACs
    weak: tuple[IdentityKey, ...]
    macs: tuple[str, ...]  # universal, of the device itself
    refused_macs: tuple[str, ...]  # locally administered, multicast or virtual
    address: str | None
    names: frozenset[tuple[str, str]]  # (where it is stated, bare host name)
    tokens: frozenset[str]  # what says, at one address, that the same device speaks again

    @property
    def observation(self) -> Observation:
        """The observation it was read from."""
        return self.sighting.observation

    @property
    def anonymous(self) -> bool:
        """Whether nothing but its address says who speaks."""
        return not (self.strong or self.macs or self.names)


def strength_of(key: IdentityKey) -> KeyStrength:
    """How far a key may be trusted as long as nothing demotes it."""
    if key.kind in {KeyKind.UDI_SERIAL, KeyKind.ENGINE_ID, KeyKind.TLS_KEY}:
        return KeyStrength.STRONG
    if key.kind is KeyKind.SERIAL:
        return KeyStrength.MEDIUM if key.value.startswith("/") else KeyStrength.STRONG
    if key.kind is KeyKind.MAC:
        return KeyStrength.MEDIUM if is_universal(key.value) else KeyStrength.WEAK
    if key.kind in {KeyKind.AE_TITLE, KeyKind.FQDN, KeyKind.ASSET_TAG}:
        return KeyStrength.MEDIUM
    return KeyStrength.WEAK


def read_evidence(sighting: Sighting) -> Evidence:
    """The keys and names of one sighting."""
    observation, claim = sighting.observation, sighting.claim
    stated = observation.facts
    address = leased_address(observation.address)
    universal, refused = _macs(observation)
    strong, medium = _device_keys(observation, claim)
    ae_title = stated.get(facts.DICOM_AE_TITLE, "").strip()
    if ae_title and address:
        medium.append(IdentityKey(kind=KeyKind.AE_TITLE, value=f"{ae_title}@{address}"))
    names = frozenset(_names(stated))
    medium += [IdentityKey(kind=KeyKind.FQDN, value=name) for name in _fqdns(stated)]
    return Evidence(
        sighting=sighting,
        paper=observation.protocol is Protocol.IMPORT,
        strong=tuple(sorted(set(strong))),
        medium=tuple(sorted(set(medium))),
        weak=_weak_keys(stated, address=address, names=names, refused=refused),
        macs=universal,
        refused_macs=refused,
        address=address,
        names=names,
        tokens=frozenset(_tokens(observation, claim, names=names, refused=refused)),
    )


def _macs(observation: Observation) -> tuple[tuple[str, ...], tuple[str, ...]]:
    stated = {observation.mac, _as_mac(observation.facts.get(facts.SNMP_IF_MAC))}
    if observation.protocol is Protocol.LLDP:
        stated.add(_as_mac(observation.facts.get(facts.LLDP_CHASSIS)))
    found = sorted(mac for mac in stated if mac)
    return tuple(m for m in found if is_universal(m)), tuple(m for m in found if not is_universal(m))


@functools.lru_cache(maxsize=CACHED_TEXTS_MAX)
def _as_mac(text: str | None) -> str | None:
    digits = re.sub(r"[^0-9a-f]", "", (text or "").lower())
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2)) if len(digits) == 12 else None


@functools.lru_cache(maxsize=CACHED_TEXTS_MAX)
def is_universal(mac: str) -> bool:
    """Whether a MAC was given by its maker to one interface: not multicast, local, virtual or empty (IEEE 802)."""
    return not int(mac[:2], 16) & 0b11 and not mac.startswith(_VIRTUAL_MACS) and mac not in _EMPTY_MACS


def is_locally_administered(mac: str) -> bool:
    """Whether software chose the MAC: virtual machines, and phones that hide (IEEE 802 section 8.4)."""
    return bool(int(mac[:2], 16) & 2)


@functools.lru_cache(maxsize=CACHED_TEXTS_MAX)
def is_multicast(mac: str) -> bool:
    """Whether a MAC names a group of receivers and never a sender."""
    return bool(int(mac[:2], 16) & 1)


@functools.lru_cache(maxsize=CACHED_TEXTS_MAX)
def leased_address(address: str | None) -> str | None:
    """An address that one device holds at a time; None for link-local, multicast and unspecified ones."""
    if address is None:
        return None
    parsed = ip_address(address.split("%")[0])
    return None if parsed.is_link_local or parsed.is_multicast or parsed.is_unspecified else str(parsed)


def _device_keys(observation: Observation, claim: Claim) -> tuple[list[IdentityKey], list[IdentityKey]]:
    """Serials, engine id and asset tag."""
    stated = observation.facts
    strong: list[IdentityKey] = []
    medium: list[IdentityKey] = []
    for maker, serial in _serials(observation, claim):
        (strong if maker else medium).append(IdentityKey(kind=KeyKind.SERIAL, value=f"{maker}/{serial}"))
        medium.append(IdentityKey(kind=KeyKind.SERIAL, value=f"/{serial}"))
        device_identifier = re.sub(r"\W", "", stated.get(facts.IMPORT_UDI_DI, "")).upper()
        if device_identifier:
            strong.append(IdentityKey(kind=KeyKind.UDI_SERIAL, value=f"{device_identifier}/{serial}"))
    engine = normal_engine_id(stated.get(facts.SNMP_ENGINE_ID, ""))
    if engine:
        strong.append(IdentityKey(kind=KeyKind.ENGINE_ID, value=engine))
    tag = _squeezed(stated.get(facts.IMPORT_ASSET_TAG, ""))
    if tag:
        medium.append(IdentityKey(kind=KeyKind.ASSET_TAG, value=tag))
    return strong, medium


def _serials(observation: Observation, claim: Claim) -> set[tuple[str, str]]:
    stated = observation.facts
    if observation.protocol is Protocol.IMPORT:
        found = [(stated.get(facts.IMPORT_MANUFACTURER), stated.get(facts.IMPORT_SERIAL))]
    else:
        maker = claim.manufacturer or stated.get(facts.SNMP_ENT_MANUFACTURER)
        found = [
            (maker, claim.serial),
            (maker, stated.get(facts.SNMP_ENT_SERIAL)),
            (maker, stated.get(facts.SNMP_PRT_SERIAL)),
        ]
    pairs = {(normal_maker(maker or ""), normal_serial(serial or "")) for maker, serial in found}
    return {(maker, serial) for maker, serial in pairs if serial}


@functools.lru_cache(maxsize=CACHED_TEXTS_MAX)
def normal_serial(text: str) -> str:
    """A serial without case, punctuation and prefix; empty when it is a placeholder or too short to tell devices apart.

    >>> normal_serial("S/N: ab-12 34x")
    'AB1234X'
    """
    serial = re.sub(r"[^0-9A-Z]", "", _SERIAL_PREFIX.sub("", text).upper())
    if not SERIAL_CHARS_MIN <= len(serial) <= SERIAL_CHARS_MAX or len(set(serial)) == 1:
        return ""
    if not re.search(r"[0-9]", serial):  # <private>, "Number", "unknown": words, in any language
        return ""
    return "" if serial in _PLACEHOLDER_SERIALS or serial in _COUNTING else serial


@functools.lru_cache(maxsize=CACHED_TEXTS_MAX)
def normal_maker(text: str) -> str:
    """A maker's name without legal form, accents and punctuation, so that a list and a banner agree.

    >>> normal_maker("B. Braun SE"), normal_maker("Drägerwerk AG & Co. KGaA"), normal_maker("GE HealthCare")
    ('bbraun', 'dragerwerk', 'ge')
    """
    folded = unicodedata.normalize("NFC", text).casefold().translate(_UMLAUTS)
    plain = "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
    plain = re.sub(r"ae|oe|ue", lambda match: match[0][0], plain)  # Draeger is Dräger
    words = re.findall(r"[a-z0-9]+", plain)
    kept = words[:1] + [word for word in words[1:] if word not in _MAKER_WORDS]
    return "".join(kept)[:SERIAL_CHARS_MAX]


@functools.lru_cache(maxsize=CACHED_TEXTS_MAX)
def normal_engine_id(text: str) -> str:
    """An SNMP engine id that may be unique, else empty: made from an address, all one digit, or out of a manual."""
    digits = re.sub(r"^0x|[^0-9a-f]", "", text.strip().lower())
    if len(digits) % 2 or not ENGINE_OCTETS_MIN <= len(digits) // 2 <= ENGINE_OCTETS_MAX:
        return ""
    octets = bytes.fromhex(digits)
    # RFC 3411 section 5: with the first bit set, octet 5 tells the form; 1 and 2 hold an address, which moves.
    tail = octets[5:] if octets[0] & 0x80 else octets[4:]
    if octets[0] & 0x80 and octets[4] in (1, 2):
        return ""
    counting = bytes(range(1, len(tail) + 1))
    return "" if len(set(tail)) <= 1 or tail == counting or octets[4:] == bytes(range(1, len(octets) - 3)) else digits


def _squeezed(text: str) -> str:
    squeezed = re.sub(r"[^0-9a-z]", "", text.casefold())
    return "" if squeezed in {"na", "none", "unknown", "tbd"} or len(set(squeezed)) == 1 else squeezed


def _names(stated: Mapping[str, str]) -> list[tuple[str, str]]:
    found = [(place, bare_name(stated[fact])) for fact, place in _HOST_FACTS.items() if fact in stated]
    return [(place, name) for place, name in found if name]


@functools.lru_cache(maxsize=CACHED_TEXTS_MAX)
def bare_name(text: str) -> str:
    """The first label of a host name in lower case; empty when it is an address, a placeholder or no host name."""
    label = text.strip().rstrip(".").casefold().split(".")[0]
    if not _HOSTNAME.fullmatch(label) or label.isdigit() or len(label) < 2 or label in _PLACEHOLDER_NAMES:
        return ""
    return label


def _fqdns(stated: Mapping[str, str]) -> list[str]:
    return [name for fact in _HOST_FACTS if fact in stated and (name := fqdn(stated[fact]))]


@functools.lru_cache(maxsize=CACHED_TEXTS_MAX)
def fqdn(text: str) -> str:
    """A host name with its domain in lower case; empty for a bare host name and for `x.local` of mDNS (RFC 6762).

    A directory's `x.hospital.local` is one: three labels, given out by one authority.
    """
    labels = text.strip().rstrip(".").casefold().split(".")
    if not bare_name(labels[0]) or len(labels) < 2 or not all(_HOSTNAME.fullmatch(label) for label in labels):
        return ""
    if labels[-1].isdigit() or (len(labels) == 2 and labels[-1] in _LOCAL_DOMAINS):
        return ""
    return ".".join(labels)


def _weak_keys(
    stated: Mapping[str, str], *, address: str | None, names: frozenset[tuple[str, str]], refused: tuple[str, ...]
) -> tuple[IdentityKey, ...]:
    keys = {IdentityKey(kind=KeyKind.MAC, value=mac) for mac in refused if not is_multicast(mac)}
    if address:
        keys.add(IdentityKey(kind=KeyKind.ADDRESS, value=address))
    for place, name in names:
        keys.add(IdentityKey(kind=KeyKind.MDNS_NAME if place == "mdns" else KeyKind.HOSTNAME, value=name))
    instance = stated.get(facts.MDNS_INSTANCE, "").strip().casefold()
    if instance:
        keys.add(IdentityKey(kind=KeyKind.MDNS_NAME, value=instance))
    return tuple(sorted(keys))


def _tokens(
    observation: Observation, claim: Claim, *, names: frozenset[tuple[str, str]], refused: tuple[str, ...]
) -> list[str]:
    """Names and descriptions that, heard again at the same leased address, mean that the same device speaks again."""
    stated = observation.facts
    tokens = [f"host:{name}" for _, name in names] + [f"mac:{mac}" for mac in refused if not is_multicast(mac)]
    names_of_services = (facts.MDNS_INSTANCE, facts.DICOM_AE_TITLE, facts.SSDP_USN, facts.BACNET_OBJECT_NAME)
    tokens += [f"{fact}:{stated[fact].strip().casefold()}" for fact in names_of_services if fact in stated]
    if observation.protocol in PROTOCOLS_ABOUT_OTHERS or observation.protocol is Protocol.IMPORT:
        return tokens
    if facts.SNMP_SYS_DESCR in stated:
        tokens.append(f"{DESCRIPTION_PREFIX}{stated.get(facts.SNMP_SYS_OBJECT_ID)}:{stated[facts.SNMP_SYS_DESCR]}")
    product = product_token(claim.manufacturer, claim.model)
    return [*tokens, product] if product else tokens


def product_token(manufacturer: str | None, model: str | None) -> str | None:
    """Maker and model as one token, for what two statements about one address must at least agree on."""
    if not manufacturer or not model:
        return None
    return f"{PRODUCT_PREFIX}{normal_maker(manufacturer)}:{''.join(model.casefold().split())}"
