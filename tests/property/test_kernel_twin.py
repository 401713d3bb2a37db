"""The compiled engine has what the reference engine has, to the last bit: any hospital, any scenario, any ranking."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskdb.exchange import parse_graph, parse_scenario
from riskdb.impact import Network, compile, evaluate
from riskdb.impact.cutsets import cut_sets
from riskdb.impact.engine import REFERENCE, Engine, engine_for
from riskdb.model.care import HORIZONS_MIN
from riskdb.model.scenario import Compromised, Down, Mode, Scenario
from riskdb.ranking import rank
from tests.property import wards

pytest.importorskip("numba", reason="the kernel needs numba (extra `service`)")

HOSPITALS = st.randoms(use_true_random=False)


def kernel_engine(network: Network) -> Engine:
    engine = engine_for(network, kernel_from_nodes=0)
    assert engine.kernel is not None, engine.name
    return engine


def scenarios(rnd: Random, graph: wards.Json) -> list[Scenario]:
    """One node taken in each mode, two down, and anything: single, pair and joint."""
    one, two = (rnd.choice(graph["nodes"])["id"] for _ in range(2))
    parsed = parse_graph(graph)
    return [
        *(Scenario(changes=(Compromised(node=one, mode=mode),)) for mode in Mode),
        Scenario(changes=(Down(node=one), Down(node=two))),
        *(parse_scenario(wards.scenario(rnd, graph), graph=parsed) for _ in range(2)),
    ]


@settings(max_examples=2_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(HOSPITALS)
def test_the_two_engines_have_the_same_impacts_of_any_scenario(rnd: Random) -> None:
    graph = wards.graph(rnd, nodes_max=rnd.choice([7, 7, 7, 25]))
    network = compile(parse_graph(graph))
    asked = scenarios(rnd, graph)
    kernel = kernel_engine(network).kernel
    assert kernel is not None
    found = kernel.evaluate(asked)
    assert found == evaluate(network, asked)
    assert kernel.evaluate(asked[::-1]) == found[::-1]  # a scenario leaves nothing behind


@settings(max_examples=1_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(HOSPITALS)
def test_the_two_engines_have_the_same_ranking_ties_reasons_and_records_included(rnd: Random) -> None:
    network = compile(parse_graph(wards.graph(rnd, nodes_max=rnd.choice([7, 7, 15]))))
    horizon = rnd.choice(list(HORIZONS_MIN))
    found = rank(network, horizon=horizon, engine=kernel_engine(network))
    assert found.computed_by.startswith("kernel")
    assert replace(found, computed_by="reference") == rank(network, horizon=horizon, engine=REFERENCE)


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(HOSPITALS)
def test_the_two_engines_find_the_same_single_points_and_dangerous_pairs(rnd: Random) -> None:
    network = compile(parse_graph(wards.graph(rnd, nodes_max=rnd.choice([7, 7, 20]))))
    assert cut_sets(network, engine=kernel_engine(network)) == cut_sets(network, engine=REFERENCE)
