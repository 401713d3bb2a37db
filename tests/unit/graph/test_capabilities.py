"""What a hospital can do, where, with how many providers."""

from typing import Any

import pytest

from riskdb.graph.capabilities import enough
from riskdb.model.care import AnyOf, Leaf


def test_a_ward_needs_half_of_its_pumps_and_intensive_care_three_quarters(hospital: Any) -> None:
    hospital.unit("ward-a", "ward")
    hospital.unit("icu", "icu")
    hospital.many(5, "lvp_pump", "ward-a")
    hospital.many(5, "syringe_pump", "icu")
    seen = hospital.build()
    assert seen.capability("infusion_delivery@ward-a").needed == 3
    assert seen.capability("infusion_delivery@icu").needed == 4


@pytest.mark.parametrize(
    ("share", "providers", "needed"), [(0.5, 1, 1), (0.5, 4, 2), (0.55, 20, 11), (0.1, 3, 1), (1, 7, 7), (0, 3, 1)]
)
def test_enough_is_rounded_up_without_rounding_errors(share: float, providers: int, needed: int) -> None:
    assert enough(share, providers) == needed


def test_the_record_exists_once_for_the_whole_hospital(hospital: Any) -> None:
    hospital.unit("ward-a", "ward")
    hospital.has("dpi", "ehr", "ward-a")
    seen = hospital.build()
    assert seen.capability("record_read").providers == ("dpi",)
    assert "record_read@ward-a" not in seen.capabilities()


def test_what_nobody_found_is_assumed_and_asked_for_in_both_languages(hospital: Any) -> None:
    hospital.unit("ward-a", "ward")
    seen = hospital.build()
    assert seen.node("assumed:infusion_delivery@ward-a").kind == "assumed"
    assert seen.capability("infusion_delivery@ward-a").providers == ("assumed:infusion_delivery@ward-a",)
    question = next(q for q in seen.built.questions if q.about == "assumed:infusion_delivery@ward-a")
    assert "Intravenous infusion" in question.text_en or "infusion" in question.text_en.lower()
    assert "WARD-A" in question.text_fr
    assert "Rien dans l’inventaire" in question.text_fr


def test_a_bag_and_a_mask_are_people_not_an_asset(hospital: Any) -> None:
    hospital.unit("icu", "icu")
    seen = hospital.build()
    assert seen.node("manual:manual_ventilation").kind == "manual"
    assert "manual:manual_ventilation" not in seen.asked("assumed_capability")


@pytest.mark.parametrize("status", ["retired", "spare"])
def test_a_pump_out_of_service_is_known_but_serves_nobody(hospital: Any, status: str) -> None:
    hospital.unit("ward-a", "ward")
    hospital.many(2, "lvp_pump", "ward-a")
    hospital.has("old", "lvp_pump", "ward-a", status=status)
    seen = hospital.build()
    assert seen.node("old").needs is None
    assert "old" not in seen.capability("infusion_delivery@ward-a").providers


def test_a_device_of_unknown_type_provides_nothing_and_raises_a_question(hospital: Any) -> None:
    hospital.has("box")
    hospital.has("thing", "tricorder")
    seen = hospital.build()
    assert seen.node("box").kind == "asset"
    assert seen.asked("unknown_type") == {"box", "thing"}
    assert not any("box" in c.providers for c in seen.built.graph.capabilities)


def test_as_long_as_no_pump_is_located_all_pumps_serve_every_ward(hospital: Any) -> None:
    hospital.unit("ward-a", "ward")
    hospital.unit("ward-b", "ward")
    hospital.many(6, "lvp_pump")
    seen = hospital.build()
    assert seen.step("medication@ward-a~0.4", "infuse").requires == Leaf("infusion_delivery")
    assert len(seen.capability("infusion_delivery").providers) == 6
    assert len(seen.asked("unknown_location")) == 6


def test_once_pumps_are_located_a_lost_one_does_not_carry_the_wards_without(hospital: Any) -> None:
    hospital.unit("ward-a", "ward")
    hospital.unit("ward-b", "ward")
    hospital.many(3, "lvp_pump", "ward-a")
    hospital.has("lost", "lvp_pump")
    seen = hospital.build()
    assert seen.step("medication@ward-b~0.4", "infuse").requires == Leaf("infusion_delivery@ward-b")
    assert seen.capability("infusion_delivery@ward-b").providers == ("assumed:infusion_delivery@ward-b",)
    assert "lost" in seen.asked("unknown_location")


def test_a_unit_that_no_list_knows_is_an_unknown_location(hospital: Any) -> None:
    hospital.has("pump", "lvp_pump", "ward-closed-in-2019")
    seen = hospital.build()
    assert seen.asked("unknown_location") == {"pump"}
    assert seen.node("pump").unit is None


def test_a_defibrillator_of_any_ward_serves_an_arrest(hospital: Any) -> None:
    hospital.unit("ward-a", "ward")
    hospital.unit("ward-b", "ward")
    hospital.unit("ward-c", "ward")
    hospital.has("defib-a", "aed", "ward-a")
    hospital.has("defib-b", "manual_defibrillator", "ward-b")
    shock = hospital.build().step("resus", "shock")
    assert shock.requires == AnyOf((Leaf("defibrillation@ward-a"), Leaf("defibrillation@ward-b")))


def test_every_provider_says_why_it_is_one(hospital: Any) -> None:
    hospital.unit("ward-a", "ward")
    hospital.has("pump", "lvp_pump", "ward-a")
    source = hospital.build().source("pump", "provides", "infusion_delivery@ward-a")
    assert (source.provenance, source.because) == (
        "inferred",
        "pack:capability/infusion_delivery/provided_by/lvp_pump",
    )
    assert 0 < source.confidence < 1
