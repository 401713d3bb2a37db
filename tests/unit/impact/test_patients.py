"""Patients and index (docs/guides/engine.md, from events to patients), with the sums done by hand."""

from typing import Any

import pytest

from tests.unit.impact.ward import capability, down, graph, node, pathway, step, taken, what_if

Json = Any


def ward(*pathways: Json) -> Json:
    return graph(
        [node("power-a", kind="circuit"), node("pump"), node("monitor"), node("analyser")],
        [capability("infusion", ["pump"]), capability("watch", ["monitor"]), capability("lab", ["analyser"])],
        list(pathways),
    )


def test_the_worked_example() -> None:
    unit = graph(
        [node("power-a"), node("pump-1", needs={"id": "power-a", "tolerance_min": 240}), node("pump-2")],
        [capability("infusion@icu", ["pump-1", "pump-2"], 2)],
        [
            pathway(
                step("infusion@icu", tolerance_min=30, fallback={"served_share": 0.75, "holds_min": 600}),
                census=12,
                arrivals_per_h=0.25,
            )
        ],
    )
    found = what_if(unit, down("power-a"))
    assert found["nodes"]["pump-1"]["down_min"] == 240
    icu = found["pathways"][0]
    assert icu["steps"][0] == {
        "id": "infuse",
        "short_from_min": 240,
        "loss": [[0, 0.0], [270, 0.25], [840, 0.5]],
        "lying": [[0, 0.0]],
    }
    assert icu["patients_affected"]["24h"] == 7.84375 == 12 * 0.5 + 0.25 * (0.25 * 9.5 + 0.5 * 10)
    assert icu["patients_affected"]["4h"] == 0.0
    assert icu["index"]["24h"] == found["index"]["24h"] == 78.4375


def test_those_present_count_once_those_who_arrive_by_the_hour() -> None:
    unit = ward(pathway(step("infusion"), census=10, arrivals_per_h=2))
    affected = what_if(unit, down("pump", 30))["pathways"][0]["patients_affected"]
    assert affected == {
        "1h": 10 + 2 * 0.5,
        "4h": 10 + 2 * 3.5,
        "24h": 10 + 2 * 23.5,
        "72h": 10 + 2 * 71.5,
        "7d": 10 + 2 * 167.5,
        "30d": 10 + 2 * 719.5,
    }


@pytest.mark.parametrize(("at_min", "affected"), [(59, 10.0), (60, 0.0)])
def test_a_loss_that_begins_with_the_end_of_a_horizon_is_outside_it(at_min: int, affected: float) -> None:
    unit = ward(pathway(step("infusion"), census=10))
    assert what_if(unit, down("pump", at_min))["pathways"][0]["patients_affected"]["1h"] == affected


def test_a_pathway_without_people_harms_nobody() -> None:
    assert what_if(ward(pathway(step("infusion"))), down("pump"))["index"]["30d"] == 0.0


def test_a_pathway_follows_its_worst_step_at_every_moment() -> None:
    half_hour = {"served_share": 1, "holds_min": 30}
    unit = ward(
        pathway(step("infusion", "infuse", fallback={"served_share": 0.5}), step("watch", "watch", fallback=half_hour))
        | {"arrivals_per_h": 1}
    )
    affected = what_if(unit, down("pump"), down("monitor"))["pathways"][0]["patients_affected"]
    assert affected["1h"] == 0.5 * 0.5 + 0.5 * 1.0  # half of the care in the first half hour, then none


def test_the_worst_step_by_weight_need_not_be_the_worst_by_share() -> None:
    unit = ward(
        pathway(
            step("infusion", "infuse", severity=5, fallback={"served_share": 0.8}),
            step("watch", "watch", severity=2),
            census=10,
        )
    )
    found = what_if(unit, down("pump"), down("monitor"))["pathways"][0]
    assert found["patients_affected"]["1h"] == 10.0
    assert found["index"]["1h"] == 10 * max(10 * 0.2, 0.1 * 1.0)


@pytest.mark.parametrize(("severity", "weight"), [(1, 0.01), (2, 0.1), (3, 1.0), (4, 5.0), (5, 10.0)])
def test_severity_weighs_by_table_1(severity: int, weight: float) -> None:
    grades = {"availability": severity, "integrity": 1, "confidentiality": 1}
    unit = ward(pathway(step("infusion", severity=grades), census=1))
    assert what_if(unit, down("pump"))["index"]["1h"] == weight


def test_loss_and_lies_are_weighed_each_for_themselves_and_added() -> None:
    grades = {"availability": 3, "integrity": 4, "confidentiality": 5}
    unit = ward(pathway(step("infusion", severity=grades, integrity_detected_after_min=30), census=2))
    found = what_if(unit, taken("pump", "integrity"))["pathways"][0]
    assert found["patients_exposed"]["1h"] == 2.0
    assert found["patients_affected"]["1h"] == 2.0
    assert found["index"]["1h"] == 2 * 5.0 + 2 * 1.0


def test_patients_are_exposed_while_lies_last() -> None:
    unit = ward(pathway(step("infusion", integrity_detected_after_min=120), census=4, arrivals_per_h=1))
    exposed = what_if(unit, taken("pump", "integrity", 60))["pathways"][0]["patients_exposed"]
    assert exposed == {"1h": 0.0, "4h": 6.0, "24h": 6.0, "72h": 6.0, "7d": 6.0, "30d": 6.0}


def test_instances_of_one_pathway_are_different_people() -> None:
    unit = ward(
        pathway(step("infusion", severity=3), identifier="icu-a", instance_of="icu", census=4),
        pathway(step("infusion", severity=3), identifier="icu-b", instance_of="icu", census=6),
    )
    assert what_if(unit, down("pump"))["index"]["1h"] == 10.0


def test_pathways_of_one_population_are_the_same_people() -> None:
    unit = ward(
        pathway(step("infusion", severity=3), identifier="icu-a", instance_of="icu", population="beds", census=4),
        pathway(step("infusion", severity=3), identifier="icu-b", instance_of="icu", population="beds", census=6),
        pathway(step("infusion", severity=3), identifier="record", population="beds", census=9),
    )
    assert what_if(unit, down("pump"))["index"]["1h"] == 10.0


def test_populations_are_added() -> None:
    unit = ward(
        pathway(step("infusion", severity=3), identifier="icu", census=4),
        pathway(step("infusion", severity=3), identifier="theatre", census=9),
    )
    assert what_if(unit, down("pump"))["index"]["1h"] == 13.0


def test_all_pathways_steps_and_horizons_are_told_even_if_untouched() -> None:
    unit = ward(pathway(step("infusion")), pathway(step("watch"), step("lab", "lab"), identifier="er"))
    found = what_if(unit, down("power-a"))
    horizons = ["1h", "4h", "24h", "72h", "7d", "30d"]
    assert [p["id"] for p in found["pathways"]] == ["icu", "er"]
    assert [s["id"] for s in found["pathways"][1]["steps"]] == ["infuse", "lab"]
    assert list(found["pathways"][1]["patients_exposed"]) == list(found["index"]) == horizons
    assert list(found) == ["format", "nodes", "records_exposed", "index", "pathways"]


def test_tenths_are_tenths() -> None:
    unit = ward(pathway(step("infusion", severity=3, fallback={"served_share": 0.7}), census=0.1, arrivals_per_h=0.1))
    assert what_if(unit, down("pump"))["index"]["1h"] == 0.06  # 0.3 x (0.1 + 0.1 x 1 h), which floats miss
