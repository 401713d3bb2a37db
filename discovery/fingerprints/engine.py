"""Station 3: an observation and the cards in, a claim out. Not knowing is a claim too.

Pure, deterministic, and it never raises: cards were checked when they were read. The main flow is `recognise`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from discovery.fingerprints.card import Ask, Card, Maturity, Reading
from discovery.fingerprints.pattern import TEXT_CHARS_MAX
from discovery.fingerprints.standard import StandardReading, is_placeholder, read_standard
from riskdb.model import facts
from riskdb.model.claim import Category, Claim
from riskdb.model.ids import CardId
from riskdb.model.observation import Observation

STANDARD_CARD = CardId("standard-mibs")  # stands in a claim that standard MIBs alone support
STANDARD_VERSION = "1"
# How far a claim may be believed: what a person checked, what was seen, what was written down, what a MIB implies.
CONFIDENCE = {Maturity.CONFIRMED: 0.95, Maturity.RECORDED: 0.85, Maturity.DRAFTED: 0.6}
STANDARD_CONFIDENCE = 0.4
MAKER_CONFIDENCE = 0.2  # an enterprise number and nothing else
SELF_ARCS_MAX = 64  # of a sysObjectID that questions are put below; with the question it stays within 128 arcs
FIELD_CHARS_MAX = 200  # a model, a version or a serial; longer is prose

# LLDP carries the same text as sysDescr and sysName (IEEE 802.1AB 8.5.6 and 8.5.7): a neighbour is known untouched.
_SAME_TEXT = {facts.SNMP_SYS_DESCR: facts.LLDP_SYS_DESCR, facts.SNMP_SYS_NAME: facts.LLDP_SYS_NAME}


@dataclass(frozen=True, slots=True)
class CardSet:
    """Checked cards, in the order of their ids."""

    cards: tuple[Card, ...]
    version: str  # digest over all cards: another value means every claim may change


@dataclass(frozen=True, slots=True)
class _Hit:
    card: Card
    weight: tuple[int, int]
    captured: Mapping[str, str]


def recognise(observation: Observation, cards: CardSet) -> Claim:
    """What the observation says the device is: the most specific card first, then the standard MIBs.

    Of several matching cards wins the one that requires more facts, then the one that fixes more characters, then the
    one with the smaller id. What it leaves open is filled by standard MIBs, never by a less specific card.
    """
    stated = observation.facts
    standard = read_standard(stated)
    hits = _hits(stated, cards.cards)
    if not hits:
        return _claim_of_standard(observation, standard)
    best = hits[0].card
    fields = _fields_of_card(stated, hits[0])
    return Claim(
        observation=observation.id,
        category=best.category,
        device_type=best.device_type,
        manufacturer=fields.get("manufacturer") or _manufacturer(standard),
        model=fields.get("model")
        or standard.model
        or (standard.printer if best.category is Category.PRINTER else None),
        firmware=fields.get("firmware") or standard.firmware,
        serial=fields.get("serial") or standard.serial,
        card=best.id,
        card_version=best.version,
        cards=tuple(hit.card.id for hit in hits),
        confidence=CONFIDENCE[best.maturity],
    )


def further_asks(stated: Mapping[str, str], cards: CardSet) -> tuple[Ask, ...]:
    """The OIDs worth asking a device that has stated this much, each once.

    A card's questions are due when all it matches on matches, apart from the answers to its own questions.
    """
    due: dict[Ask, None] = {}
    for card in cards.cards:
        asked = {ask.fact for ask in card.asks}
        if asked and any(_matches([r for r in m if r.fact not in asked], stated) is not None for m in card.match):
            due.update(dict.fromkeys(card.asks))
    own = _arcs(stated.get(facts.SNMP_SYS_OBJECT_ID, ""))
    resolved = (_below(ask, own) for ask in due)
    return tuple(ask for ask in resolved if ask is not None)


def _below(ask: Ask, own: tuple[int, ...]) -> Ask | None:
    """A question below the device's own sysObjectID with that put in front; None if the device states none."""
    if ask.self_arcs is None:
        return ask
    return replace(ask, oid=(*own, *ask.oid), self_arcs=len(own)) if own else None


def _arcs(dotted: str) -> tuple[int, ...]:
    parts = dotted.split(".")
    return tuple(map(int, parts)) if 6 < len(parts) <= SELF_ARCS_MAX and all(p.isdecimal() for p in parts) else ()


def _hits(stated: Mapping[str, str], cards: Sequence[Card]) -> list[_Hit]:
    """Every card that matches, the most specific first. Of several matching alternatives the heaviest weighs."""
    hits: list[_Hit] = []
    for card in cards:
        matching = [
            (weight, captured)
            for readings, weight in zip(card.match, card.weights, strict=True)
            if (captured := _matches(readings, stated)) is not None
        ]
        if matching:
            matching.sort(key=lambda each: each[0])
            fields = {name: value for _, captured in matching for name, value in captured.items()}
            hits.append(_Hit(card, matching[-1][0], fields))
    hits.sort(key=lambda hit: (-hit.weight[0], -hit.weight[1], hit.card.id))
    return hits


def _matches(readings: Sequence[Reading], stated: Mapping[str, str]) -> dict[str, str] | None:
    """The fields captured when every reading matches, else None."""
    captured: dict[str, str] = {}
    for reading in readings:
        found = _read(reading, stated)
        if found is None:
            return None
        captured.update(found)
    return captured


def _read(reading: Reading, stated: Mapping[str, str]) -> dict[str, str] | None:
    text = stated.get(reading.fact)
    if text is None and reading.fact in _SAME_TEXT:
        text = stated.get(_SAME_TEXT[reading.fact])
    found = None if text is None else reading.pattern.match(text[:TEXT_CHARS_MAX])
    if found is None:
        return None
    values = {name: value.strip()[:FIELD_CHARS_MAX] for name, value in found.groupdict().items() if value}
    return {name: value for name, value in values.items() if not is_placeholder(value)}


def _fields_of_card(stated: Mapping[str, str], hit: _Hit) -> dict[str, str]:
    """What the match captured, then what `reads` adds in its order, then what the card asserts."""
    fields = dict(hit.captured)
    for reading in hit.card.reads:
        for name, value in (_read(reading, stated) or {}).items():
            fields.setdefault(name, value)
    for name, value in hit.card.asserts.items():
        fields.setdefault(name, value)
    return fields


def _manufacturer(standard: StandardReading) -> str | None:
    return standard.manufacturer or (None if standard.maker is None else standard.maker.name)


def _claim_of_standard(observation: Observation, standard: StandardReading) -> Claim:
    """Without a card: what a standard MIB implies, else what the maker nearly only makes."""
    by_mib = standard.category is not None or standard.model is not None
    makes = None if standard.maker is None else standard.maker.makes
    known = by_mib or makes is not None
    manufacturer = _manufacturer(standard)
    return Claim(
        observation=observation.id,
        category=standard.category or makes,
        manufacturer=manufacturer,
        model=standard.model or standard.printer,
        firmware=standard.firmware,
        serial=standard.serial,
        card=STANDARD_CARD if known else None,
        card_version=STANDARD_VERSION if known else None,
        cards=(STANDARD_CARD,) if known else (),
        confidence=STANDARD_CONFIDENCE if by_mib else MAKER_CONFIDENCE if manufacturer or makes else 0.0,
    )
