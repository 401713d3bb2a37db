"""What the built graph says when the engine reads it: who can hurt the small hospital, and how."""

from typing import Any

import pytest

from riskdb.impact import compile, evaluate
from riskdb.model.scenario import Compromised, Down, Mode, Scenario


def index_of(seen: Any, *changes: Down | Compromised) -> float:
    (impact,) = evaluate(compile(seen.built.graph), [Scenario(changes=changes)])
    return impact.index["7d"]


def taken(seen: Any, node: str, mode: Mode = Mode.AVAILABILITY) -> float:
    return index_of(seen, Compromised(node=node, mode=mode))


def down(seen: Any, *nodes: str) -> float:
    return index_of(seen, *(Down(node=node) for node in nodes))


def test_taking_what_rules_many_weighs_more_than_taking_one_pump(small_hospital: Any) -> None:
    seen = small_hospital.build()
    pump = taken(seen, "syringe_pump.ward-a-1")
    assert pump == 0  # thirteen others hang on the wards' walls
    assert taken(seen, "directory-1") > taken(seen, "lis") > pump
    assert taken(seen, "virtualisation-1") > taken(seen, "lis")


def test_losing_one_of_a_pair_harms_nobody_losing_both_does(small_hospital: Any) -> None:
    seen = small_hospital.build()
    for first, second in (("core_switch-1", "core_switch-2"), ("directory-1", "directory-2")):
        assert down(seen, first) == down(seen, second) == 0
        assert down(seen, first, second) > 0


def test_a_compromised_directory_is_worse_than_a_stopped_one(small_hospital: Any) -> None:
    seen = small_hospital.build()
    assert taken(seen, "directory-1") > down(seen, "directory-1")


def test_the_pump_server_stops_no_pump_but_makes_the_fleet_lie(small_hospital: Any) -> None:
    seen = small_hospital.build()
    (stopped, lying) = evaluate(
        compile(seen.built.graph),
        [
            Scenario(changes=(Compromised(node="infusion_server", mode=Mode.AVAILABILITY),)),
            Scenario(changes=(Compromised(node="infusion_server", mode=Mode.INTEGRITY),)),
        ],
    )
    assert "lvp_pump.icu-1" not in stopped.nodes
    assert lying.nodes["lvp_pump.icu-1"].lying_min == 0
    assert lying.nodes["lvp_pump.icu-1"].down_min == 720  # withdrawn once found wrong
    exposed = {str(p.id) for p in lying.pathways if p.patients_exposed["1h"] > 0}
    assert {"icu@icu~0.6", "medication@ward-a~0.4", "medication@ward-b~0.4"} <= exposed


def test_the_cloud_reaches_the_pumps_through_their_server_within_a_day(small_hospital: Any) -> None:
    seen = small_hospital.build()
    scenario = Scenario(changes=(Compromised(node="cloud_gateway", mode=Mode.INTEGRITY),))
    (impact,) = evaluate(compile(seen.built.graph), [scenario])
    assert impact.nodes["infusion_server"].taken_min == 1_440
    assert impact.nodes["lvp_pump.ward-a-1"].lying_min == 1_440


def test_an_access_switch_cuts_off_the_workstations_behind_it_and_no_pump(small_hospital: Any) -> None:
    seen = small_hospital.build()
    (impact,) = evaluate(compile(seen.built.graph), [Scenario(changes=(Down(node="access-1"),))])
    assert impact.nodes["clinical_pc.ward-a-1"].down_min == 0
    assert not {"clinical_pc.ward-b-1", "lvp_pump.ward-a-1"} & set(impact.nodes)


def test_a_power_cut_empties_the_batteries_in_their_time(small_hospital: Any) -> None:
    seen = small_hospital.build()
    (impact,) = evaluate(compile(seen.built.graph), [Scenario(changes=(Down(node="power_system"),))])
    falls = {name: impact.nodes[name].down_min for name in ("icu_ventilator.icu-1", "lvp_pump.icu-1", "ehr")}
    assert falls == {"icu_ventilator.icu-1": 30, "lvp_pump.icu-1": 240, "ehr": 0}


@pytest.mark.parametrize("horizon", ["1h", "7d", "30d"])
def test_companions_count_nobody_twice(small_hospital: Any, horizon: str) -> None:
    """All inpatients lose infusion at once: the total is the largest share of them, not the sum of the shares."""
    seen = small_hospital.build()
    everything = [n.id for n in seen.built.graph.nodes if n.kind == "asset"]
    (impact,) = evaluate(compile(seen.built.graph), [Scenario(changes=tuple(Down(node=n) for n in everything))])
    by_kind: dict[tuple[str, str], float] = {}
    for pathway in seen.built.graph.pathways:
        index = next((p.index[horizon] for p in impact.pathways if p.id == pathway.id), 0.0)
        key = (pathway.population, pathway.instance_of)
        by_kind[key] = by_kind.get(key, 0.0) + index
    populations = {population for population, _ in by_kind}
    largest = sum(max(v for (population, _), v in by_kind.items() if population == p) for p in populations)
    assert impact.index[horizon] == pytest.approx(largest)
