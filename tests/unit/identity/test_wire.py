"""Devices seen again, replaced, cloned, docked and renamed: what joins on the wire and what stays apart."""

from riskdb.identify import settle
from riskdb.model import facts
from riskdb.model.asset import AttributeName, DemotionReason, IdentityDecision, KeyKind, MergeRule
from riskdb.model.ids import EstablishmentId
from riskdb.model.observation import Protocol

SITE = EstablishmentId(1)
PUMP, OTHER, BOARD = "00:1a:64:00:00:01", "00:1a:64:00:00:02", "00:1a:64:00:0b:01"
CLONED = "80001f8804aabbccddeeff0011"


def run(*sightings, **more):
    return settle(sightings, establishment=SITE, **more)


def test_an_answer_belongs_to_the_mac_that_the_router_sees_at_its_address(ward, asset_of) -> None:
    answer = ward.answer("10.0.0.5", maker="Acme", model="GS2", serial="AB1001X")
    row = ward.bridge(PUMP, by="10.0.0.1", port="gi1")
    settled = run(answer, ward.arp("10.0.0.5", PUMP), row)
    assert asset_of(settled, answer) == asset_of(settled, row)


def test_an_address_that_changed_hands_does_not_carry_its_mac_along(ward, asset_of) -> None:
    answer = ward.answer("10.0.0.5", hours=10, name="p1")
    before, after = ward.arp("10.0.0.5", PUMP, hours=9), ward.arp("10.0.0.5", OTHER, hours=11)
    settled = run(before, answer, after)
    assert len(settled.assets) == 3


def test_yesterdays_mac_is_not_todays(ward) -> None:
    settled = run(ward.arp("10.0.0.5", PUMP), ward.answer("10.0.0.5", hours=20, name="p1"))
    assert len(settled.assets) == 2


def test_a_mac_that_holds_several_addresses_at_once_binds_none(ward) -> None:
    rows = [ward.arp(f"10.0.0.{n}", PUMP) for n in (5, 6)]
    answers = [ward.answer(f"10.0.0.{n}", maker="Acme", model="GS2") for n in (5, 6)]
    settled = run(*rows, *answers)
    assert len(settled.assets) == 3


def test_such_a_device_is_known_by_the_mac_it_states(ward) -> None:
    rows = [ward.arp(f"10.0.0.{n}", PUMP) for n in (5, 6)]
    answers = [ward.answer(f"10.0.0.{n}", maker="Acme", model="GS2", if_mac=PUMP) for n in (5, 6)]
    assert len(run(*rows, *answers).assets) == 1


def test_a_replaced_board_is_the_same_device(ward, asset_of) -> None:
    old = ward.answer("10.0.0.5", maker="Acme", model="GS2", serial="AB1001X", if_mac=PUMP)
    new = ward.answer("10.0.0.9", hours=30, maker="Acme", model="GS2", serial="AB1001X", if_mac=BOARD)
    settled = run(old, new)
    (asset,) = settled.assets
    assert asset.value(AttributeName.MAC) == BOARD
    assert {m.rule for m in settled.merges} == {MergeRule.SAME_STRONG_KEY}


def test_one_mac_with_two_serials_joins_nothing_and_both_stay_visible(ward) -> None:
    dock = [
        ward.answer("10.0.0.5", maker="Acme", model="L1", serial="AB1001X", if_mac=PUMP),
        ward.answer("10.0.0.6", hours=8, maker="Acme", model="L1", serial="AB2002X", if_mac=PUMP),
    ]
    settled = run(*dock)
    assert len(settled.assets) == 2
    (apart,) = settled.kept_apart
    assert "serial" in apart.reason
    assert [d.reason for d in settled.demotions] == [DemotionReason.CONTRADICTED]


def test_a_card_that_moved_to_another_device_leaves_its_rows_with_who_used_it_then(ward, asset_of) -> None:
    first = ward.answer("10.0.0.5", maker="Acme", model="L1", serial="AB1001X", if_mac=PUMP)
    early = ward.bridge(PUMP, by="10.0.0.1", port="gi1", hours=0.1)
    second = ward.answer("10.0.0.6", hours=100, maker="Acme", model="L1", serial="AB2002X", if_mac=PUMP)
    late = ward.bridge(PUMP, by="10.0.0.1", port="gi2", hours=100.1)
    settled = run(first, early, second, late)
    assert asset_of(settled, early) == asset_of(settled, first)
    assert asset_of(settled, late) == asset_of(settled, second)
    assert asset_of(settled, first) != asset_of(settled, second)


def test_a_mac_of_many_laptops_is_a_dock(ward) -> None:
    laptops = [ward.answer(f"10.0.0.{n}", hours=24 * n, name=f"laptop-{n}", if_mac=PUMP) for n in range(1, 8)]
    settled = run(*laptops)
    assert len(settled.assets) == 7
    (demotion,) = settled.demotions
    assert (demotion.key.value, demotion.reason, demotion.carriers) == (PUMP, DemotionReason.SHARED, 7)


def test_two_names_at_two_addresses_at_once_behind_one_mac_are_two_devices(ward) -> None:
    settled = run(
        ward.answer("10.0.0.5", name="laptop-a", if_mac=PUMP),
        ward.answer("10.0.0.6", hours=1, name="laptop-b", if_mac=PUMP),
    )
    assert len(settled.assets) == 2


def test_a_renamed_device_is_the_same_device(ward) -> None:
    settled = run(
        ward.answer("10.0.0.5", name="old-name", if_mac=PUMP),
        ward.answer("10.0.0.5", hours=30, name="new-name", if_mac=PUMP),
    )
    (asset,) = settled.assets
    assert asset.value(AttributeName.HOSTNAME) == "new-name"


def test_machines_cloned_with_their_engine_id_stay_apart(ward) -> None:
    clones = [ward.answer(f"10.0.0.{n}", name=f"vm-{n}", engine=CLONED) for n in range(1, 41)]
    settled = run(*clones)
    assert len(settled.assets) == 40
    assert [(d.key.kind, d.reason, d.carriers) for d in settled.demotions] == [
        (KeyKind.ENGINE_ID, DemotionReason.SHARED, 40)
    ]


def test_even_two_clones_stay_apart(ward) -> None:
    settled = run(
        ward.answer("10.0.0.1", name="vm-1", engine=CLONED, if_mac=PUMP),
        ward.answer("10.0.0.2", name="vm-2", engine=CLONED, if_mac=OTHER),
    )
    assert len(settled.assets) == 2
    assert [d.reason for d in settled.demotions] == [DemotionReason.CONTRADICTED]


def test_a_router_with_two_addresses_is_one_device_by_its_engine_id(ward) -> None:
    settled = run(
        ward.answer("10.0.0.1", name="core", engine=CLONED), ward.answer("10.1.0.1", name="core", engine=CLONED)
    )
    (asset,) = settled.assets
    (merge,) = settled.merges
    assert merge.rule is MergeRule.SAME_STRONG_KEY
    assert set(merge.joined) <= set(asset.observations)


def test_nameless_clones_at_two_addresses_stay_apart(ward) -> None:
    settled = run(ward.answer("10.0.0.1", engine=CLONED), ward.answer("10.0.0.2", engine=CLONED, hours=1))
    assert len(settled.assets) == 2


def test_a_nameless_device_that_got_another_address_is_known_by_its_engine_id(ward) -> None:
    settled = run(ward.answer("10.0.0.1", engine=CLONED), ward.answer("10.0.0.2", engine=CLONED, hours=48))
    assert len(settled.assets) == 1


def test_a_serial_printed_on_every_board_names_none(ward) -> None:
    boards = [
        ward.answer(
            f"10.0.0.{n}", name=f"h{n}", maker="Acme", model="X", serial="REF4711", if_mac=f"00:1a:64:00:01:0{n}"
        )
        for n in range(1, 9)
    ]
    settled = run(*boards)
    assert len(settled.assets) == 8
    assert DemotionReason.SHARED in {d.reason for d in settled.demotions}


def test_one_serial_on_two_products_at_once_is_a_part_number(ward) -> None:
    settled = run(
        ward.answer("10.0.0.1", maker="Acme", model="X1", serial="1E1C0000XHCI", if_mac=PUMP),
        ward.answer("10.0.0.2", maker="Acme", model="Y2", serial="1E1C0000XHCI", if_mac=OTHER, hours=1),
    )
    assert len(settled.assets) == 2
    assert DemotionReason.CONTRADICTED in {d.reason for d in settled.demotions}


def test_one_mac_on_two_products_at_two_addresses_at_once_is_shared(ward) -> None:
    settled = run(
        ward.answer("10.0.0.1", maker="Acme", model="X1", if_mac=PUMP),
        ward.answer("10.0.0.2", maker="Acme", model="Y2", if_mac=PUMP, hours=1),
    )
    assert len(settled.assets) == 2


def test_an_announcement_repeated_at_its_address_is_the_same_device(ward) -> None:
    settled = run(
        ward.announcement("10.0.0.5", "Pump 12", host="pump-12.local"),
        ward.announcement("10.0.0.5", "Pump 12", host="pump-12.local", hours=23),
    )
    assert len(settled.assets) == 1


def test_an_announcement_elsewhere_is_not(ward) -> None:
    settled = run(ward.announcement("10.0.0.5", "Pump 12"), ward.announcement("10.0.0.6", "Pump 12", hours=1))
    assert len(settled.assets) == 2


def test_an_address_passed_on_to_another_name_is_another_device(ward) -> None:
    settled = run(
        ward.answer("10.0.0.5", name="pump-1", maker="Acme", model="GS2"),
        ward.answer("10.0.0.5", hours=2, name="pump-2", maker="Acme", model="GS2"),
    )
    assert len(settled.assets) == 2


def test_a_nameless_answer_repeated_within_the_lease_is_the_same_device(ward) -> None:
    settled = run(*(ward.answer("10.0.0.5", maker="Acme", model="GS2", hours=20 * n) for n in range(5)))
    assert len(settled.assets) == 1


def test_an_answer_that_names_nobody_belongs_to_who_holds_the_address(ward, asset_of) -> None:
    nameless = ward.answer("10.0.0.5", hours=1)
    holder = ward.answer("10.0.0.5", name="pump-1")
    settled = run(holder, nameless)
    assert asset_of(settled, nameless) == asset_of(settled, holder)


def test_a_reused_host_name_joins_nothing(ward) -> None:
    settled = run(ward.answer("10.0.0.5", name="pump-1"), ward.answer("10.0.0.6", hours=1, name="pump-1"))
    assert len(settled.assets) == 2


def test_fqdn_and_ae_title_together_make_one_device(ward) -> None:
    def dicom(address: str, hours: float, mac: str):
        from_wire = ward.answer(address, hours=hours, name="ct1.radio.hospital.org", if_mac=mac)
        heard = from_wire.observation
        return ward.unclaimed(
            type(heard)(
                id=heard.id,
                establishment=heard.establishment,
                agent=heard.agent,
                seen_at=heard.seen_at,
                address=heard.address,
                mac=heard.mac,
                protocol=Protocol.DICOM,
                facts={**heard.facts, facts.DICOM_AE_TITLE: "CT1"},
            )
        )

    settled = run(dicom("10.0.0.5", 0, PUMP), dicom("10.0.0.5", 40, OTHER))
    (merge,) = settled.merges
    assert merge.rule is MergeRule.TWO_MEDIUM_KEYS
    assert {key.kind for key in merge.evidence} == {KeyKind.AE_TITLE, KeyKind.FQDN}


def test_a_device_known_from_a_bridge_table_alone_is_an_asset_of_unknown_type(ward) -> None:
    (asset,) = run(ward.bridge(PUMP, by="10.0.0.1", port="gi1")).assets
    assert asset.device_type is None
    assert asset.value(AttributeName.MAC) == PUMP


def test_shared_random_and_multicast_macs_in_tables_are_nobody(ward) -> None:
    macs = ("00:00:5e:00:01:0a", "06:12:34:56:78:9a", "01:00:5e:00:00:fb")
    assert run(*(ward.bridge(mac, by="10.0.0.1", port="gi1") for mac in macs)).assets == ()


def test_the_same_statement_twice_counts_once(ward) -> None:
    answer = ward.answer("10.0.0.5", name="pump-1")
    (asset,) = run(answer, answer).assets
    assert asset.observations == (answer.observation.id,)


def test_a_person_may_part_what_a_rule_joined_and_join_what_none_would(ward, asset_of) -> None:
    one, two = ward.answer("10.0.0.5", if_mac=PUMP, name="a1"), ward.bridge(PUMP, by="10.0.0.1", port="gi1")
    third = ward.answer("10.0.0.7", name="b1")

    def decided(a, b, *, same: bool) -> IdentityDecision:
        pair = (a.observation.id, b.observation.id)
        return IdentityDecision(observations=pair, same=same, decided_by="human:eva", reason="looked at it")

    parted = run(one, two, third, decisions=[decided(one, two, same=False)])
    assert asset_of(parted, one) != asset_of(parted, two)
    joined = run(one, two, third, decisions=[decided(third, one, same=True)])
    assert asset_of(joined, third) == asset_of(joined, one)
    assert MergeRule.BY_HAND in {m.rule for m in joined.merges}
    assert len(run(one, two, third).assets) == 2


def test_every_merge_and_its_evidence_can_be_found_in_the_asset(ward) -> None:
    settled = run(
        ward.answer("10.0.0.5", maker="Acme", model="G", serial="AB1001X", if_mac=PUMP),
        ward.answer("10.0.0.6", hours=50, maker="Acme", model="G", serial="AB1001X", if_mac=BOARD),
        ward.line(mac=BOARD, asset_tag="T1"),
    )
    (asset,) = settled.assets
    assert len(settled.merges) == 2
    for merge in settled.merges:
        assert merge.asset == asset.id
        assert set(merge.joined) <= set(asset.observations)
        assert set(merge.evidence) <= asset.keys
