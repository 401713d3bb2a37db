"""What a step loses and how much of it lies, over time (docs/guides/engine.md, from events to patients)."""

from typing import Any

import pytest

from tests.unit.impact.ward import capability, down, graph, node, only_step, pathway, step, taken

Json = Any
UNTOUCHED = {"id": "infuse", "short_from_min": None, "loss": [[0, 0.0]], "lying": [[0, 0.0]]}


def pumps(count: int, needed: int, **step_fields: Json) -> Json:
    """A unit whose one step needs infusion by `needed` of `count` pumps; paper is at hand."""
    names = [f"pump-{i}" for i in range(1, count + 1)]
    requires = step_fields.pop("requires", "infusion")
    return graph(
        [*(node(name) for name in names), node("paper", kind="manual"), node("pens", kind="manual")],
        [
            capability("infusion", names, needed),
            capability("paper", ["paper"]),
            capability("pens", ["pens"]),
            capability("spare", [names[0]]),
        ],
        [pathway(step(requires, **step_fields))],
    )


def test_a_step_that_loses_nothing_is_shown_as_such() -> None:
    assert only_step(pumps(3, 2), down("pump-1")) == UNTOUCHED
    assert only_step(pumps(3, 2)) == UNTOUCHED


def test_below_what_is_needed_care_is_lost_in_proportion() -> None:
    lost = only_step(pumps(4, 3), down("pump-1"), down("pump-2", 10), down("pump-3", 20), down("pump-4", 30))
    assert lost["short_from_min"] == 10
    assert lost["loss"] == [[0, 0.0], [10, 1 / 3], [20, 2 / 3], [30, 1.0]]


@pytest.mark.parametrize(
    ("requires", "share"),
    [
        ({"all": ["infusion", "paper"]}, 0.5),
        ({"any": ["infusion", "spare"]}, 0.5),
        ({"any": ["infusion", "paper"]}, 1.0),
        ({"k_of": {"k": 1, "of": ["infusion", "spare", "paper"]}}, 1.0),
        ({"k_of": {"k": 2, "of": ["infusion", "spare", "paper"]}}, 0.5),
        ({"k_of": {"k": 3, "of": ["infusion", "spare", "paper"]}}, 0.0),
        ({"any": [{"all": ["spare", "paper"]}, "infusion"]}, 0.5),
    ],
)
def test_the_share_of_a_tree(requires: Json, share: float) -> None:
    lost = only_step(pumps(2, 2, requires=requires), down("pump-1"))  # infusion is at a half, spare at nothing
    assert lost["loss"] == [[0, 1 - share]]


def test_within_its_tolerance_a_step_loses_nothing() -> None:
    lost = only_step(pumps(1, 1, tolerance_min=30), down("pump-1", 100))
    assert lost["short_from_min"] == 100
    assert lost["loss"] == [[0, 0.0], [130, 1.0]]


def test_a_fallback_serves_its_share_from_the_shortage_on_until_it_no_longer_holds() -> None:
    fallback = {"served_share": 0.75, "holds_min": 600}
    lost = only_step(pumps(1, 1, tolerance_min=30, fallback=fallback), down("pump-1", 240))
    assert lost["loss"] == [[0, 0.0], [270, 0.25], [840, 1.0]]


def test_normal_service_counts_while_it_is_better_than_the_fallback() -> None:
    fallback = {"served_share": 0.6, "holds_min": 600}
    lost = only_step(pumps(4, 4, fallback=fallback), down("pump-1"), down("pump-2", 60))
    assert lost["loss"] == [[0, 0.25], [60, 0.4], [600, 0.5]]


def test_a_fallback_without_a_holding_time_holds_to_the_end() -> None:
    assert only_step(pumps(1, 1, fallback={"served_share": 0.9}), down("pump-1"))["loss"] == [[0, 0.1]]


def test_a_fallback_is_as_good_as_what_it_requires() -> None:
    fallback = {"requires": {"all": ["paper", "pens"]}, "served_share": 0.5}
    lost = only_step(pumps(1, 1, fallback=fallback), down("pump-1"), down("pens", 60))
    assert lost["loss"] == [[0, 0.5], [60, 1.0]]


def test_stages_follow_one_another_each_for_its_own_time() -> None:
    fallback = [
        {"served_share": 0.9, "holds_min": 60},
        {"requires": "paper", "served_share": 0.5, "holds_min": 120},
        {"served_share": 0.2},
    ]
    lost = only_step(pumps(1, 1, fallback=fallback), down("pump-1", 10), down("paper", 100))
    assert lost["loss"] == [[0, 0.0], [10, 0.1], [70, 0.5], [100, 1.0], [190, 0.8]]


def test_an_empty_list_of_stages_is_no_fallback() -> None:
    assert only_step(pumps(1, 1, fallback=[]), down("pump-1"))["loss"] == [[0, 1.0]]


def test_a_provider_found_lying_is_withdrawn() -> None:
    found = only_step(pumps(2, 2, integrity_detected_after_min=120), taken("pump-1", "integrity", 60))
    assert found["lying"] == [[0, 0.0], [60, 0.5], [180, 0.0]]
    assert found["short_from_min"] == 180
    assert found["loss"] == [[0, 0.0], [180, 0.5]]


def test_lies_are_found_after_a_day_unless_said_otherwise() -> None:
    assert only_step(pumps(1, 1), taken("pump-1", "integrity"))["lying"] == [[0, 1.0], [1440, 0.0]]


def test_what_fails_safe_lies_no_longer_than_that() -> None:
    unit = pumps(1, 1, integrity_detected_after_min=120)
    unit["nodes"][0]["fails_safe_after_min"] = 45
    found = only_step(unit, taken("pump-1", "integrity"))
    assert found["lying"] == [[0, 1.0], [45, 0.0]]
    assert found["loss"] == [[0, 0.0], [45, 1.0]]


def test_what_is_found_out_at_once_never_lies_but_is_withdrawn() -> None:
    found = only_step(pumps(1, 1, integrity_detected_after_min=0), taken("pump-1", "integrity", 5))
    assert found == {"id": "infuse", "short_from_min": 5, "loss": [[0, 0.0], [5, 1.0]], "lying": [[0, 0.0]]}


def test_a_provider_that_stops_goes_on_lying_until_it_is_found_out() -> None:
    found = only_step(pumps(1, 1, integrity_detected_after_min=120), taken("pump-1", "integrity"), down("pump-1", 30))
    assert found["lying"] == [[0, 1.0], [120, 0.0]]
    assert found["loss"] == [[0, 0.0], [30, 1.0]]


def test_the_lying_share_is_the_largest_of_the_required_pools_and_counts_all_providers() -> None:
    unit = pumps(4, 1, requires={"any": ["infusion", "spare"]})
    assert only_step(unit, taken("pump-2", "integrity"))["lying"] == [[0, 0.25], [1440, 0.0]]
    assert only_step(unit, taken("pump-1", "integrity"))["lying"] == [[0, 1.0], [1440, 0.0]]


def test_a_lying_fallback_exposes_nobody() -> None:
    unit = pumps(1, 1, fallback={"requires": "paper", "served_share": 1})
    assert only_step(unit, down("pump-1"), taken("paper", "integrity"))["lying"] == [[0, 0.0]]


def test_a_lying_fallback_is_withdrawn_by_the_detection_time_of_its_step() -> None:
    unit = pumps(1, 1, integrity_detected_after_min=60, fallback={"requires": "paper", "served_share": 1})
    assert only_step(unit, down("pump-1"), taken("paper", "integrity"))["loss"] == [[0, 0.0], [60, 1.0]]


def test_the_shortage_at_the_last_minute_is_told_but_no_change_of_that_minute() -> None:
    short = only_step(pumps(1, 1), down("pump-1", 43_200))
    assert short == {"id": "infuse", "short_from_min": 43_200, "loss": [[0, 0.0]], "lying": [[0, 0.0]]}
    assert only_step(pumps(1, 1), taken("pump-1", "integrity", 43_200))["lying"] == [[0, 0.0]]


def test_a_withdrawal_after_thirty_days_never_happens() -> None:
    unit = pumps(1, 1, integrity_detected_after_min=43_200)
    assert only_step(unit, taken("pump-1", "integrity"))["short_from_min"] == 43_200
    assert only_step(unit, taken("pump-1", "integrity", 1))["short_from_min"] is None


def test_shares_that_are_equal_as_numbers_make_no_change() -> None:
    # 9 of 10 pumps serve nine tenths; so does the fallback, whatever 0.9 is in binary
    unit = pumps(10, 10, fallback={"served_share": 0.9, "holds_min": 60})
    assert only_step(unit, down("pump-1"))["loss"] == [[0, 0.1]]
