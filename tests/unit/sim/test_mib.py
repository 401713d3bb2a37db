"""GET, GETNEXT and GETBULK answer as RFC 3416 says; a fragile device bears what its limits say and no more."""

from discovery.sim.hospital import Fragile
from discovery.sim.mib import answers, bulk, joined, successors
from discovery.sim.responder import REPLY_BYTES_MAX, Station
from discovery.wire.rows import Rows
from discovery.wire.snmp import Message, Question, ValueKind, VarBind, decode_message, encode_request

COLUMN = (1, 3, 6, 1, 9, 1)
ROWS = Rows([VarBind((*COLUMN, n), ValueKind.INTEGER, n) for n in (1, 2, 10)])
PEER = ("127.0.0.1", 40_000)


def station(fragile: Fragile | None = None, rows: Rows = ROWS) -> Station:
    return Station(name="d", rows=lambda: rows, community=b"practice", fragile=fragile)


def ask(community: bytes = b"practice", *, kind: Question = Question.GET, repetitions: int = 0) -> bytes:
    return encode_request(kind, community=community, request_id=5, oids=[(*COLUMN, 1)], max_repetitions=repetitions)


def test_get_answers_what_is_there_and_says_what_is_not() -> None:
    there, not_there = answers(ROWS, [(*COLUMN, 10), (*COLUMN, 3)])
    assert there.value == 10
    assert not_there.kind is ValueKind.NO_SUCH_OBJECT


def test_getnext_goes_by_number_and_ends() -> None:
    assert [v.oid[-1] for v in successors(ROWS, [(*COLUMN, 2), COLUMN])] == [10, 1]
    assert successors(ROWS, [(*COLUMN, 10)])[0].kind is ValueKind.END_OF_MIB_VIEW


def test_getbulk_repeats_the_columns_and_stops_at_the_end() -> None:
    found = bulk(ROWS, [COLUMN, (*COLUMN, 1)], non_repeaters=1, max_repetitions=10)
    assert [v.value for v in found] == [1, 2, 10, None]


def test_a_long_answer_is_cut_to_a_frame() -> None:
    many = Rows([VarBind((*COLUMN, n), ValueKind.OCTETS, b"x" * 50) for n in range(200)])
    reply = station(rows=many).reply(ask(kind=Question.GETBULK, repetitions=100), PEER)
    assert reply is not None
    assert len(reply) <= REPLY_BYTES_MAX
    message = decode_message(reply)
    assert isinstance(message, Message)
    assert len(message.varbinds) > 10


def test_a_wrong_community_and_a_broken_packet_meet_silence() -> None:
    assert station().reply(ask(b"public"), PEER) is None
    assert station().reply(b"\x30\x05hello", PEER) is None
    assert station().reply(ask(), PEER) is not None


def test_a_fragile_device_falls_silent_for_good_when_hurried() -> None:
    pump = station(Fragile(packets_per_s=2, packets_per_h=100))
    assert [pump.bears(t) for t in (0.0, 0.1, 1.05, 1.15)] == [True, True, True, True]
    assert [pump.bears(t) for t in (1.2, 60.0)] == [False, False]
    assert pump.disturbed
    assert pump.received == 6


def test_a_fragile_device_falls_silent_when_asked_too_much_in_an_hour() -> None:
    pump = station(Fragile(packets_per_s=2, packets_per_h=3))
    assert [pump.bears(float(t)) for t in (0, 1, 2, 3_700)] == [True, True, True, True]
    assert [pump.bears(float(t)) for t in (3_701, 3_702, 3_703)] == [True, True, False]


def test_one_packet_disturbs_who_may_not_be_asked() -> None:
    ventilator = station(Fragile(packets_per_s=0, packets_per_h=0))
    assert not ventilator.disturbed
    assert not ventilator.bears(0.0)
    assert ventilator.disturbed


def test_an_address_of_the_document_is_one_of_the_run() -> None:
    assert joined("x.12.34", prefix=86) == "127.86.12.34"
