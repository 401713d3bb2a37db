"""When things happen to nodes (docs/guides/engine.md, event times)."""

import pytest

from riskdb.exchange import parse_graph, parse_scenario
from riskdb.impact import ScenarioError, compile, evaluate
from tests.unit.impact.ward import down, graph, minutes, node, scenario, taken, what_if


def test_a_pump_lives_on_its_battery_when_the_circuit_fails() -> None:
    ward = graph([node("power-a"), node("pump-1", needs={"id": "power-a", "tolerance_min": 240})])
    assert minutes(ward, "down", down("power-a", 10)) == {"power-a": 10, "pump-1": 250}


def test_all_of_falls_with_its_first_part() -> None:
    ward = graph([node("power"), node("switch"), node("pump", needs={"all": ["power", "switch"]})])
    assert minutes(ward, "down", down("power", 50), down("switch", 20))["pump"] == 20


def test_any_of_falls_with_its_last_part() -> None:
    ward = graph([node("sw-1"), node("sw-2"), node("pump", needs={"any": ["sw-1", "sw-2"]})])
    assert "pump" not in minutes(ward, "down", down("sw-1"))
    assert minutes(ward, "down", down("sw-1"), down("sw-2", 7))["pump"] == 7


def test_two_of_three_controllers_are_enough_until_the_second_is_lost() -> None:
    needs = {"k_of": {"k": 2, "of": ["dc-1", "dc-2", "dc-3"]}}
    ward = graph([node("dc-1"), node("dc-2"), node("dc-3"), node("ehr", needs=needs)])
    assert "ehr" not in minutes(ward, "down", down("dc-1"))
    assert minutes(ward, "down", down("dc-1", 1), down("dc-2", 5), down("dc-3", 9))["ehr"] == 5


def test_a_tolerance_counts_from_the_loss_of_its_own_part() -> None:
    needs = {"any": [{"id": "mains", "tolerance_min": 100}, "generator"]}
    ward = graph([node("mains"), node("generator"), node("pump", needs=needs)])
    assert minutes(ward, "down", down("mains", 5), down("generator", 30))["pump"] == 105


def test_a_part_named_twice_counts_twice() -> None:
    needs = {"k_of": {"k": 2, "of": ["dc-1", "dc-1", "dc-2"]}}
    ward = graph([node("dc-1"), node("dc-2"), node("ehr", needs=needs)])
    assert minutes(ward, "down", down("dc-1", 3))["ehr"] == 3
    assert "ehr" not in minutes(ward, "down", down("dc-2"))


def test_two_servers_that_need_each_other_do_not_fail_without_a_cause() -> None:
    ward = graph([node("ad", needs="dns"), node("dns", needs="ad"), node("pump")])
    assert minutes(ward, "down", down("pump")) == {"pump": 0}
    assert minutes(ward, "down", down("ad", 4)) == {"ad": 4, "dns": 4}


def test_what_manages_itself_or_feeds_itself_starts_nothing() -> None:
    ward = graph([node("dc", manages=["dc"]), node("lis", feeds=["lis", "ehr"], cross_check=2), node("ehr")])
    assert what_if(ward, down("dc"))["nodes"].keys() == {"dc"}
    assert minutes(ward, "lying", taken("ehr", "integrity")) == {"ehr": 0}


def test_the_attacker_takes_what_the_taken_manage() -> None:
    ward = graph(
        [node("dc", manages=["server"]), node("server", manages=[{"id": "pump", "delay_min": 30}]), node("pump")]
    )
    assert minutes(ward, "taken", taken("dc", "confidentiality", 5)) == {"dc": 5, "server": 5, "pump": 35}


def test_of_two_managers_the_faster_counts_even_for_one_edge_named_twice() -> None:
    manages = [{"id": "pump", "delay_min": 60}, {"id": "pump", "delay_min": 20}]
    ward = graph([node("server", manages=manages), node("pump")])
    assert minutes(ward, "taken", taken("server", "integrity"))["pump"] == 20


def test_in_mode_availability_what_is_taken_is_stopped() -> None:
    ward = graph([node("dc", manages=["pump"]), node("pump"), node("gateway", needs="pump")])
    result = what_if(ward, taken("dc", "availability"))["nodes"]
    assert result["pump"] == {"taken_min": 0, "down_min": 0, "lying_min": None, "leaking_min": None}
    assert result["gateway"] == {"taken_min": None, "down_min": 0, "lying_min": None, "leaking_min": None}


def test_an_outage_takes_nothing() -> None:
    ward = graph([node("dc", manages=["pump"]), node("pump")])
    assert what_if(ward, down("dc"))["nodes"].keys() == {"dc"}


def test_in_mode_integrity_what_is_taken_lies_and_feeds_lies() -> None:
    ward = graph([node("analyser", feeds=[{"id": "lis", "delay_min": 10}]), node("lis", feeds=["ehr"]), node("ehr")])
    assert minutes(ward, "lying", taken("analyser", "integrity")) == {"analyser": 0, "lis": 10, "ehr": 10}
    assert minutes(ward, "down", taken("analyser", "integrity")) == {}


def test_a_cross_check_is_fooled_only_when_enough_sources_lie() -> None:
    ward = graph(
        [
            node("probe-1", feeds=["monitor"]),
            node("probe-2", feeds=[{"id": "monitor", "delay_min": 15}]),
            node("monitor", cross_check=2),
        ]
    )
    assert "monitor" not in minutes(ward, "lying", taken("probe-1", "integrity"))
    both = taken("probe-1", "integrity", 3), taken("probe-2", "integrity")
    assert minutes(ward, "lying", *both)["monitor"] == 15
    assert minutes(ward, "lying", taken("monitor", "integrity", 8))["monitor"] == 8


def test_a_cross_check_of_more_sources_than_there_are_is_never_fooled() -> None:
    ward = graph([node("probe", feeds=["monitor"]), node("monitor", cross_check=2)])
    assert minutes(ward, "lying", taken("probe", "integrity")) == {"probe": 0}


def test_what_fails_safe_stops_after_it_has_lied_long_enough() -> None:
    ward = graph([node("pump", fails_safe_after_min=90), node("gateway", needs="pump")])
    assert minutes(ward, "down", taken("pump", "integrity", 10)) == {"pump": 100, "gateway": 100}


def test_being_down_ends_neither_control_nor_lies() -> None:
    ward = graph([node("server", manages=["pump"]), node("pump", feeds=["ehr"]), node("ehr")])
    result = what_if(ward, down("server"), down("pump"), taken("server", "integrity", 60))["nodes"]
    assert result["pump"] == {"taken_min": 60, "down_min": 0, "lying_min": 60, "leaking_min": None}
    assert result["ehr"]["lying_min"] == 60


def test_in_mode_confidentiality_what_is_taken_leaks_and_its_records_count_by_horizon() -> None:
    ward = graph([node("dc", manages=[{"id": "pacs", "delay_min": 60}]), node("pacs", records=1200), node("pump")])
    result = what_if(ward, taken("dc", "confidentiality"))
    assert result["nodes"]["pacs"] == {"taken_min": 60, "down_min": None, "lying_min": None, "leaking_min": 60}
    assert result["records_exposed"] == {"1h": 0, "4h": 1200, "24h": 1200, "72h": 1200, "7d": 1200, "30d": 1200}


def test_records_stay_hidden_in_the_other_modes() -> None:
    ward = graph([node("pacs", records=1200)])
    assert set(what_if(ward, taken("pacs", "integrity"))["records_exposed"].values()) == {0}


@pytest.mark.parametrize(("delay_min", "expected"), [(43_200, 43_200), (43_201, None)])
def test_what_would_happen_after_thirty_days_never_happens(delay_min: int, expected: int | None) -> None:
    ward = graph([node("power"), node("pump", needs={"id": "power", "tolerance_min": delay_min})])
    assert minutes(ward, "down", down("power")).get("pump") == expected


def test_a_change_after_thirty_days_changes_nothing() -> None:
    assert what_if(graph([node("pump")]), down("pump", 43_201))["nodes"] == {}


def test_of_several_changes_to_one_node_the_earliest_counts() -> None:
    ward = graph([node("pump")])
    assert minutes(ward, "down", down("pump", 60), down("pump", 20), down("pump", 40)) == {"pump": 20}
    assert minutes(ward, "lying", taken("pump", "integrity", 9), taken("pump", "integrity", 4)) == {"pump": 4}


def test_a_scenario_about_an_unknown_node_is_refused() -> None:
    network = compile(parse_graph(graph([node("pump")])))
    with pytest.raises(ScenarioError, match="the graph has no node 'pumb'"):
        evaluate(network, [parse_scenario(scenario(down("pumb")))])
