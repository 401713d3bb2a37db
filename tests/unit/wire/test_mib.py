"""What a device's variables say about it, and whom its tables know."""

from datetime import UTC, datetime

import pytest

from discovery.fingerprints.card import Ask
from discovery.wire import mib, tables
from discovery.wire.rows import Rows, value_text
from discovery.wire.snmp import ValueKind, VarBind
from discovery.wire.text import address_of, clean_text, is_randomised, mac_of
from riskdb.model import facts
from riskdb.model.ids import AgentId, EstablishmentId
from riskdb.model.observation import FACT_VALUE_CHARS_MAX, Protocol

MIB2 = (1, 3, 6, 1, 2, 1)
ENTITY = (*MIB2, 47, 1, 1, 1, 1)
LLDP = (1, 0, 8802, 1, 1, 2, 1)


def text(oid: tuple[int, ...], value: str | bytes) -> VarBind:
    return VarBind(oid, ValueKind.OCTETS, value if isinstance(value, bytes) else value.encode())


def number(oid: tuple[int, ...], value: int) -> VarBind:
    return VarBind(oid, ValueKind.INTEGER, value)


def entity(index: int, kind: int, *, serial: str = "", model: str = "") -> list[VarBind]:
    return [
        number((*ENTITY, 5, index), kind),
        text((*ENTITY, 11, index), serial),
        text((*ENTITY, 13, index), model),
    ]


def test_the_system_group_becomes_facts_and_the_contact_does_not() -> None:
    stated = mib.device_facts(
        Rows(
            [
                text((*MIB2, 1, 1, 0), "HP ETHERNET\r\nMULTI-ENVIRONMENT\x00\x00"),
                VarBind((*MIB2, 1, 2, 0), ValueKind.OID, (1, 3, 6, 1, 4, 1, 11, 2, 3, 9, 1)),
                text((*MIB2, 1, 4, 0), "Dr. Anna Meier, 1234"),
                text((*MIB2, 1, 5, 0), "prn-icu-1"),
            ]
        )
    )
    assert stated == {
        facts.SNMP_SYS_DESCR: "HP ETHERNET MULTI-ENVIRONMENT",
        facts.SNMP_SYS_OBJECT_ID: "1.3.6.1.4.1.11.2.3.9.1",
        facts.SNMP_SYS_NAME: "prn-icu-1",
    }
    assert (*MIB2, 1, 4, 0) not in mib.SYSTEM_OIDS


def test_the_chassis_speaks_for_the_device_not_its_fan_or_its_stack() -> None:
    rows = Rows(
        [
            *entity(1, 11),
            *entity(1001, 3, serial="FCW1929B68S", model="WS-C2960X-48FPS-L"),
            *entity(1005, 7, serial="FAN1"),
        ]
    )
    stated = mib.device_facts(rows)
    assert (stated[facts.SNMP_ENT_SERIAL], stated[facts.SNMP_ENT_MODEL]) == ("FCW1929B68S", "WS-C2960X-48FPS-L")


def test_without_a_chassis_the_first_row_with_a_serial_speaks() -> None:
    rows = Rows([*entity(2, 9), *entity(4, 9, serial="SN4"), *entity(5, 9, serial="SN5")])
    assert mib.device_facts(rows)[facts.SNMP_ENT_SERIAL] == "SN4"


def test_a_printer_is_named_by_its_printer_device_not_by_its_network_card() -> None:
    types, descr = (*MIB2, 25, 3, 2, 1, 2), (*MIB2, 25, 3, 2, 1, 3)
    rows = Rows(
        [
            VarBind((*types, 1), ValueKind.OID, (*MIB2, 25, 3, 1, 4)),
            VarBind((*types, 2), ValueKind.OID, (*MIB2, 25, 3, 1, 5)),
            text((*descr, 1), "Ethernet controller"),
            text((*descr, 2), "LaserJet M506"),
        ]
    )
    stated = mib.device_facts(rows)
    assert (stated[facts.SNMP_HR_DEVICE], stated[facts.SNMP_HR_PRINTER]) == ("Ethernet controller", "LaserJet M506")


def test_an_engine_id_is_hexadecimal_and_a_short_one_is_none() -> None:
    oid = (1, 3, 6, 1, 6, 3, 10, 2, 1, 1, 0)
    good = bytes.fromhex("80001f8880e9630000d61ff449")
    assert mib.device_facts(Rows([text(oid, good)]))[facts.SNMP_ENGINE_ID] == good.hex()
    assert mib.device_facts(Rows([text(oid, b"\x01")])) == {}


def test_cards_questions_are_answered_by_instance_or_by_the_first_row_of_a_column() -> None:
    rows = Rows([text((1, 3, 6, 1, 4, 1, 99, 1, 0), "SN1"), text((1, 3, 6, 1, 4, 1, 99, 2, 7), "first")])
    asked = [
        Ask(oid=(1, 3, 6, 1, 4, 1, 99, 1, 0), first=False),
        Ask(oid=(1, 3, 6, 1, 4, 1, 99, 2), first=True),
        Ask(oid=(1, 3, 6, 1, 4, 1, 99, 3, 0), first=False),
    ]
    assert mib.asked_facts(rows, asked) == {
        "snmp.oid.1.3.6.1.4.1.99.1.0": "SN1",
        "snmp.oid.1.3.6.1.4.1.99.2": "first",
    }
    assert [a.fact for a in asked[:2]] == ["snmp.oid.1.3.6.1.4.1.99.1.0", "snmp.oid.1.3.6.1.4.1.99.2"]


@pytest.mark.parametrize(
    ("content", "read"),
    [
        (b"  Salle d\xe9chocage\r\n\t2 \x00", "Salle déchocage 2"),
        ("Réanimation".encode(), "Réanimation"),
        (b"\x00\x00", ""),
        (b"x" * 10_000, "x" * FACT_VALUE_CHARS_MAX),
    ],
)
def test_texts_are_cleaned(content: bytes, read: str) -> None:
    assert clean_text(content) == read


def test_octets_that_are_no_text_are_shown_in_hexadecimal() -> None:
    assert value_text(text((1, 3), b"\x07\xe4\x08\t\x03")) == "07:e4:08:09:03"


@pytest.mark.parametrize(
    ("content", "mac"),
    [
        (b"\x00\x1a\x2b\x3c\x4d\x5e", "00:1a:2b:3c:4d:5e"),
        (b"0:1A:2b:3c:4d:5e", "00:1a:2b:3c:4d:5e"),
        (b"00-1A-2B-3C-4D-5E", "00:1a:2b:3c:4d:5e"),
        (b"\x00" * 6, None),
        (b"\xff" * 6, None),
        (b"\x01\x00\x5e\x00\x00\xfb", None),
        (b"\x00\x1a", None),
        (b"", None),
    ],
)
def test_a_mac_is_normalised_and_groups_are_none(content: bytes, mac: str | None) -> None:
    assert mac_of(content) == mac


def test_a_made_up_mac_is_a_phone_and_a_virtual_machine_is_not() -> None:
    assert is_randomised("da:a1:19:00:00:01")
    assert not is_randomised("52:54:00:12:34:56")
    assert not is_randomised("00:1a:2b:3c:4d:5e")


def test_addresses_of_nobody_are_none() -> None:
    assert address_of(b"\x0a\x00\x00\x01") == "10.0.0.1"
    assert address_of(bytes(15) + b"\x01") == "::1"
    assert [address_of(c) for c in (b"\xff" * 4, bytes(4), b"\xe0\x00\x00\xfb", b"\x0a")] == [None] * 4


TELLER = tables.Teller(
    establishment=EstablishmentId(1),
    agent=AgentId("a"),
    seen_at=datetime(2026, 1, 1, tzinfo=UTC),
    address="127.0.0.2",
    name="sw-icu",
)


def test_a_bridge_table_says_behind_which_port_each_device_hangs() -> None:
    mac, phone = (0, 26, 43, 60, 77, 94), (218, 161, 25, 0, 0, 1)
    rows = Rows(
        [
            text((*MIB2, 31, 1, 1, 1, 1, 10107), "Gi1/0/7"),
            number((*MIB2, 17, 1, 4, 1, 2, 7), 10107),
            number((*MIB2, 17, 7, 1, 2, 2, 1, 2, 3, *mac), 7),
            number((*MIB2, 17, 7, 1, 2, 2, 1, 3, 3, *mac), 3),
            number((*MIB2, 17, 7, 1, 2, 2, 1, 2, 3, *phone), 7),
            number((*MIB2, 17, 7, 1, 4, 2, 1, 3, 0, 120), 3),
            number((*MIB2, 17, 4, 3, 1, 2, *mac), 7),
            number((*MIB2, 17, 4, 3, 1, 2, 0, 0, 12, 7, 172, 1), 0),
        ]
    )
    found = tables.neighbours(rows, teller=TELLER)
    (seen,) = found.observations
    assert (seen.protocol, seen.mac, seen.address, found.personal) == (
        Protocol.BRIDGE,
        "00:1a:2b:3c:4d:5e",
        None,
        1,
    )
    assert seen.facts == {
        facts.SEEN_BY_ADDRESS: "127.0.0.2",
        facts.SEEN_BY_NAME: "sw-icu",
        facts.SEEN_BY_PORT: "Gi1/0/7",
        facts.BRIDGE_VLAN: "120",
    }


def test_the_switch_itself_is_not_its_own_neighbour() -> None:
    mac = (0, 26, 43, 60, 77, 94)
    rows = Rows([number((*MIB2, 17, 4, 3, 1, 2, *mac), 1), number((*MIB2, 17, 4, 3, 1, 3, *mac), 4)])
    assert tables.neighbours(rows, teller=TELLER).observations == ()


def test_arp_joins_address_and_mac_once_whichever_table_says_it() -> None:
    mac = b"\x00\x1a\x2b\x3c\x4d\x5e"
    rows = Rows(
        [
            text((*MIB2, 4, 22, 1, 2, 5, 127, 0, 0, 9), mac),
            text((*MIB2, 4, 35, 1, 4, 5, 1, 4, 127, 0, 0, 9), mac),
            text((*MIB2, 4, 35, 1, 4, 5, 2, 16, *bytes(15), 1), mac),
            text((*MIB2, 4, 35, 1, 4, 5, 2, 4_000_000_000, 1), mac),
            text((*MIB2, 2, 2, 1, 2, 5), "Vlan120"),
        ]
    )
    found = tables.neighbours(rows, teller=TELLER).observations
    assert [(o.address, o.mac, o.facts[facts.SEEN_BY_PORT]) for o in found] == [
        ("127.0.0.9", "00:1a:2b:3c:4d:5e", "Vlan120"),
        ("::1", "00:1a:2b:3c:4d:5e", "Vlan120"),
    ]


def test_an_lldp_neighbour_is_known_by_chassis_name_and_management_address() -> None:
    index = (0, 7, 1)
    rows = Rows(
        [
            number((*LLDP, 4, 1, 1, 4, *index), 4),
            text((*LLDP, 4, 1, 1, 5, *index), b"\x00\x1a\x2b\x3c\x4d\x5e"),
            number((*LLDP, 4, 1, 1, 6, *index), 5),
            text((*LLDP, 4, 1, 1, 7, *index), "eth0"),
            text((*LLDP, 4, 1, 1, 9, *index), "pump-gw-1"),
            text((*LLDP, 4, 1, 1, 10, *index), "ACME InfuNet Server"),
            number((*LLDP, 4, 2, 1, 3, *index, 1, 4, 127, 0, 0, 7), 2),
            number((*LLDP, 3, 7, 1, 2, 7), 5),
            text((*LLDP, 3, 7, 1, 3, 7), "Gi1/0/7"),
        ]
    )
    (seen,) = tables.neighbours(rows, teller=TELLER).observations
    assert (seen.protocol, seen.mac, seen.address) == (Protocol.LLDP, "00:1a:2b:3c:4d:5e", "127.0.0.7")
    assert seen.facts[facts.SEEN_BY_PORT] == "Gi1/0/7"
    assert seen.facts[facts.LLDP_SYS_NAME] == "pump-gw-1"
    assert seen.facts[facts.LLDP_PORT] == "eth0"


def test_a_neighbour_that_is_named_after_its_owner_is_counted_and_left_out() -> None:
    index = (0, 7, 1)
    rows = Rows(
        [
            number((*LLDP, 4, 1, 1, 4, *index), 4),
            text((*LLDP, 4, 1, 1, 5, *index), b"\x00\x1a\x2b\x3c\x4d\x5e"),
            text((*LLDP, 4, 1, 1, 9, *index), "Annas-MacBook-Pro"),
        ]
    )
    found = tables.neighbours(rows, teller=TELLER)
    assert (found.observations, found.personal) == ((), 1)


def test_rows_are_in_the_order_of_numbers_and_a_duplicate_counts_once() -> None:
    rows = Rows([text((1, 3, 10), "ten"), text((1, 3, 9), "nine"), text((1, 3, 9), "again")])
    assert [value_text(v) for v in rows] == ["nine", "ten"]
    assert rows.after((1, 3, 9)) == text((1, 3, 10), "ten")
    assert rows.after(()) == text((1, 3, 9), "nine")
    assert rows.after((1, 3, 10)) is None
    assert rows.after((1, 3)) == text((1, 3, 9), "nine")
