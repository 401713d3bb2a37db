"""Where care happens, for how many people, and what each step needs there."""

from typing import Any

import pytest

from riskdb.model.care import Leaf


def test_wards_share_the_inpatients_by_beds(hospital: Any) -> None:
    hospital.unit("ward-a", "ward", beds=30)
    hospital.unit("ward-b", "ward", beds=10)
    seen = hospital.build(beds=500)
    assert seen.pathway("inpatient_record@ward-a").census == pytest.approx(430 * 0.75)
    assert seen.pathway("inpatient_record@ward-b").census == pytest.approx(430 * 0.25)
    assert seen.pathway("inpatient_record@ward-a").instance_of == "inpatient_record"
    assert seen.pathway("inpatient_record@ward-b").arrivals_per_h == pytest.approx(75 / 24 * 0.25)


def test_a_ward_whose_beds_nobody_counted_is_an_average_ward(hospital: Any) -> None:
    hospital.unit("ward-a", "ward", beds=30)
    hospital.unit("ward-b", "ward")
    seen = hospital.build(beds=500)
    assert seen.pathway("inpatient_record@ward-b").census == pytest.approx(215)
    assert seen.asked("unknown_beds") == {"ward-b"}


def test_a_smaller_hospital_has_fewer_patients(hospital: Any) -> None:
    assert hospital.build(beds=250).pathway("ed").arrivals_per_h == pytest.approx(120 / 24 / 2)


def test_without_a_stated_size_the_inpatient_beds_say_it(hospital: Any) -> None:
    hospital.unit("ward-a", "ward", beds=240)
    hospital.unit("icu", "icu", beds=10)
    hospital.unit("dialysis", "dialysis", beds=40)  # stations, not beds
    assert hospital.build().pathway("ed").arrivals_per_h == pytest.approx(120 / 24 / 2)


def test_steps_of_some_of_the_people_form_one_companion(hospital: Any) -> None:
    hospital.unit("ward-a", "ward", beds=30)
    seen = hospital.build(beds=500)
    companion = seen.pathway("medication@ward-a~0.4")
    assert {step.id for step in companion.steps} == {"infuse", "guard", "library", "auto"}
    assert companion.census == pytest.approx(430 * 0.4)
    assert (companion.instance_of, companion.population) == ("medication~0.4", "inpatients")
    assert {step.id for step in seen.pathway("medication@ward-a").steps} == {"order", "check"}


def test_a_pathway_of_which_no_unit_exists_is_left_out_with_a_question(hospital: Any) -> None:
    seen = hospital.build()
    assert not any(pathway.startswith("dialysis") for pathway in seen.pathways())
    assert "dialysis:dialysis" in seen.asked("no_unit_of_type")


def test_a_pathway_of_the_establishment_without_its_unit_is_asked_about(hospital: Any) -> None:
    seen = hospital.build()
    assert "stemi" in seen.pathways()
    assert "stemi:cath_lab" in seen.asked("no_unit_of_type")


def test_a_step_takes_its_monitors_from_its_own_unit(small_hospital: Any) -> None:
    seen = small_hospital.build()
    assert seen.step("ed~0.15", "monitor").requires.parts == (Leaf("vital_monitoring@ed"), Leaf("oxygen_supply"))


def test_fallbacks_keep_share_and_time_and_end_with_the_horizon(small_hospital: Any) -> None:
    seen = small_hospital.build()
    (fallback,) = seen.step("icu@icu~0.5", "vent").fallbacks
    assert (fallback.served_share, fallback.holds_min) == (0.3, 60)
    (forever,) = seen.step("medication@ward-a~0.4", "library").fallbacks
    assert forever.holds_min == 43_200


def test_lies_are_found_as_late_as_the_slowest_system_notices(small_hospital: Any) -> None:
    seen = small_hospital.build()
    assert seen.step("medication@ward-a", "order").integrity_detected_after_min == 1_440
    assert seen.step("beds", "identity").integrity_detected_after_min == 480
    assert seen.step("radiotherapy", "deliver").integrity_detected_after_min == 10_080  # the record-and-verify system


def test_unreviewed_numbers_are_those_this_graph_used(hospital: Any, pack: Any) -> None:
    few = hospital.build().built.unreviewed_numbers
    hospital.unit("ward-a", "ward")
    hospital.many(2, "directory")
    hospital.has("pc", "clinical_pc", "ward-a")
    more = hospital.build().built.unreviewed_numbers
    assert 0 < few < more < pack.count_numbers().unreviewed
