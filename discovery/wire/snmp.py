"""Station 2: SNMP messages, v1 and v2c whole, v3 far enough to know its engine (RFC 1157, 3416, 3412, 3414).

Pure and bounded: `decode_message` returns a value for any octets and never raises. It can ask GET, GETNEXT and GETBULK
and nothing else: no name in this module builds a SET, a trap or an answer. USM user names are never read.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from discovery.wire import ber
from discovery.wire.ber import BerError, Oid

SNMP_MESSAGE_BYTES_MAX = 65_507  # largest UDP payload over IPv4; more is not a message
VARBINDS_MAX = 4_096  # the smallest binding takes 7 octets, real ones 15 and more; bounds what one packet makes us keep
COMMUNITY_BYTES_MAX = 255
REQUEST_OIDS_MAX = 128  # beyond it the answer would not fit a datagram anyway
REQUEST_ID_MAX = 2**31 - 1
ENGINE_ID_BYTES = range(5, 33)  # RFC 3411 section 5, SnmpEngineID


class Version(IntEnum):
    """The version number as it stands in the message."""

    V1 = 0
    V2C = 1
    V3 = 3


class Question(IntEnum):
    """All that we may ask; the values are the PDU tags."""

    GET = 0xA0
    GETNEXT = 0xA1
    GETBULK = 0xA5


class PduKind(IntEnum):
    """What a message we hear is; the values are the PDU tags."""

    GET = 0xA0
    GETNEXT = 0xA1
    RESPONSE = 0xA2
    SET = 0xA3
    TRAP_V1 = 0xA4
    GETBULK = 0xA5
    INFORM = 0xA6
    TRAP = 0xA7
    REPORT = 0xA8


class ValueKind(IntEnum):
    """The type of a value; the values are the BER tags."""

    INTEGER = 0x02
    OCTETS = 0x04
    NULL = 0x05
    OID = 0x06
    IP_ADDRESS = 0x40
    COUNTER32 = 0x41
    GAUGE32 = 0x42
    TIMETICKS = 0x43
    OPAQUE = 0x44
    COUNTER64 = 0x46
    NO_SUCH_OBJECT = 0x80
    NO_SUCH_INSTANCE = 0x81
    END_OF_MIB_VIEW = 0x82


# What stands in the place of a value that the device does not have.
ABSENT = frozenset({ValueKind.NULL, ValueKind.NO_SUCH_OBJECT, ValueKind.NO_SUCH_INSTANCE, ValueKind.END_OF_MIB_VIEW})

Value = int | bytes | Oid | None  # number, octets (also IpAddress and Opaque), OID, or nothing for the kinds in ABSENT


class VarBind(NamedTuple):
    """One variable: its OID, the kind of its value and the value. A tuple because a walk makes tens of thousands."""

    oid: Oid
    kind: ValueKind
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A decoded message. For GETBULK `error_status` holds non-repeaters and `error_index` max-repetitions.

    An encrypted v3 message has `pdu` None; v3 messages carry the engine id of who answered.
    """

    version: Version
    community: bytes
    pdu: PduKind | None
    request_id: int  # of the PDU, 0 where it has none
    error_status: int
    error_index: int
    varbinds: tuple[VarBind, ...]
    engine_id: bytes | None = None


@dataclass(frozen=True, slots=True)
class Malformed:
    """Octets that are no SNMP message, and why."""

    reason: str


def encode_request(
    kind: Question,
    *,
    community: bytes,
    request_id: int,
    oids: tuple[Oid, ...] | list[Oid],
    non_repeaters: int = 0,
    max_repetitions: int = 0,
    version: Version = Version.V2C,
) -> bytes:
    """A question in v1 or v2c; ValueError for one that cannot be asked."""
    kind = Question(kind)
    if version is Version.V3 or (version is Version.V1 and kind is Question.GETBULK):
        raise ValueError(f"encoding an SNMP question: no {kind.name} in {version.name}")
    if not 1 <= len(oids) <= REQUEST_OIDS_MAX or not 0 <= request_id <= REQUEST_ID_MAX:
        raise ValueError(f"encoding an SNMP question: {len(oids)} OIDs, request id {request_id}")
    bulk = kind is Question.GETBULK
    null = ber.encode(ber.NULL, b"")
    rows = b"".join(ber.encode(ber.SEQUENCE, ber.encode_oid(oid) + null) for oid in oids)
    pdu = ber.encode(
        kind,
        ber.encode_integer(request_id)
        + ber.encode_integer(non_repeaters if bulk else 0)
        + ber.encode_integer(max_repetitions if bulk else 0)
        + ber.encode(ber.SEQUENCE, rows),
    )
    head = ber.encode_integer(version) + ber.encode(ber.OCTET_STRING, community)
    return ber.encode(ber.SEQUENCE, head + pdu)


def decode_message(payload: bytes) -> Message | Malformed:
    """The message in a datagram, or why it is none. Octets after the message are ignored: some agents pad."""
    if len(payload) > SNMP_MESSAGE_BYTES_MAX:
        return Malformed(f"{len(payload)} octets, more than a datagram holds")
    try:
        start, stop = ber.read_expected(payload, 0, len(payload), tag=ber.SEQUENCE)
        number, position = ber.read_integer(payload, start, stop)
        if number == Version.V3:
            return _decode_v3(payload, position, stop)
        if number not in (Version.V1, Version.V2C):
            return Malformed(f"version {number}")
        start, position = ber.read_expected(payload, position, stop, tag=ber.OCTET_STRING)
        community = payload[start:position]
        if len(community) > COMMUNITY_BYTES_MAX:
            return Malformed("community longer than 255 octets")
        return _decode_pdu(payload, position, stop, version=Version(number), community=community)
    except BerError as error:
        return Malformed(str(error))


def _decode_v3(buffer: bytes, position: int, end: int) -> Message | Malformed:
    """msgGlobalData, USM security parameters (only the engine id is read) and the PDU where it is not encrypted."""
    start, position = ber.read_expected(buffer, position, end, tag=ber.SEQUENCE)
    _, inner = ber.read_integer(buffer, start, position)  # msgID
    _, inner = ber.read_integer(buffer, inner, position)  # msgMaxSize
    flags_start, flags_stop = ber.read_expected(buffer, inner, position, tag=ber.OCTET_STRING)
    if flags_stop - flags_start != 1:
        return Malformed("msgFlags is not one octet")
    encrypted = bool(buffer[flags_start] & 0x02)
    security_start, position = ber.read_expected(buffer, position, end, tag=ber.OCTET_STRING)
    usm_start, usm_stop = ber.read_expected(buffer, security_start, position, tag=ber.SEQUENCE)
    engine_start, engine_stop = ber.read_expected(buffer, usm_start, usm_stop, tag=ber.OCTET_STRING)
    engine = buffer[engine_start:engine_stop]
    engine_id = engine if len(engine) in ENGINE_ID_BYTES else None
    if encrypted:
        return Message(
            version=Version.V3,
            community=b"",
            pdu=None,
            request_id=0,
            error_status=0,
            error_index=0,
            varbinds=(),
            engine_id=engine_id,
        )
    start, stop = ber.read_expected(buffer, position, end, tag=ber.SEQUENCE)  # ScopedPDU
    _, position = ber.read_expected(buffer, start, stop, tag=ber.OCTET_STRING)  # contextEngineID
    _, position = ber.read_expected(buffer, position, stop, tag=ber.OCTET_STRING)  # contextName
    return _decode_pdu(buffer, position, stop, version=Version.V3, community=b"", engine_id=engine_id)


def _decode_pdu(
    buffer: bytes, position: int, end: int, *, version: Version, community: bytes, engine_id: bytes | None = None
) -> Message | Malformed:
    tag, position, stop = ber.read_header(buffer, position, end)
    if tag not in _PDU_TAGS:
        return Malformed(f"unknown PDU tag {tag:#04x}")
    request_id = status = index = 0
    if tag == PduKind.TRAP_V1:  # RFC 1157 section 4.1.6: enterprise, agent-addr, generic, specific, time-stamp
        for _ in range(5):
            _, _, position = ber.read_header(buffer, position, stop)
    else:
        request_id, position = ber.read_integer(buffer, position, stop)
        status, position = ber.read_integer(buffer, position, stop)
        index, position = ber.read_integer(buffer, position, stop)
    start, stop = ber.read_expected(buffer, position, stop, tag=ber.SEQUENCE)
    return Message(
        version=version,
        community=community,
        pdu=PduKind(tag),
        request_id=request_id,
        error_status=status,
        error_index=index,
        varbinds=tuple(_read_varbinds(buffer, start, stop)),
        engine_id=engine_id,
    )


def _read_varbinds(buffer: bytes, position: int, end: int) -> list[VarBind]:
    varbinds: list[VarBind] = []
    while position < end:
        if len(varbinds) >= VARBINDS_MAX:
            raise BerError(f"more than {VARBINDS_MAX} variables")
        start, stop = ber.read_expected(buffer, position, end, tag=ber.SEQUENCE)
        oid_start, oid_stop = ber.read_expected(buffer, start, stop, tag=ber.OBJECT_IDENTIFIER)
        oid = ber.decode_oid(buffer[oid_start:oid_stop])
        tag, value_start, value_stop = ber.read_header(buffer, oid_stop, stop)
        kind = _KINDS.get(tag)
        if kind is None:
            raise BerError(f"unknown value tag {tag:#04x}")
        varbinds.append(VarBind(oid, kind, decode_value(kind, buffer[value_start:value_stop])))
        position = stop
    return varbinds


def decode_value(kind: ValueKind, content: bytes) -> Value:
    """The value that these content octets mean; BerError if they mean none."""
    if kind is ValueKind.OCTETS or kind is ValueKind.OPAQUE or kind is ValueKind.IP_ADDRESS:
        return content
    if kind is ValueKind.INTEGER:
        return ber.signed(content)
    if kind is ValueKind.OID:
        return ber.decode_oid(content)
    if kind in ABSENT:
        return None
    return ber.unsigned(content, bits=64 if kind is ValueKind.COUNTER64 else 32)


_PDU_TAGS = frozenset(PduKind)
_KINDS = {int(kind): kind for kind in ValueKind}
