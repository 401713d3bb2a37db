"""Station 4, fifth step: from all that was stated about one device, one value a field - and the contradictions.

Pure. The order of precedence is the table in docs/guides/identity.md; a person's lock stands above it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from riskdb.identify.groups import BELIEVED_CONFIDENCE
from riskdb.identify.keys import Evidence, bare_name, fqdn, normal_maker, normal_serial
from riskdb.model import facts
from riskdb.model.asset import Attribute, AttributeName, Conflict
from riskdb.model.observation import Observation, Protocol

_LISTED: Mapping[AttributeName, str] = {
    AttributeName.NAME: facts.IMPORT_NAME,
    AttributeName.DEVICE_TYPE: facts.IMPORT_DEVICE_TYPE,
    AttributeName.MANUFACTURER: facts.IMPORT_MANUFACTURER,
    AttributeName.MODEL: facts.IMPORT_MODEL,
    AttributeName.FIRMWARE: facts.IMPORT_FIRMWARE,
    AttributeName.SERIAL: facts.IMPORT_SERIAL,
    AttributeName.UDI_DI: facts.IMPORT_UDI_DI,
    AttributeName.ASSET_TAG: facts.IMPORT_ASSET_TAG,
    AttributeName.HOSTNAME: facts.IMPORT_HOSTNAME,
    AttributeName.UNIT: facts.IMPORT_UNIT,
    AttributeName.ROOM: facts.IMPORT_ROOM,
    AttributeName.STATUS: facts.IMPORT_STATUS,
}
# What the wire cannot know, or knows worse than the people who keep the list.
_PAPER_FIRST = frozenset(
    {AttributeName.NAME, AttributeName.UDI_DI, AttributeName.ASSET_TAG, AttributeName.UNIT, AttributeName.ROOM}
    | {AttributeName.STATUS}
)
# What a device does not change in its life: the surest statement counts, then the newest; elsewhere the newest.
_LASTING = frozenset(
    {AttributeName.DEVICE_TYPE, AttributeName.CATEGORY, AttributeName.MANUFACTURER, AttributeName.MODEL}
    | {AttributeName.SERIAL}
)
# A device has several of these at once; only a list's value that was never seen contradicts.
_MANY = frozenset({AttributeName.ADDRESS, AttributeName.MAC, AttributeName.HOSTNAME})
_NEVER_CONFLICTING = frozenset({AttributeName.NAME, AttributeName.STATUS, AttributeName.CATEGORY})

_INFERRED, _DOUBTFUL, _PAPER, _BELIEVED = range(4)  # how far a statement is believed, the least first


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One source says one value of one field."""

    field: AttributeName
    attribute: Attribute
    standing: int
    confidence: float
    detail: int = 0  # how good the kind of statement is among equals


def choose(
    evidence: Iterable[Evidence],
    *,
    locked: Mapping[AttributeName, Attribute],
    inferred: Iterable[tuple[AttributeName, Attribute]] = (),
) -> tuple[dict[AttributeName, Attribute], tuple[Conflict, ...]]:
    """The chosen value of every field, and what contradicts it; evidence comes in canonical order.

    `inferred` fills what nobody states, the better first.
    A lock wins where it has a value; an empty one never blocks a first fill.
    """
    newest: dict[tuple[object, ...], Statement] = {}
    for item in evidence:  # in order of time: of one statement made again and again the last time counts
        for said in _statements(item):
            newest[said.field, said.attribute.value, said.attribute.source, said.standing, said.detail] = said
    stated: dict[AttributeName, list[Statement]] = defaultdict(list)
    for statement in newest.values():
        stated[statement.field].append(statement)
    for place, (field, attribute) in enumerate(inferred):
        # Below every list, and a visible contradiction where a list says otherwise.
        stated[field].append(
            Statement(field=field, attribute=attribute, standing=_INFERRED, confidence=0.0, detail=-place)
        )
    chosen: dict[AttributeName, Attribute] = {}
    conflicts: list[Conflict] = []
    for field in AttributeName:
        if field not in stated and field not in locked:
            continue
        statements = sorted(stated.get(field, ()), key=_preference, reverse=True)
        lock = locked.get(field)
        if lock is not None and lock.value:
            chosen[field] = lock
        elif statements:
            chosen[field] = statements[0].attribute
        if field in chosen and field not in _NEVER_CONFLICTING:
            others = _contradicting(chosen[field], statements)
            if others:
                conflicts.append(Conflict(field=field.value, chosen=chosen[field], others=others))
    return chosen, tuple(conflicts)


def _preference(statement: Statement) -> tuple[object, ...]:
    paper_first = statement.field in _PAPER_FIRST
    standing = statement.standing if not paper_first else statement.standing == _PAPER
    seen_at = statement.attribute.seen_at
    surest: tuple[object, ...] = (statement.confidence,) if statement.field in _LASTING else ()
    # Equal in everything: the text itself decides, so that no order of reading does.
    return (standing, *surest, statement.detail, seen_at, statement.confidence, statement.attribute.value)


def _contradicting(chosen: Attribute, statements: Sequence[Statement]) -> tuple[Attribute, ...]:
    """The newest value of every other source, where it differs from the chosen one: old values are history."""
    if not statements:
        return ()
    field = statements[0].field
    newest: dict[str, Statement] = {}
    for statement in statements:
        source = statement.attribute.source
        held = newest.get(source)
        if held is None or (statement.attribute.seen_at, statement.attribute.value) > (
            held.attribute.seen_at,
            held.attribute.value,
        ):
            newest[source] = statement
    known = {_plain(field, chosen.value)}
    if field in _MANY:
        known |= {_plain(field, s.attribute.value) for s in statements if s.standing != _PAPER}
        candidates = [s for s in newest.values() if s.standing == _PAPER]
    else:
        candidates = [s for s in newest.values() if s.standing != _DOUBTFUL]
    others = {
        _plain(field, s.attribute.value): s.attribute
        for s in sorted(candidates, key=_preference)
        if _plain(field, s.attribute.value) not in known and s.attribute.source != chosen.source
    }
    return tuple(attribute for _, attribute in sorted(others.items()))


def _plain(field: AttributeName, value: str) -> str:
    if field is AttributeName.MANUFACTURER:
        return normal_maker(value)
    if field is AttributeName.SERIAL:
        return normal_serial(value) or value.casefold()
    if field is AttributeName.HOSTNAME:
        return bare_name(value) or value.casefold()
    return "".join(value.casefold().split())


def _statements(item: Evidence) -> list[Statement]:
    return _paper_statements(item.observation) if item.paper else _wire_statements(item)


def _paper_statements(observation: Observation) -> list[Statement]:
    values = {field: observation.facts.get(fact) for field, fact in _LISTED.items()}
    values[AttributeName.ADDRESS], values[AttributeName.MAC] = observation.address, observation.mac
    source = str(observation.agent)
    return [
        _statement(field, value, source=source, observation=observation, standing=_PAPER)
        for field, value in values.items()
        if value
    ]


def _wire_statements(item: Evidence) -> list[Statement]:
    observation, claim = item.observation, item.sighting.claim
    source = str(claim.card) if claim.card else observation.protocol.value
    standing = _BELIEVED if claim.confidence >= BELIEVED_CONFIDENCE else _DOUBTFUL
    serial = claim.serial or observation.facts.get(facts.SNMP_ENT_SERIAL)
    # A device knows its own version and serial better than who typed them, whatever card read them.
    claimed = (
        (AttributeName.CATEGORY, claim.category.value if claim.category else None, standing),
        (AttributeName.DEVICE_TYPE, claim.device_type, standing),
        (AttributeName.MANUFACTURER, claim.manufacturer, standing),
        (AttributeName.MODEL, claim.model, standing),
        (AttributeName.FIRMWARE, claim.firmware, _BELIEVED),
        (AttributeName.SERIAL, serial if serial and normal_serial(serial) else None, _BELIEVED),
    )
    found = [
        _statement(field, value, source=source, observation=observation, standing=stands, confidence=claim.confidence)
        for field, value, stands in claimed
        if value
    ]
    return found + _network_statements(item)


def _network_statements(item: Evidence) -> list[Statement]:
    observation = item.observation
    source = observation.protocol.value
    own = observation.mac if observation.mac in item.macs else next(iter(item.macs), None)
    mac = own or next(iter(item.refused_macs), None)
    hostname, detail = _hostname(observation.facts)
    instance = observation.facts.get(facts.MDNS_INSTANCE)
    found = [
        (AttributeName.ADDRESS, observation.address, 2 if observation.protocol is not Protocol.LLDP else 1),
        (AttributeName.MAC, mac, 0 if own is None else 1 if mac != observation.mac else 2),  # seen is surer than told
        (AttributeName.HOSTNAME, hostname, detail),
        (AttributeName.NAME, instance or hostname, 1 if instance else 2),
    ]
    return [
        _statement(field, value, source=source, observation=observation, standing=_BELIEVED, confidence=1.0, detail=d)
        for field, value, d in found
        if value
    ]


def _hostname(stated: Mapping[str, str]) -> tuple[str | None, int]:
    """The host name as stated, and how good it is: with its domain, bare, or of mDNS."""
    for fact in (facts.SNMP_SYS_NAME, facts.LLDP_SYS_NAME, facts.DHCP_HOSTNAME, facts.MDNS_HOST):
        text = stated.get(fact, "").strip().rstrip(".")
        if bare_name(text):
            return text, 3 if fqdn(text) else 1 if fact == facts.MDNS_HOST else 2
    return None, 0


def _statement(
    field: AttributeName,
    value: str,
    *,
    source: str,
    observation: Observation,
    standing: int,
    confidence: float = 0.0,
    detail: int = 0,
) -> Statement:
    attribute = Attribute(
        value=value.strip(), source=source, observation=observation.id, seen_at=observation.seen_at, locked=False
    )
    return Statement(field=field, attribute=attribute, standing=standing, confidence=confidence, detail=detail)
