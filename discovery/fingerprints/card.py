"""Part of station 3: a fingerprint card, and how its text becomes a checked value (docs/guides/cards.md).

Pure: text in, cards or `CardError` out. The vocabulary is closed: an unknown key, fact, field or word is refused, so a
card that loads says what it means.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import yaml

from discovery.fingerprints.pattern import PatternError, compile_pattern, literal_chars
from riskdb.model.claim import Category
from riskdb.model.facts import SNMP_OID_PREFIX, SNMP_SELF_PREFIX, is_fact_name
from riskdb.model.ids import CardId, DeviceTypeId

CARD_FILE_BYTES_MAX = 1_000_000  # the shipped files have some 30,000; protects the parser
ASKS_MAX = 24  # questions one card may cost a device
_ASKED_PREFIXES = (SNMP_OID_PREFIX, SNMP_SELF_PREFIX)
FIELDS = frozenset({"manufacturer", "model", "firmware", "serial"})
_KEYS = frozenset(
    {"id", "category", "device_type", "maturity", "source", "match", "reads", "asserts", "asks", "examples", "never"}
)
_ID = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
_ASK = re.compile(r"(self|[0-2](\.[0-9]{1,10}){2})(\.[0-9]{1,10}){1,40}(\.\*)?")


class CardError(ValueError):
    """A card that cannot be taken: file, card and the rule it breaks."""


class Maturity(StrEnum):
    """Where a card's knowledge comes from."""

    DRAFTED = "drafted"  # from documentation, or invented for the practice hospital
    RECORDED = "recorded"  # its patterns were seen in recordings of real devices
    CONFIRMED = "confirmed"  # a person compared the claim with the device in front of him


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A pattern read from one fact."""

    fact: str
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """Facts, and the fields that the claim made of them must have."""

    given: Mapping[str, str]
    gives: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """An OID worth asking: one instance (`..5.1.0`), or with `first` the first instance below a column (`..5.1.*`).

    `self_arcs` is None but for a question below the device's own sysObjectID (`self.1.4.0`): then it counts the arcs
    that come from there, 0 until the device is known.
    """

    oid: tuple[int, ...]
    first: bool
    self_arcs: int | None = None

    @property
    def fact(self) -> str:
        """The name under which the value becomes a fact."""
        prefix = SNMP_OID_PREFIX if self.self_arcs is None else SNMP_SELF_PREFIX
        return prefix + ".".join(map(str, self.oid[self.self_arcs or 0 :]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What is known of one family of devices: how to tell it, and where to read its particulars."""

    id: CardId
    category: Category
    device_type: DeviceTypeId | None
    maturity: Maturity
    source: str
    match: tuple[tuple[Reading, ...], ...]  # any of these; of one, every reading
    reads: tuple[Reading, ...]
    asserts: Mapping[str, str]
    asks: tuple[Ask, ...]
    examples: tuple[Example, ...]
    never: tuple[Mapping[str, str], ...]
    version: str  # digest of the card's content
    weights: tuple[tuple[int, int], ...]  # for each alternative of `match`: facts required, characters fixed


def parse_cards(text: str, *, origin: str) -> tuple[Card, ...]:
    """The cards of one file, a YAML document each; CardError names file, card and rule."""
    if len(text) > CARD_FILE_BYTES_MAX:
        raise CardError(f"reading cards {origin}: more than {CARD_FILE_BYTES_MAX} characters")
    try:
        documents = list(yaml.load_all(text, Loader=_LOADER))  # a safe loader, C or Python
    except yaml.YAMLError as error:
        raise CardError(f"reading cards {origin}: no YAML: {error}") from error
    cards: list[Card] = []
    for index, document in enumerate(d for d in documents if d is not None):
        name = document.get("id", index) if isinstance(document, dict) else index
        try:
            cards.append(_card(document))
        except (CardError, PatternError) as error:
            raise CardError(f"reading cards {origin}: card {name}: {error}") from error
    return tuple(cards)


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _card(document: Any) -> Card:
    if not isinstance(document, dict):
        raise CardError("not a mapping")
    unknown = sorted(map(str, set(document) - _KEYS))
    if unknown:
        raise CardError(f"unknown key {unknown[0]!r}")
    device_type = document.get("device_type")
    if device_type is not None and not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", str(device_type)):
        raise CardError(f"device_type {device_type!r} is no id of the knowledge pack")
    match = tuple(tuple(_readings(m, where="match")) for m in _list(document.get("match")))
    if not match or not all(match):
        raise CardError("match is empty")
    asks = tuple(_ask(a) for a in _list(document.get("asks")))
    if len(asks) > ASKS_MAX:
        raise CardError(f"asks more than {ASKS_MAX} OIDs")
    card = Card(
        id=CardId(_word(document, "id", _ID)),
        category=Category(_one_of(document, "category", Category)),
        device_type=None if device_type is None else DeviceTypeId(device_type),
        maturity=Maturity(_one_of(document, "maturity", Maturity)),
        source=_text(document.get("source"), where="source"),
        match=match,
        reads=tuple(r for m in _list(document.get("reads")) for r in _readings(m, where="reads")),
        asserts=_fields(document.get("asserts") or {}, where="asserts"),
        asks=asks,
        examples=tuple(_example(e) for e in _list(document.get("examples"))),
        never=tuple(_facts(n, where="never") for n in _list(document.get("never"))),
        version=hashlib.sha256(json.dumps(document, sort_keys=True, default=str).encode()).hexdigest()[:12],
        weights=tuple(_weight(m) for m in match),
    )
    _check_whole(card)
    return card


def _weight(match: tuple[Reading, ...]) -> tuple[int, int]:
    """How specific a match is: facts required, an answer from a vendor's own MIB counting twice, then characters."""
    required = sum(2 if r.fact.startswith(_ASKED_PREFIXES) else 1 for r in match)
    return required, sum(literal_chars(r.pattern.pattern) for r in match)


def _check_whole(card: Card) -> None:
    """What only shows when the parts stand together."""
    asked = {a.fact for a in card.asks}
    used = {r.fact for m in card.match for r in m} | {r.fact for r in card.reads}
    unasked = sorted(f for f in used if f.startswith(_ASKED_PREFIXES) and f not in asked)
    if unasked:
        raise CardError(f"reads {unasked[0]} but does not ask for it")
    if any(all(r.fact in asked for r in m) for m in card.match):
        raise CardError("matches on its own questions alone: it would put them to every device")
    unread = sorted(asked - used)
    if unread:
        raise CardError(f"asks for {unread[0]} but does not read it")
    idle = [r.fact for r in card.reads if not r.pattern.groupindex]
    if idle:
        raise CardError(f"reads {idle[0]} but captures no field from it")
    if not card.examples:
        raise CardError("no example")


def _readings(mapping: Any, *, where: str) -> Iterator[Reading]:
    if not isinstance(mapping, dict):
        raise CardError(f"{where} is not a mapping of facts to patterns")
    for fact, source in mapping.items():
        _check_fact(fact, where=where)
        if not isinstance(source, str):
            raise CardError(f"{where}: the pattern of {fact} is not a text")
        try:
            pattern = compile_pattern(source)
        except PatternError as error:
            raise CardError(f"{where}: the pattern of {fact}: {error}") from error
        strange = sorted(set(pattern.groupindex) - FIELDS)
        if strange or pattern.groups != len(pattern.groupindex):
            raise CardError(f"{where}: {fact} captures {strange or 'a nameless group'}; fields are {sorted(FIELDS)}")
        yield Reading(fact=fact, pattern=pattern)


def _check_fact(fact: Any, *, where: str) -> None:
    if not isinstance(fact, str) or not is_fact_name(fact):
        raise CardError(f"{where}: unknown fact {fact!r}")


def _facts(mapping: Any, *, where: str) -> Mapping[str, str]:
    if not isinstance(mapping, dict) or not mapping:
        raise CardError(f"{where} is not a mapping of facts to values")
    for fact, value in mapping.items():
        _check_fact(fact, where=where)
        _text(value, where=f"{where}: {fact}")
    return mapping


def _example(document: Any) -> Example:
    if not isinstance(document, dict) or set(document) != {"given", "gives"}:
        raise CardError("an example has given and gives")
    return Example(
        given=_facts(document["given"], where="given"), gives=_fields(document["gives"] or {}, where="gives")
    )


def _fields(mapping: Any, *, where: str) -> Mapping[str, str]:
    if not isinstance(mapping, dict) or set(mapping) - FIELDS:
        raise CardError(f"{where}: fields are {sorted(FIELDS)}")
    return {field: _text(value, where=f"{where}: {field}") for field, value in mapping.items()}


def _ask(value: Any) -> Ask:
    if not isinstance(value, str) or not _ASK.fullmatch(value):
        raise CardError(f"asks: {value!r} is no OID")
    dotted = value.removesuffix(".*").removeprefix("self.")
    return Ask(
        oid=tuple(map(int, dotted.split("."))),
        first=value.endswith(".*"),
        self_arcs=0 if value.startswith("self.") else None,
    )


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _text(value: Any, *, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise CardError(f"{where} is not a text: write it in quotes")
    return value


def _word(document: Mapping[str, Any], key: str, shape: re.Pattern[str]) -> str:
    value = _text(document.get(key), where=key)
    if not shape.fullmatch(value):
        raise CardError(f"{key} {value!r} is not of lower-case letters, digits and hyphens")
    return value


def _one_of(document: Mapping[str, Any], key: str, words: type[StrEnum]) -> str:
    value = document.get(key)
    if value not in {w.value for w in words}:
        raise CardError(f"{key} {value!r} is none of {', '.join(w.value for w in words)}")
    return str(value)
