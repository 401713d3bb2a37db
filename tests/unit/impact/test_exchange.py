"""The exchange formats are strict, and every mistake is named with its place."""

import copy
from typing import Any

import pytest

from riskdb.exchange import ExchangeError, graph_document, parse_graph, parse_scenario, scenario_document
from riskdb.model.care import AllOf, AnyOf, Delayed, Fallback, KOf, Leaf
from riskdb.model.scenario import Compromised, Down, Mode, Scenario
from tests.unit.impact.ward import capability, graph, node, pathway, scenario, step

Json = Any

SOUND = graph(
    [
        node(
            "pump-1", needs={"all": ["power", {"any": ["sw-1", {"id": "power", "tolerance_min": 5}]}]}, feeds=["power"]
        ),
        node("power", kind="circuit"),
        node("sw-1", manages=[{"id": "pump-1", "delay_min": 30}]),
    ],
    [capability("infusion", ["pump-1", "sw-1"], 2)],
    [
        pathway(
            step(
                {"k_of": {"k": 1, "of": ["infusion"]}},
                fallback=[{"served_share": 0.5, "holds_min": 60}, {"requires": "infusion", "served_share": 0}],
            ),
            census=12,
        )
    ],
)


def changed(path: str, value: Json) -> Json:
    """The sound graph with one value set (a dotted path of keys and positions)."""
    document = copy.deepcopy(SOUND)
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place = document
    for part in way:
        place = place[part]
    if isinstance(place, list) and last == len(place):
        place.append(value)
    else:
        place[last] = value
    return document


MISTAKES = [
    ("nodes.0.needs.all.1.any.0", "sw-9", "nodes[0].needs.all[1].any[0]: unknown node 'sw-9'"),
    ("nodes.0.needs.all.1.any.1.id", "sw-9", "nodes[0].needs.all[1].any[1]: unknown node 'sw-9'"),
    ("nodes.0.needs.all.1.any.1.tolerance_min", -1, "nodes[0].needs.all[1].any[1].tolerance_min: must lie between 0"),
    ("nodes.0.needs.all.1.any.1.tolerance_min", 0.5, "tolerance_min: must be a whole number, not 0.5"),
    ("nodes.0.needs.all.1.any.1.tolerance_min", True, "tolerance_min: must be a whole number, not true"),
    ("nodes.0.needs.all.1.any", [], "nodes[0].needs.all[1].any: must not be empty"),
    ("nodes.0.needs", {"all": ["power"], "any": ["power"]}, "nodes[0].needs: must be an id or an object with one of"),
    ("nodes.0.needs", {"all": ["power"], "tolerance_min": 5}, "nodes[0].needs: unknown key 'tolerance_min'"),
    ("nodes.0.needs", {"some": ["power"]}, "nodes[0].needs: must be an id or an object with one of id, all, any, k_of"),
    ("nodes.0.needs", 5, "nodes[0].needs: must be text, not 5"),
    ("nodes.0.needs", {"k_of": {"k": 0, "of": ["power"]}}, "nodes[0].needs.k_of.k: must lie between 1 and 1, not 0"),
    ("nodes.0.needs", {"k_of": {"k": 2, "of": ["power"]}}, "nodes[0].needs.k_of.k: must lie between 1 and 1, not 2"),
    ("nodes.0.needs", {"k_of": {"of": ["power"]}}, "nodes[0].needs.k_of: 'k' is missing"),
    ("nodes.0.need", "power", "nodes[0]: unknown key 'need'"),
    ("nodes.0.id", "power", "nodes[1].id: duplicate node 'power'"),
    ("nodes.0.id", "", "nodes[0].id: must have 1 to 1000 characters, not 0"),
    ("nodes.0.id", 7, "nodes[0].id: must be text, not 7"),
    ("nodes.0.kind", 7, "nodes[0].kind: must be text, not 7"),
    ("nodes.0.feeds.1", "power", "nodes[0].feeds[1]: 'power' is listed twice"),
    ("nodes.0.feeds.0", "sw-9", "nodes[0].feeds[0]: unknown node 'sw-9'"),
    ("nodes.2.manages.0.id", "sw-9", "nodes[2].manages[0]: unknown node 'sw-9'"),
    ("nodes.2.manages.0.delay_min", -1, "nodes[2].manages[0].delay_min: must lie between 0"),
    ("nodes.2.manages.0.delay", 5, "nodes[2].manages[0]: unknown key 'delay'"),
    ("nodes.2.manages", "pump-1", "nodes[2].manages: must be a list, not 'pump-1'"),
    ("nodes.0.cross_check", 0, "nodes[0].cross_check: must lie between 1"),
    ("nodes.0.fails_safe_after_min", -5, "nodes[0].fails_safe_after_min: must lie between 0"),
    ("nodes.0.records", 1.5, "nodes[0].records: must be a whole number, not 1.5"),
    ("nodes.3", "pump", "nodes[3]: must be an object, not 'pump'"),
    ("nodes.3", {"kind": "asset"}, "nodes[3]: 'id' is missing"),
    ("capabilities.0.providers", [], "capabilities[0].providers: must not be empty"),
    ("capabilities.0.providers.1", "pump-1", "capabilities[0].providers[1]: 'pump-1' is listed twice"),
    ("capabilities.0.providers.1", "x", "capabilities[0].providers[1]: unknown node 'x'"),
    ("capabilities.0.needed", 3, "capabilities[0].needed: must lie between 1 and 2, not 3"),
    ("capabilities.0.needed", 0, "capabilities[0].needed: must lie between 1 and 2, not 0"),
    ("capabilities.1", {"id": "infusion"}, "capabilities[1].id: duplicate capability 'infusion'"),
    ("pathways.0.steps", [], "pathways[0].steps: must not be empty"),
    ("pathways.0.steps.1", step("infusion"), "pathways[0].steps[1].id: duplicate step 'infuse'"),
    ("pathways.1", {"id": "icu"}, "pathways[1].id: duplicate pathway 'icu'"),
    ("pathways.0.census", -1, "pathways[0].census: must lie between 0"),
    ("pathways.0.census", float("nan"), "pathways[0].census: must lie between 0"),
    ("pathways.0.arrivals_per_h", float("inf"), "pathways[0].arrivals_per_h: must lie between 0"),
    ("pathways.0.population", 3, "pathways[0].population: must be text, not 3"),
    ("pathways.0.steps.0.requires", "pump-1", "pathways[0].steps[0].requires: unknown capability 'pump-1'"),
    ("pathways.0.steps.0.requires", {"id": "infusion", "tolerance_min": 0}, "requires: unknown key 'tolerance_min'"),
    ("pathways.0.steps.0.tolerance_min", "30", "pathways[0].steps[0].tolerance_min: must be a whole number, not '30'"),
    ("pathways.0.steps.0.severity.integrity", 6, "steps[0].severity.integrity: must lie between 1 and 5, not 6"),
    ("pathways.0.steps.0.severity.integrity", 2.0, "steps[0].severity.integrity: must be a whole number, not 2.0"),
    ("pathways.0.steps.0.severity", {"availability": 5}, "pathways[0].steps[0].severity: 'integrity' is missing"),
    ("pathways.0.steps.0.fallback.1.served_share", 1.1, "fallback[1].served_share: must lie between 0 and 1, not 1.1"),
    ("pathways.0.steps.0.fallback.1.requires", "x", "fallback[1].requires: unknown capability 'x'"),
    ("pathways.0.steps.0.fallback", {"holds_min": 5}, "pathways[0].steps[0].fallback: 'served_share' is missing"),
    ("pathways.0.steps.0.fallback", {"served_share": 1, "holds_min": -1}, "steps[0].fallback.holds_min: must lie"),
    ("pathways.0.steps.0.integrity_detected_after_min", -1, "integrity_detected_after_min: must lie between 0"),
    ("format", "wardgraph/care-graph/2", "format: must be 'wardgraph/care-graph/1', not 'wardgraph/care-graph/2'"),
    ("node", [], "unknown key 'node'"),
]


@pytest.mark.parametrize(("path", "value", "message"), MISTAKES)
def test_a_mistake_in_a_graph_is_named_with_its_place(path: str, value: Json, message: str) -> None:
    parse_graph(SOUND)
    with pytest.raises(ExchangeError) as caught:
        parse_graph(changed(path, value))
    assert message in str(caught.value)


@pytest.mark.parametrize("document", [None, [], "graph", 5, {}])
def test_what_is_no_graph_at_all_is_refused(document: Json) -> None:
    with pytest.raises(ExchangeError):
        parse_graph(document)


def test_a_tree_nested_too_deep_is_an_error_and_no_crash() -> None:
    tree: Json = "power"
    for _ in range(5_000):
        tree = {"all": [tree]}
    with pytest.raises(ExchangeError, match="nested deeper than 64"):
        parse_graph(graph([node("power"), node("pump", needs=tree)]))


def test_a_tree_of_too_many_leaves_is_an_error() -> None:
    with pytest.raises(ExchangeError, match="more than 100000 leaves"):
        parse_graph(graph([node("power"), node("pump", needs={"any": ["power"] * 100_001})]))


def test_names_and_notes_may_stand_anywhere_and_change_nothing() -> None:
    noted = changed("pathways.0.steps.0.fallback.0.x_source", {"page": 3})
    noted["x_made_by"] = ["hand"]
    noted["nodes"][0]["needs"]["x_why"] = None
    noted["nodes"][2]["manages"][0]["name"] = "by the server"
    noted["pathways"][0]["steps"][0]["severity"]["x_basis"] = "expert"
    assert parse_graph(noted) == parse_graph(SOUND)


def test_what_is_left_out_has_the_defaults_of_the_format() -> None:
    parsed = parse_graph(
        graph([{"id": "pump"}], [capability("infusion", ["pump"])], [pathway(step("infusion"), instance_of="icu-type")])
    )
    pump, icu = parsed.nodes[0], parsed.pathways[0]
    assert (pump.kind, pump.needs, pump.manages, pump.feeds) == ("", None, (), ())
    assert (pump.cross_check, pump.fails_safe_after_min, pump.records) == (1, None, 0)
    assert (icu.instance_of, icu.population, icu.census, icu.arrivals_per_h) == ("icu-type", "icu-type", 0.0, 0.0)
    infuse = icu.steps[0]
    assert (infuse.tolerance_min, infuse.fallbacks, infuse.integrity_detected_after_min) == (0, (), 1440)
    alone = parse_graph(
        graph([node("a")], [capability("c", ["a"])], [pathway(step("c", fallback={"served_share": 1}))])
    )
    assert alone.pathways[0].instance_of == alone.pathways[0].population == "icu"
    assert alone.pathways[0].steps[0].fallbacks == (Fallback(requires=None, served_share=1.0, holds_min=43_200),)


def test_trees_and_edges_become_values() -> None:
    parsed = parse_graph(SOUND)
    assert parsed.nodes[0].needs == AllOf((Leaf("power"), AnyOf((Leaf("sw-1"), Leaf("power", 5)))))
    assert parsed.nodes[2].manages == (Delayed(parsed.nodes[0].id, 30),)
    assert parsed.pathways[0].steps[0].requires == KOf(1, (Leaf("infusion"),))
    assert [stage.holds_min for stage in parsed.pathways[0].steps[0].fallbacks] == [60, 43_200]


def test_a_graph_is_written_as_it_was_read() -> None:
    assert graph_document(parse_graph(SOUND)) == SOUND | {
        "pathways": [SOUND["pathways"][0] | {"instance_of": "icu", "population": "icu"}]
    }


def test_a_scenario_is_read_and_written() -> None:
    changes = scenario({"down": "sw-1"}, {"compromised": "power", "mode": "integrity", "at_min": 5})
    parsed = parse_scenario(changes, graph=parse_graph(SOUND))
    sw_1, power = parse_graph(SOUND).nodes[2].id, parse_graph(SOUND).nodes[1].id
    assert parsed.changes == (Down(node=sw_1), Compromised(node=power, mode=Mode.INTEGRITY, at_min=5))
    assert parse_scenario(scenario_document(parsed)) == parsed


BAD_CHANGES = [
    ([{"down": "sw-9"}], "changes[0].down: unknown node 'sw-9'"),
    ([{"down": "sw-1", "at_min": -1}], "changes[0].at_min: must lie between 0"),
    ([{"down": "sw-1", "at": 1}], "changes[0]: unknown key 'at'"),
    ([{"down": "sw-1", "mode": "integrity"}], "changes[0].mode: only a compromised node has a mode"),
    ([{"down": "sw-1", "compromised": "sw-1"}], "changes[0]: must have one of down, compromised"),
    ([{"at_min": 1}], "changes[0]: must have one of down, compromised"),
    ([{"compromised": "sw-1"}], "changes[0]: 'mode' is missing"),
    ([{"compromised": "sw-1", "mode": "theft"}], "mode: must be one of availability, integrity, confidentiality"),
    (
        [{"compromised": "sw-1", "mode": "integrity"}, {"compromised": "power", "mode": "availability"}],
        "changes[1].mode: availability after integrity: a scenario has one mode",
    ),
]


@pytest.mark.parametrize(("changes", "message"), BAD_CHANGES)
def test_a_mistake_in_a_scenario_is_named_with_its_place(changes: Json, message: str) -> None:
    with pytest.raises(ExchangeError) as caught:
        parse_scenario(scenario(*changes), graph=parse_graph(SOUND))
    assert message in str(caught.value)


def test_a_scenario_of_two_modes_cannot_be_built() -> None:
    sw_1 = parse_graph(SOUND).nodes[2].id
    with pytest.raises(ValueError, match="one mode"):
        Scenario(changes=(Compromised(node=sw_1, mode=Mode.INTEGRITY), Compromised(node=sw_1, mode=Mode.AVAILABILITY)))
