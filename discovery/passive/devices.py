"""Stations 1 to 3 over a file: recordings and captures into one claim a device, without network or database.

Pure: the file's content in, claims out. A recording is one device; a capture has one a sender.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from discovery.fingerprints import CardSet, further_asks, recognise
from discovery.passive.files import Kind, Source
from discovery.passive.pcap import Capture, Packet
from discovery.passive.snmprec import read_snmprec
from discovery.wire.heard import Listener, decode
from discovery.wire.mib import asked_facts, device_facts
from discovery.wire.rows import Rows
from discovery.wire.snmp import Message, PduKind, VarBind, decode_message
from riskdb.model.claim import Claim
from riskdb.model.ids import AgentId, CardId, EstablishmentId
from riskdb.model.observation import Observation, Protocol, observe

DEVICES_MAX = 65_536  # of one capture; protects memory against forged senders
VARBINDS_MAX = 200_000  # kept of one device in a capture
_LISTENER = Listener(establishment=EstablishmentId(0), agent=AgentId("identify"))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # a recording has no time, and a claim needs none


@dataclass(frozen=True, slots=True)
class Device:
    """A device of a file, and what its statements together claim."""

    address: str | None
    claim: Claim


@dataclass(frozen=True, slots=True)
class Found:
    """The devices of a file and, if something could not be read, what."""

    devices: tuple[Device, ...]
    problem: str | None = None


def identify(source: Source, *, cards: CardSet) -> Found:
    """The devices of a recording or a capture."""
    if source.kind is Kind.CAPTURE:
        return _identify_capture(source.content, cards)
    recording = read_snmprec(source.content)
    if recording.rejects and not recording.varbinds:
        return Found((), "no recording: no line of it is OID|tag|value")
    stated = snmp_facts(Rows(recording.varbinds), cards=cards)
    return Found((Device(None, recognise(_observation(None, Protocol.SNMP, stated), cards)),))


def snmp_facts(rows: Rows, *, cards: CardSet) -> dict[str, str]:
    """What a device's variables state, with the answers to what the matching cards would ask."""
    stated = device_facts(rows)
    return stated | asked_facts(rows, further_asks(stated, cards))


def _observation(address: str | None, protocol: Protocol, stated: Mapping[str, str]) -> Observation:
    return observe(
        establishment=_LISTENER.establishment,
        agent=_LISTENER.agent,
        seen_at=_EPOCH,
        address=address,
        mac=None,
        protocol=protocol,
        facts=stated,
    )


@dataclass(slots=True)
class _Sender:
    varbinds: list[VarBind] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)


def _identify_capture(content: bytes, cards: CardSet) -> Found:
    capture = Capture(content)
    senders: dict[str, _Sender] = {}
    for packet in capture:
        _gather(packet, senders)
    devices = [_device(name, sender, cards) for name, sender in sorted(senders.items())]
    return Found(tuple(devices), capture.problem)


def _gather(packet: Packet, senders: dict[str, _Sender]) -> None:
    datagram = packet.datagram
    if datagram.protocol is Protocol.SNMP:
        message = decode_message(datagram.payload)
        answers = isinstance(message, Message) and message.pdu in (PduKind.RESPONSE, PduKind.TRAP, PduKind.INFORM)
        if isinstance(message, Message) and answers and (sender := _sender(senders, datagram.source)):
            sender.varbinds.extend(message.varbinds[: max(VARBINDS_MAX - len(sender.varbinds), 0)])
        return
    for observation in decode(datagram, listener=_LISTENER, mac=packet.mac).observations:
        name = observation.address or observation.mac
        if name is not None and (sender := _sender(senders, name)):
            sender.observations.append(observation)


def _sender(senders: dict[str, _Sender], name: str) -> _Sender | None:
    if name not in senders and len(senders) >= DEVICES_MAX:
        return None
    return senders.setdefault(name, _Sender())


def _device(name: str, sender: _Sender, cards: CardSet) -> Device:
    observations = list(sender.observations)
    if sender.varbinds:
        observations.append(_observation(name, Protocol.SNMP, snmp_facts(Rows(sender.varbinds), cards=cards)))
    return Device(name, combine(recognise(observation, cards) for observation in observations))


def combine(claims: Iterable[Claim]) -> Claim:
    """One claim of several about one device: the most believed first, the others fill what it leaves open."""
    ordered = sorted(claims, key=lambda claim: (-claim.confidence, claim.observation))
    best = ordered[0]
    for claim in ordered[1:]:
        best = replace(
            best,
            category=best.category or claim.category,
            device_type=best.device_type or claim.device_type,
            manufacturer=best.manufacturer or claim.manufacturer,
            model=best.model or claim.model,
            firmware=best.firmware or claim.firmware,
            serial=best.serial or claim.serial,
        )
    seen: dict[CardId, None] = dict.fromkeys(card for claim in ordered for card in claim.cards)
    return replace(best, cards=tuple(seen))
