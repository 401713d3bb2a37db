"""Recordings of devices, with all the ways in which the real ones are odd."""

from discovery.passive.snmprec import read_snmprec
from discovery.wire.rows import Rows
from discovery.wire.snmp import ValueKind, VarBind

SYS_DESCR = (1, 3, 6, 1, 2, 1, 1, 1, 0)


def variables(text: bytes) -> tuple[VarBind, ...]:
    return read_snmprec(text).varbinds


def test_every_tag_that_recordings_use_is_read() -> None:
    recording = read_snmprec(
        b"# a comment\n"
        b"1.3.6.1.2.1.1.1.0|4|Salle d\xe9chocage | 2\r\n"
        b"1.3.6.1.2.1.1.2.0|6|.1.3.6.1.4.1.9.1.716\n"
        b"1.3.6.1.2.1.1.3.0|67|4294967290\n"
        b"1.3.6.1.2.1.1.4.0|4x|48656c6c6f\n"
        b"1.3.6.1.2.1.1.5.0|4e|a\\x07\\n\\\\\n"
        b"1.3.6.1.2.1.1.6.0|4xx|3a32\n"
        b"1.3.6.1.2.1.2.1.0|2|-5\n"
        b"1.3.6.1.2.1.4.20.1.1.1|64|127.0.0.1\n"
        b"1.3.6.1.2.1.4.20.1.1.2|64x|7f000002\n"
        b"1.3.6.1.2.1.5.1.0|65|7\n"
        b"1.3.6.1.2.1.5.2.0|66|8\n"
        b"1.3.6.1.2.1.5.3.0|70|18446744073709551615\n"
        b"1.3.6.1.2.1.5.4.0|68x|0900\n"
        b"1.3.6.1.2.1.5.5.0|5|\n"
    )
    assert recording.rejects == {}
    assert [(v.kind, v.value) for v in recording.varbinds] == [
        (ValueKind.OCTETS, b"Salle d\xe9chocage | 2"),
        (ValueKind.OID, (1, 3, 6, 1, 4, 1, 9, 1, 716)),
        (ValueKind.TIMETICKS, 4294967290),
        (ValueKind.OCTETS, b"Hello"),
        (ValueKind.OCTETS, b"a\x07\n\\"),
        (ValueKind.OCTETS, b":2"),
        (ValueKind.INTEGER, -5),
        (ValueKind.IP_ADDRESS, b"\x7f\x00\x00\x01"),
        (ValueKind.IP_ADDRESS, b"\x7f\x00\x00\x02"),
        (ValueKind.COUNTER32, 7),
        (ValueKind.GAUGE32, 8),
        (ValueKind.COUNTER64, 2**64 - 1),
        (ValueKind.OPAQUE, b"\x09\x00"),
        (ValueKind.NULL, None),
    ]


def test_a_bad_line_is_counted_with_its_reason_and_costs_its_neighbours_nothing() -> None:
    recording = read_snmprec(
        b"1.3.6.1.2.1.1.1.0|4|first\n"
        b"1.3.6.1.2.1.1.1.0|4|second\n"
        b"1.3.6.1.2.1.4.20.1.2.<IPADDR>|2|3\n"
        b"1.3.6.1.2.1.2.1.0|2|five\n"
        b"1.3.6.1.2.1.2.2.0|65|-1\n"
        b"1.3.6.1.2.1.2.3.0|4x|<private>\n"
        b"1.3.6.1.2.1.2.4.0|64|300.1.1.1\n"
        b"1.3.6.1.2.1.2.5.0|6|9\n"
        b"1.3.6.1.2.1.2.6.0|99|x\n"
        b"1.3.6.1.99999999999|4|x\n"
        b"1.3.6.1.2.1.2.7.0|2:random|min=1\n"
        b"the rest of a value that had a line end\n"
    )
    assert [v.value for v in recording.varbinds] == [b"first"]
    assert recording.rejects == {
        "duplicate OID": 1,
        "not OID|tag|value": 3,
        "value not as its tag says": 5,
        "unknown tag": 1,
        "bad OID": 1,
    }


def test_an_unsorted_recording_is_served_in_the_order_of_numbers() -> None:
    rows = Rows(variables(b"1.3.6.1.10|2|10\n1.3.6.1.9|2|9\n1.3.6.1.2|2|2\n"))
    assert [v.value for v in rows] == [2, 9, 10]


def test_an_empty_recording_holds_nothing_and_complains_of_nothing() -> None:
    assert (variables(b""), read_snmprec(b"\n\n").rejects) == ((), {})
