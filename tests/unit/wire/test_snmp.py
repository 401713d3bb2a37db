"""SNMP messages on the wire: what we ask, what we understand, and what we refuse to choke on."""

import time

import pytest

from discovery.wire import ber, snmp
from discovery.wire.snmp import Malformed, Message, PduKind, Question, ValueKind, VarBind, Version
from discovery.wire.snmp_reply import encode_response

SYS_DESCR = (1, 3, 6, 1, 2, 1, 1, 1, 0)
GET_SYS_DESCR = bytes.fromhex(  # as net-snmp's snmpget writes it
    "302902010104067075626c6963a01c02042ab1c3d4020100020100300e300c06082b060102010101000500"
)


def answer(*varbinds: VarBind, **fields: object) -> Message:
    message = snmp.decode_message(
        encode_response(community=b"public", request_id=7, varbinds=varbinds, **fields)  # type: ignore[arg-type]
    )
    assert isinstance(message, Message)
    return message


def test_a_question_is_octet_for_octet_what_net_snmp_sends() -> None:
    assert (
        snmp.encode_request(Question.GET, community=b"public", request_id=0x2AB1C3D4, oids=[SYS_DESCR]) == GET_SYS_DESCR
    )


def test_what_we_ask_decodes_to_what_we_meant() -> None:
    message = snmp.decode_message(
        snmp.encode_request(
            Question.GETBULK,
            community=b"ward",
            request_id=2**31 - 1,
            oids=[(1, 3, 6, 1, 2, 1, 2, 2), (2, 999, 2**32 - 1)],
            non_repeaters=1,
            max_repetitions=25,
        )
    )
    assert isinstance(message, Message)
    assert (message.pdu, message.version, message.community) == (PduKind.GETBULK, Version.V2C, b"ward")
    assert (message.request_id, message.error_status, message.error_index) == (2**31 - 1, 1, 25)
    assert [v.oid for v in message.varbinds] == [(1, 3, 6, 1, 2, 1, 2, 2), (2, 999, 2**32 - 1)]


def test_no_name_of_the_encoder_can_write_to_a_device() -> None:
    assert {q.name for q in Question} == {"GET", "GETNEXT", "GETBULK"}
    with pytest.raises(ValueError, match="163"):
        snmp.encode_request(0xA3, community=b"x", request_id=1, oids=[SYS_DESCR])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no GETBULK in V1"):
        snmp.encode_request(Question.GETBULK, community=b"x", request_id=1, oids=[SYS_DESCR], version=Version.V1)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ValueKind.INTEGER, -(2**31)),
        (ValueKind.INTEGER, -1),
        (ValueKind.INTEGER, 128),
        (ValueKind.OCTETS, b"Switch \xff\x00" * 40),
        (ValueKind.OID, (1, 3, 6, 1, 4, 1, 9, 1, 716)),
        (ValueKind.OID, (0, 0)),
        (ValueKind.IP_ADDRESS, b"\x7f\x00\x00\x01"),
        (ValueKind.COUNTER32, 2**32 - 1),
        (ValueKind.GAUGE32, 0),
        (ValueKind.TIMETICKS, 4_294_967_290),
        (ValueKind.OPAQUE, b"\x9f\x78\x04\x42\xf6\x00\x00"),
        (ValueKind.COUNTER64, 2**64 - 1),
        (ValueKind.NULL, None),
        (ValueKind.NO_SUCH_OBJECT, None),
        (ValueKind.NO_SUCH_INSTANCE, None),
        (ValueKind.END_OF_MIB_VIEW, None),
    ],
)
def test_every_kind_of_value_survives_the_wire(kind: ValueKind, value: snmp.Value) -> None:
    assert answer(VarBind(SYS_DESCR, kind, value)).varbinds == (VarBind(SYS_DESCR, kind, value),)


def test_an_agent_that_forgets_the_leading_zero_of_a_counter_is_read_as_it_meant() -> None:
    good = encode_response(community=b"", request_id=1, varbinds=[VarBind(SYS_DESCR, ValueKind.GAUGE32, 0x7FFFFFFF)])
    message = snmp.decode_message(good.replace(b"\x42\x04\x7f\xff\xff\xff", b"\x42\x04\xff\xff\xff\xff"))
    assert isinstance(message, Message)
    assert message.varbinds[0].value == 2**32 - 1


def v3_message(*, engine: bytes, flags: int, scoped: bytes) -> bytes:
    """A message as RFC 3412 section 6 and RFC 3414 section 2.4 lay it out, by a user whose name is personal."""
    usm = b"".join(
        [
            ber.encode(ber.OCTET_STRING, engine),
            ber.encode_integer(9),
            ber.encode_integer(9_083),
            ber.encode(ber.OCTET_STRING, b"anna.meier"),
            ber.encode(ber.OCTET_STRING, b""),
            ber.encode(ber.OCTET_STRING, b""),
        ]
    )
    header = b"".join(
        [
            ber.encode_integer(821_490_644),
            ber.encode_integer(65_507),
            ber.encode(ber.OCTET_STRING, bytes([flags])),
            ber.encode_integer(3),
        ]
    )
    return ber.encode(
        ber.SEQUENCE,
        ber.encode_integer(3)
        + ber.encode(ber.SEQUENCE, header)
        + ber.encode(ber.OCTET_STRING, ber.encode(ber.SEQUENCE, usm))
        + scoped,
    )


ENGINE = bytes.fromhex("80001f8880e9630000d61ff449")


def test_the_discovery_report_of_v3_names_the_engine_and_no_user() -> None:
    usm_stats = VarBind((1, 3, 6, 1, 6, 3, 15, 1, 1, 4, 0), ValueKind.COUNTER32, 5)
    row = ber.encode(ber.SEQUENCE, ber.encode_oid(usm_stats.oid) + ber.encode_integer(5, tag=ValueKind.COUNTER32))
    pdu = ber.encode(PduKind.REPORT, ber.encode_integer(0) * 3 + ber.encode(ber.SEQUENCE, row))
    scoped = ber.encode(ber.SEQUENCE, ber.encode(4, ENGINE) + ber.encode(4, b"") + pdu)
    message = snmp.decode_message(v3_message(engine=ENGINE, flags=0, scoped=scoped))
    assert isinstance(message, Message)
    assert (message.pdu, message.engine_id, message.varbinds) == (PduKind.REPORT, ENGINE, (usm_stats,))
    assert "anna" not in repr(message)


def test_an_encrypted_v3_message_still_names_its_engine() -> None:
    message = snmp.decode_message(v3_message(engine=ENGINE, flags=3, scoped=ber.encode(4, b"\x9a" * 40)))
    assert isinstance(message, Message)
    assert (message.pdu, message.engine_id, message.varbinds) == (None, ENGINE, ())


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "cut short"),
        (b"\x30\x80\x02\x01\x01\x00\x00", "bad length"),
        (b"\x30\x84\xff\xff\xff\xff", "outside its container"),
        (GET_SYS_DESCR[:-3], "outside its container"),
        (GET_SYS_DESCR.replace(b"\x02\x01\x01", b"\x02\x01\x09"), "version 9"),
        (GET_SYS_DESCR.replace(b"\xa0\x1c", b"\xaa\x1c"), "unknown PDU tag 0xaa"),
        (GET_SYS_DESCR.replace(b"\x06\x08\x2b", b"\x07\x08\x2b"), "where 0x06 belongs"),
        (GET_SYS_DESCR.replace(b"\x05\x00", b"\x1f\x00"), "unknown value tag 0x1f"),
        (GET_SYS_DESCR[:-3] + b"\x80\x05\x00", "OID ends within an arc"),
        (b"\x30" * 70_000, "more than a datagram holds"),
        (b"\x30\x84\x00\x00\xff\xf0" * 10_000, "outside its container"),
    ],
)
def test_malformed_octets_are_a_value_with_a_reason(payload: bytes, reason: str) -> None:
    message = snmp.decode_message(payload)
    assert isinstance(message, Malformed)
    assert reason in message.reason


def test_ten_thousand_rows_decode_within_two_seconds() -> None:
    rows = [
        VarBind((1, 3, 6, 1, 2, 1, 17, 4, 3, 1, 2, 0, 26, i >> 8, i & 255, 7, 9), ValueKind.INTEGER, i)
        for i in range(50)
    ]
    payload = encode_response(community=b"public", request_id=1, varbinds=rows)
    started = time.perf_counter()
    for _ in range(200):
        snmp.decode_message(payload)
    assert time.perf_counter() - started < 2
