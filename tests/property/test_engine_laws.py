"""Laws of the engine that hold in any hospital, whatever its numbers."""

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from riskdb.exchange import parse_graph, parse_scenario, result_document
from riskdb.impact import compile, evaluate, explain
from tests.property import wards

Json = Any
HOSPITALS = st.randoms(use_true_random=False)
NEVER = 10**9
laws = settings(max_examples=120, deadline=None)


def answer(graph: Json, scenario: Json) -> Json:
    parsed = parse_graph(graph)
    return result_document(evaluate(compile(parsed), [parse_scenario(scenario, graph=parsed)])[0])


def with_one_fallback_a_step(graph: Json) -> Json:
    """Stages may get better with time, and then an earlier start helps: without them loss is monotone."""
    for pathway in graph["pathways"]:
        for step in pathway["steps"]:
            if isinstance(step.get("fallback"), list):
                step["fallback"] = step["fallback"][0] if step["fallback"] else None
    return graph


def value(course: Json, at: int) -> float:
    return next(share for begins, share in reversed(course) if begins <= at)


def loses_no_less(more: Json, less: Json) -> bool:
    """Does every step lose at least as much at every moment?"""
    pairs = [
        (one["loss"], other["loss"])
        for pathway, twin in zip(more["pathways"], less["pathways"], strict=True)
        for one, other in zip(pathway["steps"], twin["steps"], strict=True)
    ]
    return all(
        value(one, at) >= value(other, at) for one, other in pairs for at in {begins for begins, _ in [*one, *other]}
    )


@laws
@given(HOSPITALS)
def test_more_failures_never_lose_less(rnd: Random) -> None:
    graph = with_one_fallback_a_step(wards.graph(rnd))
    scenario = wards.scenario(rnd, graph)
    more = {"down": rnd.choice(graph["nodes"])["id"], "at_min": rnd.choice(wards.MINUTES)}
    worse = scenario | {"changes": [*scenario["changes"], more]}
    before, after = answer(graph, scenario), answer(graph, worse)
    assert loses_no_less(after, before)
    assert set(before["nodes"]) <= set(after["nodes"])


@laws
@given(HOSPITALS)
def test_names_and_order_change_nothing(rnd: Random) -> None:
    graph = wards.graph(rnd)
    scenario = wards.scenario(rnd, graph)
    other = renamed(shuffled(graph, rnd))
    expected, found = answer(graph, scenario), answer(other, renamed(scenario))
    assert found["nodes"] == renamed(expected["nodes"])
    assert found["index"] == expected["index"]
    assert found["records_exposed"] == expected["records_exposed"]
    by_id = {pathway["id"]: pathway for pathway in expected["pathways"]}
    assert [renamed(by_id[pathway["id"]]) for pathway in found["pathways"]] == found["pathways"]


def shuffled(value: Json, rnd: Random) -> Json:
    """The same graph with its lists in another order, except where order means something: steps and stages."""
    if isinstance(value, dict):
        return {key: shuffled(inner, rnd) for key, inner in value.items()}
    if isinstance(value, list):
        inner = [shuffled(one, rnd) for one in value]
        meaningful = any(isinstance(one, dict) and ("served_share" in one or "severity" in one) for one in inner)
        return inner if meaningful else rnd.sample(inner, len(inner))
    return value


def renamed(value: Json) -> Json:
    """Every node under another name, in another alphabetical order."""
    if isinstance(value, dict):
        return {renamed(key): renamed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [renamed(inner) for inner in value]
    if isinstance(value, str) and value.startswith("n") and value[1:].isdigit():
        return f"node-{99 - int(value[1:])}"
    return value


@laws
@given(HOSPITALS)
def test_one_more_way_to_be_supplied_never_brings_a_node_down_earlier(rnd: Random) -> None:
    graph = wards.graph(rnd)
    scenario = wards.scenario(rnd, graph)
    before = answer(graph, scenario)
    supplied = rnd.choice(graph["nodes"])
    supplied["needs"] = {"any": [supplied["needs"], rnd.choice(graph["nodes"])["id"]]} if "needs" in supplied else None
    after = answer(graph, scenario)
    for node, times in after["nodes"].items():
        earlier = before["nodes"].get(node, {"down_min": None})["down_min"]
        assert earlier is None or times["down_min"] is None or times["down_min"] >= earlier
        assert times["down_min"] is None or earlier is not None


@laws
@given(HOSPITALS)
def test_taking_a_fallback_away_never_helps(rnd: Random) -> None:
    graph = with_one_fallback_a_step(wards.graph(rnd))
    scenario = wards.scenario(rnd, graph)
    before = answer(graph, scenario)
    for pathway in graph["pathways"]:
        for step in pathway["steps"]:
            step.pop("fallback", None)
    after = answer(graph, scenario)
    assert loses_no_less(after, before)
    assert all(after["index"][horizon] >= before["index"][horizon] for horizon in before["index"])


@laws
@given(HOSPITALS)
def test_twice_the_people_is_twice_the_harm(rnd: Random) -> None:
    graph = wards.graph(rnd)
    scenario = wards.scenario(rnd, graph)
    before = answer(graph, scenario)
    for pathway in graph["pathways"]:
        pathway["census"] = 2 * pathway.get("census", 0)
        pathway["arrivals_per_h"] = 2 * pathway.get("arrivals_per_h", 0)
    after = answer(graph, scenario)
    assert after["index"] == {horizon: 2 * index for horizon, index in before["index"].items()}


@laws
@given(HOSPITALS)
def test_a_hundred_times_the_weight_is_a_hundred_times_the_index(rnd: Random) -> None:
    graph = wards.graph(rnd)
    scenario = wards.scenario(rnd, graph)
    indices = []
    for severity in 1, 3, 5:
        for pathway in graph["pathways"]:
            for step in pathway["steps"]:
                step["severity"] = dict.fromkeys(step["severity"], severity)
        found = answer(graph, scenario)
        indices.append(found["index"]["7d"])
    assert abs(100 * indices[0] - indices[1]) <= 1e-12 * indices[1]
    assert abs(10 * indices[1] - indices[2]) <= 1e-12 * indices[2]


@laws
@given(HOSPITALS)
def test_every_loss_and_every_lie_is_explained_back_to_a_change(rnd: Random) -> None:
    graph = wards.graph(rnd)
    scenario = wards.scenario(rnd, graph)
    parsed = parse_graph(graph)
    chains = explain(compile(parsed), parse_scenario(scenario, graph=parsed), limit=NEVER)
    harmed = {
        (pathway["id"], step["id"], kind)
        for pathway in answer(graph, scenario)["pathways"]
        for step in pathway["steps"]
        for kind, course in (("lost", step["loss"]), ("exposed", step["lying"]))
        if any(share for _, share in course)
    }
    assert {(chain.pathway, chain.step, chain.kind.value) for chain in chains} == harmed
    changed = {change.get("down") or change.get("compromised") for change in scenario["changes"]}
    assert {chain.events[-1].subject for chain in chains} <= changed
    for chain in chains:
        minutes = [event.at_min for event in chain.events]
        assert minutes == sorted(minutes, reverse=True)
