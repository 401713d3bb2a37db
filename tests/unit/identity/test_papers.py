"""Lines of lists against the wire: typing errors, duplicates, stale columns - and whom to believe."""

import pytest

from riskdb.identify import settle
from riskdb.identify.papers import one_typing_error
from riskdb.model.asset import AttributeName, DemotionReason, KeyKind, MergeRule
from riskdb.model.claim import Category
from riskdb.model.ids import EstablishmentId
from riskdb.model.place import SwitchPort

SITE = EstablishmentId(1)
PUMP, OTHER, OLD = "00:1a:64:00:00:01", "00:1a:64:00:00:02", "00:1a:64:00:0b:01"


def run(*sightings, **more):
    return settle(sightings, establishment=SITE, **more)


@pytest.mark.parametrize(
    ("typed", "true", "near"),
    [
        ("AB1001X", "AB1001X", False),  # right
        ("AB1O01X", "AB1001X", True),  # wrong character
        ("AB101X", "AB1001X", True),  # missing
        ("AB11001X", "AB1001X", True),  # doubled
        ("AB1010X", "AB1001X", True),  # transposed
        ("BA1001X", "AB1001X", True),  # transposed at the start
        ("AB1001", "AB1001X", True),  # missing at the end
        ("AB1010Y", "AB1001X", False),  # two errors
        ("B1001XA", "AB1001X", False),  # rotated
        ("1001", "1002", False),  # too short: another device
    ],
)
def test_one_typing_error_is_one_slip_of_a_finger(typed: str, true: str, near: bool) -> None:
    assert one_typing_error(typed, true) is near
    assert one_typing_error(true, typed) is near


def pump(ward, *, serial: str = "AB1001X", mac: str = PUMP, address: str = "10.0.0.5"):
    return ward.answer(address, name="pump-1", maker="Acme", model="GS2", serial=serial, if_mac=mac)


def test_a_line_with_the_serial_is_the_device_though_its_card_was_swapped(ward, asset_of) -> None:
    answer = pump(ward)
    line = ward.line(mac=OLD, serial="ab-1001-x", manufacturer="ACME", asset_tag="T1")
    settled = run(answer, line)
    (asset,) = settled.assets
    assert asset.value(AttributeName.MAC) == PUMP
    (conflict,) = [c for c in asset.conflicts if c.field == "mac"]
    assert [other.value for other in conflict.others] == [OLD]


def test_a_mistyped_serial_does_not_part_a_line_from_its_mac(ward) -> None:
    settled = run(pump(ward), ward.line(mac=PUMP, serial="AB1O01X", manufacturer="Acme", asset_tag="T1"))
    (asset,) = settled.assets
    assert asset.value(AttributeName.SERIAL) == "AB1001X"
    assert asset.value(AttributeName.ASSET_TAG) == "T1"
    assert "serial" in {conflict.field for conflict in asset.conflicts}


def test_a_wholly_different_serial_does(ward) -> None:
    settled = run(pump(ward), ward.line(mac=PUMP, serial="ZZ9876K", manufacturer="Acme", asset_tag="T1"))
    assert len(settled.assets) == 2
    assert [apart.reason for apart in settled.kept_apart] == ["their serial numbers differ"]


def test_the_serial_of_the_next_pump_of_the_batch_is_no_typing_error(ward, asset_of) -> None:
    first, second = pump(ward), pump(ward, serial="AB1002X", mac=OTHER, address="10.0.0.6")
    line = ward.line(mac=PUMP, serial="AB1002X", manufacturer="Acme", asset_tag="T2")
    settled = run(first, second, line)
    assert asset_of(settled, line) == asset_of(settled, second)


def test_a_line_whose_mac_and_address_name_one_pump_and_whose_serial_the_next_was_mistyped(ward, asset_of) -> None:
    first, second = pump(ward), pump(ward, serial="AB1002X", mac=OTHER, address="10.0.0.6")
    line = ward.line(mac=PUMP, address="10.0.0.5", serial="AB1002X", manufacturer="Acme", asset_tag="T1")
    settled = run(first, second, line)
    assert asset_of(settled, line) == asset_of(settled, first)


def test_of_two_lines_with_one_serial_the_one_in_the_right_place_has_it(ward, asset_of) -> None:
    first, second = pump(ward), pump(ward, serial="AB1002X", mac=OTHER, address="10.0.0.6")
    wrong = ward.line(mac=PUMP, serial="AB1002X", manufacturer="Acme", asset_tag="T1")
    right = ward.line(mac=OTHER, serial="AB1002X", manufacturer="Acme", asset_tag="T2")
    settled = run(first, second, wrong, right)
    assert asset_of(settled, right) == asset_of(settled, second)
    assert asset_of(settled, wrong) == asset_of(settled, first)


def test_a_line_typed_twice_is_one_device(ward) -> None:
    columns = {"serial": "AB1001X", "manufacturer": "Acme", "name": "Pump"}
    settled = run(ward.line(mac=PUMP, asset_tag="T1", **columns), ward.line(mac=PUMP, asset_tag="T1-B", **columns))
    assert len(settled.assets) == 1


def test_a_list_imported_again_continues_its_lines(ward) -> None:
    before = ward.line(asset_tag="T1", name="Bed lift", unit="icu-a")
    after = ward.line(asset_tag="T1", name="Bed lift", unit="icu-b", hours="700", list_name="gmao-april.csv")
    (asset,) = run(before, after).assets
    assert asset.unit == "icu-b"


def test_one_tag_on_two_devices_joins_neither(ward) -> None:
    settled = run(
        ward.line(asset_tag="T1", serial="AB1001X", manufacturer="Acme"),
        ward.line(asset_tag="T1", serial="CD7777K", manufacturer="Acme"),
    )
    assert len(settled.assets) == 2
    assert [apart.reason for apart in settled.kept_apart] == ["their serial numbers differ"]


def test_a_model_number_typed_as_serial_names_nothing(ward) -> None:
    lines = [ward.line(asset_tag=f"T{n}", serial="REF-4711", manufacturer="Acme") for n in range(8)]
    settled = run(*lines)
    assert len(settled.assets) == 8
    assert {d.reason for d in settled.demotions if d.key.kind is KeyKind.SERIAL} == {DemotionReason.SHARED}


def test_an_address_alone_joins_nothing_but_is_shown_to_a_person(ward) -> None:
    settled = run(ward.arp("10.0.0.5", PUMP), ward.line(address="10.0.0.5", asset_tag="T1"))
    assert len(settled.assets) == 2
    (apart,) = settled.kept_apart
    assert apart.shared[0].kind is KeyKind.ADDRESS


def test_an_address_with_the_name_of_who_answers_there_is_its_line(ward) -> None:
    settled = run(
        ward.answer("10.0.0.5", name="PUMP-1"), ward.line(address="10.0.0.5", hostname="pump-1", asset_tag="T1")
    )
    (merge,) = settled.merges
    assert merge.rule is MergeRule.SAME_SIGHTING


def test_an_address_with_another_name_is_not(ward) -> None:
    settled = run(
        ward.answer("10.0.0.5", name="pump-2", maker="Acme", model="GS2"),
        ward.line(address="10.0.0.5", hostname="pump-1", manufacturer="Acme", model="GS2", asset_tag="T1"),
    )
    assert len(settled.assets) == 2


def test_an_address_with_the_product_that_answers_there_is_its_line(ward) -> None:
    settled = run(
        ward.answer("10.0.0.5", maker="Acme", model="GS2"),
        ward.line(address="10.0.0.5", manufacturer="ACME", model="gs2", asset_tag="T1"),
    )
    assert len(settled.assets) == 1


def test_an_address_that_changed_hands_is_no_evidence_for_a_product(ward) -> None:
    settled = run(
        ward.arp("10.0.0.5", PUMP),
        ward.arp("10.0.0.5", OTHER, hours=48),
        ward.answer("10.0.0.5", maker="Acme", model="GS2", hours=48),
        ward.line(address="10.0.0.5", manufacturer="Acme", model="GS2", asset_tag="T1"),
    )
    assert len(settled.assets) == 3


def test_of_two_tags_at_that_address_neither_is(ward) -> None:
    settled = run(
        ward.answer("10.0.0.5", maker="Acme", model="GS2"),
        ward.line(address="10.0.0.5", manufacturer="Acme", model="GS2", asset_tag="T1"),
        ward.line(address="10.0.0.5", manufacturer="Acme", model="GS2", asset_tag="T2"),
    )
    assert len(settled.assets) == 3


def test_the_computer_inside_a_scanner_has_its_own_serial(ward) -> None:
    console = ward.answer("10.0.0.5", maker="HP", model="Z4", serial="CZC1234ABC", if_mac=PUMP)
    line = ward.line(mac=PUMP, manufacturer="Siemens", model="Somatom", serial="SOM99887", device_type="ct_scanner")
    (asset,) = run(console, line).assets
    assert asset.device_type == "ct_scanner"


def test_a_line_joins_two_sightings_that_are_parts_of_one_device(ward, asset_of) -> None:
    answer = ward.answer("10.0.0.5", maker="Acme", model="GS2", serial="AB1001X")
    row = ward.bridge(PUMP, by="10.0.0.1", port="gi1")
    line = ward.line(mac=PUMP, serial="AB1001X", manufacturer="Acme")
    settled = run(answer, row, line)
    assert asset_of(settled, answer) == asset_of(settled, row) == asset_of(settled, line)


def test_a_line_never_joins_two_devices_that_each_have_their_own_mac(ward, asset_of) -> None:
    answer = pump(ward)
    row = ward.bridge(OTHER, by="10.0.0.1", port="gi1")
    line = ward.line(mac=OTHER, serial="AB1001X", manufacturer="Acme")
    settled = run(answer, row, line)
    assert asset_of(settled, line) == asset_of(settled, answer)
    assert asset_of(settled, row) != asset_of(settled, answer)


def test_a_docks_mac_in_several_lines_gives_none_of_them_the_dock(ward, asset_of) -> None:
    row = ward.bridge(PUMP, by="10.0.0.1", port="gi1")
    lines = [
        ward.line(mac=PUMP, asset_tag=f"T{n}", hostname=f"pc-{n}", serial=f"CZC10{n}7ABC", manufacturer="HP")
        for n in range(3)
    ]
    settled = run(row, *lines)
    assert len({asset_of(settled, line).id for line in lines}) == 3
    assert all(asset_of(settled, line) != asset_of(settled, row) for line in lines)


def room_sightings(ward, *, rooms_devices: int = 1):
    macs = [f"00:1a:64:00:07:{n:02x}" for n in range(rooms_devices)]
    return [
        ward.answer("10.0.0.2", name="sw-a", maker="Cisco", category=Category.NETWORK),
        ward.arp("10.0.0.5", macs[0]),
        *[ward.bridge(mac, by="10.0.0.2", port=f"gi{n}") for n, mac in enumerate(macs)],
    ]


def ports_of_room(count: int):
    return [SwitchPort(switch="sw-a", port=f"gi{n}", room="r12", unit=None) for n in range(count)]


def test_an_address_with_the_room_behind_the_switch_port_is_its_line(ward, asset_of) -> None:
    line = ward.line(address="10.0.0.5", room="r12", asset_tag="T1", device_type="icu_ventilator")
    sightings = room_sightings(ward)
    settled = run(*sightings, line, ports=ports_of_room(1))
    assert asset_of(settled, line) == asset_of(settled, sightings[1])


def test_an_address_with_another_room_is_not(ward) -> None:
    line = ward.line(address="10.0.0.5", room="r99", asset_tag="T1")
    assert len(run(*room_sightings(ward), line, ports=ports_of_room(1)).assets) == 3


def test_a_room_full_of_servers_says_nothing(ward) -> None:
    line = ward.line(address="10.0.0.5", room="r12", asset_tag="T1")
    settled = run(*room_sightings(ward, rooms_devices=13), line, ports=ports_of_room(13))
    assert len(settled.assets) == 1 + 13 + 1
