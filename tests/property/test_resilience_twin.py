"""Cut sets, common causes and cold start agree with their definitions in any hospital."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from riskdb.exchange import cold_start_document, cut_sets_document, parse_graph
from riskdb.impact import compile
from riskdb.impact.coldstart import cold_start
from riskdb.impact.cutsets import common_causes, cut_sets
from tests.property import naive_resilience, wards

HOSPITALS = st.randoms(use_true_random=False)


@settings(max_examples=120, deadline=None)
@given(HOSPITALS)
def test_all_single_points_and_all_dangerous_pairs_are_found(rnd: Random) -> None:
    graph = wards.graph(rnd)
    found = cut_sets_document(cut_sets(compile(parse_graph(graph))))
    assert found == {
        "format": "wardgraph/cut-sets/1",
        "single": naive_resilience.single_points(graph),
        "pairs": naive_resilience.pairs(graph),
    }


@settings(max_examples=120, deadline=None)
@given(HOSPITALS)
def test_all_common_causes_are_found(rnd: Random) -> None:
    graph = wards.graph(rnd)
    found = [(cause.pathway, cause.step, list(cause.nodes)) for cause in common_causes(compile(parse_graph(graph)))]
    assert found == naive_resilience.common_causes(graph)


@settings(max_examples=300, deadline=None)
@given(HOSPITALS)
def test_the_cold_start_is_the_one_of_the_definition(rnd: Random) -> None:
    graph = wards.graph(rnd, nodes_max=12)
    assert cold_start_document(cold_start(parse_graph(graph))) == naive_resilience.cold_start(graph)
