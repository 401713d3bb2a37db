"""What names a device, and what only looks as if it did."""

import pytest

from riskdb.identify.keys import (
    bare_name,
    fqdn,
    is_universal,
    leased_address,
    normal_engine_id,
    normal_maker,
    normal_serial,
    read_evidence,
    strength_of,
)
from riskdb.model.asset import IdentityKey, KeyKind, KeyStrength


@pytest.mark.parametrize("typed", ["S/N: ab-12 34x", "AB1234X", "serial no. ab 1234 x", "n° de série AB.1234.X"])
def test_a_serial_is_the_same_however_it_is_typed(typed: str) -> None:
    assert normal_serial(typed) == "AB1234X"


@pytest.mark.parametrize(
    "typed",
    [
        "0",
        "123",
        "123456",
        "1234567890",
        "N/A",
        "none",
        "To be filled by O.E.M.",
        "0000000",
        "XXXXXXXX",
        "-",
        "",
        "Default string",
        "<private>",
    ],
)
def test_a_placeholder_is_no_serial(typed: str) -> None:
    assert normal_serial(typed) == ""


@pytest.mark.parametrize(
    ("listed", "stated"),
    [
        ("B BRAUN", "B. Braun SE"),
        ("Draeger", "Dräger"),
        ("Siemens", "Siemens Healthineers AG"),
        ("GE", "GE HealthCare Technologies Inc."),
        ("philips", "Philips Medical Systems"),
    ],
)
def test_a_maker_is_the_same_in_a_list_and_in_a_banner(listed: str, stated: str) -> None:
    assert normal_maker(listed) == normal_maker(stated)


@pytest.mark.parametrize(("one", "other"), [("Medical Data", "Medical Systems"), ("GE", "Getinge"), ("HP", "HPE")])
def test_two_makers_stay_two(one: str, other: str) -> None:
    assert normal_maker(one) != normal_maker(other)


@pytest.mark.parametrize(
    "engine",
    [
        "8000000001c0a80001",  # form 1: an IPv4 address, which moves and repeats
        "800000090300000000000000",  # a MAC of zeros
        "8000000001020304",  # out of a manual
        "80001f88",  # too short
        "not hex",
    ],
)
def test_an_engine_id_that_cannot_be_unique_is_none(engine: str) -> None:
    assert normal_engine_id(engine) == ""


def test_an_engine_id_is_the_same_however_it_is_written() -> None:
    assert normal_engine_id("0x80:00:00:09:03:00:1A:64:00:00:01") == "8000000903001a64000001"


@pytest.mark.parametrize(
    "mac",
    [
        "02:42:ac:11:00:02",  # locally administered
        "01:00:5e:00:00:fb",  # multicast
        "00:00:5e:00:01:0a",  # VRRP
        "00:00:0c:07:ac:01",  # HSRP
        "00:00:00:00:00:00",
    ],
)
def test_a_shared_or_made_up_mac_names_no_interface(mac: str) -> None:
    assert not is_universal(mac)


def test_a_mac_from_a_makers_range_names_an_interface() -> None:
    assert is_universal("00:1a:64:00:00:01")


@pytest.mark.parametrize("name", ["pump-12", "PUMP-12.local", "localhost.localdomain", "10.0.0.1", "pump.lan"])
def test_a_bare_or_local_name_is_no_fqdn(name: str) -> None:
    assert fqdn(name) == ""


def test_a_name_in_a_directorys_domain_is_an_fqdn() -> None:
    assert fqdn("PUMP-12.Hospital.Local.") == "pump-12.hospital.local"
    assert bare_name("PUMP-12.Hospital.Local.") == "pump-12"


@pytest.mark.parametrize("address", ["169.254.3.4", "fe80::1", "0.0.0.0", "224.0.0.251"])
def test_an_address_that_nobody_holds_alone_is_no_key(address: str) -> None:
    assert leased_address(address) is None


def test_a_serial_without_a_maker_is_not_strong(ward) -> None:
    keys = read_evidence(ward.line(serial="AB1234X"))
    assert keys.strong == ()
    assert [strength_of(key) for key in keys.medium] == [KeyStrength.MEDIUM]


def test_every_kind_of_key_has_its_strength() -> None:
    strengths = {kind: strength_of(IdentityKey(kind=kind, value="00:1a:64:00:00:01")) for kind in KeyKind}
    strong = {KeyKind.SERIAL, KeyKind.UDI_SERIAL, KeyKind.ENGINE_ID, KeyKind.TLS_KEY}
    medium = {KeyKind.MAC, KeyKind.AE_TITLE, KeyKind.FQDN, KeyKind.ASSET_TAG}
    assert {kind for kind, strength in strengths.items() if strength is KeyStrength.STRONG} == strong
    assert {kind for kind, strength in strengths.items() if strength is KeyStrength.MEDIUM} == medium
    assert strength_of(IdentityKey(kind=KeyKind.MAC, value="02:42:ac:11:00:02")) is KeyStrength.WEAK
