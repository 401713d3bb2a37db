"""Whom to believe about which field, and what stays visible."""

from dataclasses import replace
from datetime import UTC, datetime

from riskdb.identify import settle
from riskdb.model.asset import Attribute, AttributeName
from riskdb.model.ids import EstablishmentId

SITE = EstablishmentId(1)
PUMP = "00:1a:64:00:00:01"


def run(*sightings, **more):
    (asset,) = settle(sightings, establishment=SITE, **more).assets
    return asset


def answer(ward, **more):
    stated = {"maker": "Acme", "model": "GS2", "firmware": "4.2", "device_type": "lvp_pump", "if_mac": PUMP} | more
    return ward.answer("10.0.0.5", **stated)


def test_the_wire_knows_model_type_and_firmware_better_than_a_list(ward) -> None:
    line = ward.line(mac=PUMP, manufacturer="Acme", model="GS1", firmware="3.9", device_type="syringe_pump")
    asset = run(answer(ward), line)
    chosen = {name: asset.value(AttributeName(name)) for name in ("model", "firmware", "device_type")}
    assert chosen == {"model": "GS2", "firmware": "4.2", "device_type": "lvp_pump"}
    assert {c.field: c.others[0].value for c in asset.conflicts} == {
        "model": "GS1",
        "firmware": "3.9",
        "device_type": "syringe_pump",
    }


def test_an_unsure_card_gives_way_to_the_list_except_for_firmware(ward) -> None:
    line = ward.line(mac=PUMP, manufacturer="Acme", model="GS1", firmware="3.9", device_type="syringe_pump")
    asset = run(answer(ward, confidence=0.4), line)
    assert (asset.value(AttributeName.MODEL), asset.device_type) == ("GS1", "syringe_pump")
    assert asset.value(AttributeName.FIRMWARE) == "4.2"


def test_the_list_knows_tag_unit_room_name_and_status_better_than_the_wire(ward) -> None:
    line = ward.line(mac=PUMP, asset_tag="T1", name="Pump 12", unit="icu-a", room="r1", status="spare")
    asset = run(answer(ward, name="h-0001"), line)
    fields = ("asset_tag", "name", "unit", "room", "status", "hostname")
    assert [asset.value(AttributeName(name)) for name in fields] == ["T1", "Pump 12", "icu-a", "r1", "spare", "h-0001"]


def test_the_newest_firmware_counts_and_the_old_one_is_history_not_conflict(ward) -> None:
    asset = run(answer(ward), answer(ward, firmware="5.0", hours=48))
    assert asset.value(AttributeName.FIRMWARE) == "5.0"
    assert asset.conflicts == ()


def test_a_devices_two_addresses_are_no_conflict(ward) -> None:
    asset = run(answer(ward), replace_address(ward))
    assert asset.conflicts == ()
    assert asset.value(AttributeName.ADDRESS) == "10.0.0.6"


def replace_address(ward):
    return ward.answer("10.0.0.6", hours=1, maker="Acme", model="GS2", if_mac=PUMP)


def test_every_value_says_who_stated_it_and_when(ward) -> None:
    line = ward.line(mac=PUMP, asset_tag="T1", list_name="gmao.csv")
    asset = run(answer(ward), line)
    tag, model = asset.attributes[AttributeName.ASSET_TAG], asset.attributes[AttributeName.MODEL]
    assert (tag.source, tag.observation) == ("import:gmao.csv", line.observation.id)
    assert model.source == "card"
    assert model.seen_at == answer(ward).observation.seen_at


def test_a_persons_value_never_gives_way_and_never_blocks_a_first_fill(ward) -> None:
    before = run(answer(ward))
    lock = Attribute(
        value="GS9", source="human:eva", observation=None, seen_at=datetime(2026, 1, 1, tzinfo=UTC), locked=True
    )
    locks = {before.id: {AttributeName.MODEL: lock, AttributeName.FIRMWARE: replace(lock, value="")}}
    asset = run(answer(ward), locked=locks)
    assert asset.attributes[AttributeName.MODEL] == lock
    assert asset.value(AttributeName.FIRMWARE) == "4.2"
    assert [(c.field, [o.value for o in c.others]) for c in asset.conflicts] == [("model", ["GS2"])]


def test_a_device_was_last_seen_when_it_was_heard_not_when_a_list_was_read(ward) -> None:
    asset = run(answer(ward), ward.line(mac=PUMP, asset_tag="T1", hours="500"))
    assert asset.last_seen_at == answer(ward).observation.seen_at
