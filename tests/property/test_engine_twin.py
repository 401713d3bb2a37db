"""The engine says what its definition says: two implementations, any hospital, not one number apart."""

from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskdb.exchange import graph_document, parse_graph, parse_scenario, result_document
from riskdb.impact import compile, evaluate
from tests.property import naive_engine, wards


@settings(max_examples=2_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_the_engine_and_its_definition_agree_on_any_hospital(rnd: Random) -> None:
    graph = wards.graph(rnd)
    scenario = wards.scenario(rnd, graph)
    parsed = parse_graph(graph)
    impact = evaluate(compile(parsed), [parse_scenario(scenario, graph=parsed)])[0]
    assert result_document(impact) == naive_engine.result(graph, scenario)


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_graph_that_is_written_and_read_again_is_the_same(rnd: Random) -> None:
    parsed = parse_graph(wards.graph(rnd))
    assert parse_graph(graph_document(parsed)) == parsed
