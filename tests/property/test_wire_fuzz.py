"""No octets from outside can make a decoder raise, loop or grow without bound."""

import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discovery.fingerprints import load_cards
from discovery.passive.devices import identify
from discovery.passive.files import Kind, Source
from discovery.passive.pcap import Capture
from discovery.passive.snmprec import read_snmprec
from discovery.wire import ber, snmp
from discovery.wire.bacnet import decode_bacnet
from discovery.wire.dhcp import DhcpRequest, decode_dhcp
from discovery.wire.hl7 import decode_hl7
from discovery.wire.lldp import LldpFrame, decode_lldp
from discovery.wire.mdns import Announcement, decode_mdns
from discovery.wire.rows import Rows
from discovery.wire.snmp import Malformed, Message, PduKind, Question, ValueKind, VarBind
from discovery.wire.snmp_reply import encode_response
from discovery.wire.ssdp import decode_ssdp

CARDS = load_cards()
OIDS = st.builds(
    lambda first, second, rest: (first, second if first < 2 else second * 3, *rest),
    st.integers(0, 2),
    st.integers(0, 39),
    st.lists(st.integers(0, 2**32 - 1), max_size=30),
)
VALUES = st.one_of(
    st.builds(lambda v: (ValueKind.INTEGER, v), st.integers(-(2**31), 2**31 - 1)),
    st.builds(lambda k, v: (k, v), st.sampled_from([ValueKind.OCTETS, ValueKind.OPAQUE]), st.binary(max_size=300)),
    st.builds(lambda v: (ValueKind.OID, v), OIDS),
    st.builds(
        lambda k, v: (k, v),
        st.sampled_from([ValueKind.COUNTER32, ValueKind.GAUGE32, ValueKind.TIMETICKS]),
        st.integers(0, 2**32 - 1),
    ),
    st.builds(lambda v: (ValueKind.COUNTER64, v), st.integers(0, 2**64 - 1)),
    st.builds(lambda k: (k, None), st.sampled_from(sorted(snmp.ABSENT))),
)
VARBINDS = st.lists(st.builds(lambda oid, value: VarBind(oid, *value), OIDS, VALUES), max_size=12)
DECODERS = [snmp.decode_message, decode_mdns, decode_dhcp, decode_ssdp, decode_lldp, decode_hl7, decode_bacnet]
READ = (Malformed, Message, Announcement, DhcpRequest, LldpFrame, dict, type(None))
SEEDS = {
    snmp.decode_message: encode_response(
        community=b"public", request_id=1, varbinds=[VarBind((1, 3, 6, 1), ValueKind.OCTETS, b"x" * 200)]
    ),
    decode_mdns: bytes.fromhex(
        "000084000000000100000000095f7365727669636573075f646e732d7364045f756470056c6f63616c00000c00010000119400"
        "0d055f68747470045f746370c023"
    ),
    decode_dhcp: struct.pack("!BBB", 1, 1, 6) + bytes(233) + b"\x63\x82\x53\x63\x0c\x04pump\xff",
    decode_ssdp: b"NOTIFY * HTTP/1.1\r\nServer: x\r\n\r\n",
    decode_lldp: b"\x02\x07\x04\x00\x1a\x2b\x3c\x4d\x5e\x04\x05\x05eth0\x0a\x04pump\x00\x00",
    decode_hl7: b"\x0bMSH|^~\\&|MON|ICU|EHR|H|2026||ORU|1|P|2.5\r",
    decode_bacnet: bytes.fromhex("810b00190120ffff00ff1000c402000037 2205c491032105".replace(" ", "")),
}


@given(varbinds=VARBINDS, request_id=st.integers(0, 2**31 - 1), community=st.binary(max_size=40))
def test_whatever_a_device_answers_is_understood_as_it_meant(
    varbinds: list[VarBind], request_id: int, community: bytes
) -> None:
    message = snmp.decode_message(
        encode_response(community=community, request_id=request_id, varbinds=varbinds, error_status=2, error_index=1)
    )
    assert isinstance(message, Message)
    assert (message.pdu, message.request_id, message.community) == (PduKind.RESPONSE, request_id, community)
    assert (message.error_status, message.error_index, message.varbinds) == (2, 1, tuple(varbinds))


@given(oids=st.lists(OIDS, min_size=1, max_size=20), question=st.sampled_from(Question))
def test_whatever_is_asked_is_one_of_three_questions(oids: list[ber.Oid], question: Question) -> None:
    message = snmp.decode_message(
        snmp.encode_request(question, community=b"c", request_id=5, oids=oids, non_repeaters=1, max_repetitions=9)
    )
    assert isinstance(message, Message)
    assert message.pdu in (PduKind.GET, PduKind.GETNEXT, PduKind.GETBULK)
    assert [v.oid for v in message.varbinds] == oids


@pytest.mark.parametrize("decode", DECODERS, ids=lambda d: d.__name__)
@given(payload=st.binary(max_size=600))
def test_no_octets_make_a_decoder_raise(decode, payload: bytes) -> None:  # type: ignore[no-untyped-def]
    assert isinstance(decode(payload), READ)


@pytest.mark.parametrize("decode", DECODERS, ids=lambda d: d.__name__)
@given(edits=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6), cut=st.integers(0, 400))
def test_no_mutation_of_a_good_packet_makes_a_decoder_raise(  # type: ignore[no-untyped-def]
    decode, edits: list[tuple[int, int]], cut: int
) -> None:
    packet = bytearray(SEEDS[decode])
    for position, octet in edits:
        packet[position % len(packet)] = octet
    assert isinstance(decode(bytes(packet)), READ)
    assert isinstance(decode(bytes(packet[: cut % len(packet)])), READ)


@pytest.mark.parametrize("decode", DECODERS, ids=lambda d: d.__name__)
def test_an_oversized_packet_is_refused_at_once(decode) -> None:  # type: ignore[no-untyped-def]
    started = time.perf_counter()
    for filler in (b"\x00", b"\x30", b"\xff", b"a=b\r\n"):
        decode(SEEDS[decode] + filler * 2_000_000)
    assert time.perf_counter() - started < 2


def test_a_compressed_name_that_points_to_itself_ends() -> None:
    header, loop = bytes.fromhex("000084000000000100000000"), b"\xc0\x0c"
    read = decode_mdns(header + loop + bytes.fromhex("000c000100000078") + b"\x00\x02" + loop)
    assert isinstance(read, Malformed)


@given(content=st.binary(max_size=400), seed=st.booleans())
def test_no_file_makes_a_capture_reader_raise(content: bytes, seed: bool) -> None:
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)
    section = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    for prefix in (b"", head, section):
        capture = Capture(prefix + content)
        assert len(list(capture)) <= len(content)


LINES = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.builds(
            lambda oid, tag, value: f"{'.'.join(map(str, oid))}|{tag}|".encode() + value,
            OIDS,
            st.sampled_from(["2", "4", "4x", "4e", "5", "6", "64", "64x", "65", "67", "68x", "70", "2:x"]),
            st.binary(max_size=40),
        ),
    ),
    max_size=20,
)


@given(lines=LINES)
def test_no_recording_makes_the_reader_raise_and_its_rows_ascend(lines: list[bytes]) -> None:
    oids = [v.oid for v in Rows(read_snmprec(b"\n".join(lines)).varbinds)]
    assert oids == sorted(set(oids))


@settings(max_examples=60)
@given(lines=LINES, kind=st.sampled_from(Kind))
def test_any_file_is_identified_or_refused_with_a_reason(lines: list[bytes], kind: Kind) -> None:
    found = identify(Source("f", kind, b"\n".join(lines)), cards=CARDS)
    assert found.problem or found.devices or kind is Kind.CAPTURE
