"""The name of an asset outlives its boards, its leases and what we learn of it."""

from riskdb.identify import settle
from riskdb.model.asset import IdentityKey, KeyKind
from riskdb.model.ids import AssetId, EstablishmentId

SITE = EstablishmentId(1)
PUMP, BOARD = "00:1a:64:00:00:01", "00:1a:64:00:0b:01"


def run(*sightings, **more):
    return settle(sightings, establishment=SITE, **more)


def known(settled):
    return {key: asset.id for asset in settled.assets for key in asset.keys}


def test_an_asset_keeps_its_id_when_its_serial_becomes_known(ward) -> None:
    first = run(ward.bridge(PUMP, by="10.0.0.1", port="gi1"))
    answer = ward.answer("10.0.0.5", maker="Acme", model="G", serial="AB1001X", if_mac=PUMP)
    later = run(ward.bridge(PUMP, by="10.0.0.1", port="gi1"), answer, known=known(first))
    assert [asset.id for asset in later.assets] == [asset.id for asset in first.assets]


def test_of_two_devices_that_claim_an_id_the_one_with_the_stronger_key_has_it(ward, asset_of) -> None:
    first = run(ward.answer("10.0.0.5", maker="Acme", model="G", serial="AB1001X", if_mac=PUMP))
    moved = ward.answer("10.0.0.5", hours=90, maker="Acme", model="G", serial="AB1001X", if_mac=BOARD)
    reused = ward.bridge(PUMP, by="10.0.0.1", port="gi1", hours=90)
    later = run(moved, reused, known=known(first))
    assert asset_of(later, moved).id == first.assets[0].id
    assert asset_of(later, reused).id != first.assets[0].id


def test_a_lone_address_gives_no_device_the_name_of_who_had_it_before(ward) -> None:
    first = run(ward.answer("10.0.0.5", name="pump-1"))
    later = run(ward.answer("10.0.0.5", hours=900, name="pump-2"), known=known(first))
    assert later.assets[0].id != first.assets[0].id


def test_two_devices_with_nothing_but_one_address_at_different_times_have_two_names(ward) -> None:
    settled = run(ward.answer("10.0.0.5"), ward.answer("10.0.0.5", hours=900))
    assert len({asset.id for asset in settled.assets}) == 2


def test_two_establishments_never_share_an_id(ward) -> None:
    row = ward.bridge(PUMP, by="10.0.0.1", port="gi1")
    other = EstablishmentId(2)
    moved = type(row)(
        observation=type(row.observation)(
            **{name: getattr(row.observation, name) for name in row.observation.__slots__} | {"establishment": other}
        ),
        claim=row.claim,
    )
    assert run(row).assets[0].id != settle([moved], establishment=other).assets[0].id


def test_known_keys_that_nobody_has_any_more_do_no_harm(ward) -> None:
    gone = {IdentityKey(kind=KeyKind.MAC, value=BOARD): AssetId("a-gone")}
    assert "a-gone" not in {asset.id for asset in run(ward.answer("10.0.0.5", name="p1"), known=gone).assets}
