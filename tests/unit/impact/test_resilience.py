"""What must not fail, alone or together, and how everything starts again (docs/guides/engine.md)."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from riskdb.exchange import cold_start_document, cut_sets_document, parse_graph
from riskdb.impact.coldstart import cold_start
from riskdb.impact.cutsets import common_causes, cut_sets
from service.cli import cold_start as cold_start_cli
from service.cli import cut_sets as cut_sets_cli
from tests.unit.impact.ward import capability, graph, network, node, pathway, step

Json = Any

TWO_SWITCHES = graph(
    [
        node("core", kind="segment"),
        node("sw-1", needs="core"),
        node("sw-2", needs="core"),
        node("pump", needs={"any": ["sw-1", "sw-2"]}),
        node("printer"),
    ],
    [capability("infusion", ["pump"])],
    [pathway(step("infusion", severity=3), census=4), pathway(step("infusion", severity=3), identifier="er")],
)


def cuts(document: Json) -> Json:
    return cut_sets_document(cut_sets(network(document)))


def test_what_alone_stops_a_pathway_is_a_single_point_of_failure_whatever_its_kind() -> None:
    assert cuts(TWO_SWITCHES)["single"] == [
        {"pathway": "icu", "nodes": ["core", "pump"]},
        {"pathway": "er", "nodes": ["core", "pump"]},
    ]


def test_two_that_stand_in_for_each_other_are_a_dangerous_pair() -> None:
    assert cuts(TWO_SWITCHES)["pairs"] == [{"nodes": ["sw-1", "sw-2"], "excess": 4.0}]


def test_what_harms_as_much_apart_as_together_is_no_pair() -> None:
    ward = graph(
        [node("pump"), node("monitor")],
        [capability("infusion", ["pump"]), capability("watch", ["monitor"])],
        [pathway(step("infusion"), identifier="icu", census=1), pathway(step("watch"), identifier="er", census=1)],
    )
    assert cuts(ward)["pairs"] == []


def test_a_service_and_its_fallback_are_a_pair_and_the_worst_pair_comes_first() -> None:
    ward = graph(
        [node("ehr"), node("paper", kind="manual"), node("vent-1"), node("vent-2")],
        [capability("record", ["ehr"]), capability("paper", ["paper"]), capability("vent", ["vent-1", "vent-2"])],
        [
            pathway(
                step("record", severity=3, fallback={"requires": "paper", "served_share": 0.75}),
                identifier="beds",
                census=8,
            ),
            pathway(step("vent"), identifier="icu", census=1),
        ],
    )
    assert cuts(ward)["pairs"] == [
        {"nodes": ["vent-1", "vent-2"], "excess": 10.0},
        {"nodes": ["ehr", "paper"], "excess": 6.0},
    ]


def test_a_loss_that_begins_at_the_end_of_the_month_is_no_single_point() -> None:
    late = graph([node("pump")], [capability("c", ["pump"])], [pathway(step("c", tolerance_min=43_200))])
    assert cuts(late)["single"] == []


def test_a_fallback_that_falls_with_what_it_replaces_has_a_common_cause() -> None:
    def causes(**stage: Json) -> list[tuple[str, str, tuple[str, ...]]]:
        ward = graph(
            [
                node("power", kind="circuit"),
                node("ehr", needs="power"),
                node("backup-viewer", needs={"id": "power", "tolerance_min": 120}),
            ],
            [capability("record", ["ehr"]), capability("viewer", ["backup-viewer"])],
            [pathway(step("record", fallback={"served_share": 0.5, **stage}))],
        )
        return [(cause.pathway, cause.step, cause.nodes) for cause in common_causes(network(ward))]

    assert causes(requires="viewer") == [("icu", "infuse", ("power",))]
    assert causes(requires="viewer", holds_min=121) == [("icu", "infuse", ("power",))]
    assert causes(requires="viewer", holds_min=120) == []  # it has served its time before the battery is empty
    assert causes() == []


STARTING = graph(
    [
        node("power"),
        node("sw-1", needs={"id": "power", "tolerance_min": 60}),
        node("pump", needs={"k_of": {"k": 1, "of": ["sw-1", "ad"]}}),
        node("ad", needs={"all": ["dns", "sw-1"]}),
        node("dns", needs="ad"),
        node("ehr", needs="ad"),
        node("cluster", needs={"all": ["cluster", "ehr"]}),
    ]
)


def test_a_hospital_starts_in_waves_and_batteries_start_nothing() -> None:
    found = cold_start_document(cold_start(parse_graph(STARTING)))
    assert found["waves"] == [["power"], ["sw-1"], ["pump"]]


def test_what_waits_for_itself_is_told_with_the_group_to_begin_with() -> None:
    found = cold_start_document(cold_start(parse_graph(STARTING)))
    assert found["blocked"] == [
        {"nodes": ["ad", "dns"], "root": True},
        {"nodes": ["cluster"], "root": False},  # through the record, which is in no group itself
    ]


def test_the_commands_answer_with_documents_and_with_words(tmp_path: Path) -> None:
    two, starting = tmp_path / "two.json", tmp_path / "starting.json"
    two.write_text(json.dumps(TWO_SWITCHES))
    starting.write_text(json.dumps(STARTING))
    run = CliRunner().invoke
    assert json.loads(run(cut_sets_cli.command, ["--graph", str(two), "--json"]).stdout) == cuts(TWO_SWITCHES)
    told = run(cut_sets_cli.command, ["--graph", str(two), "--lang", "fr"]).stdout
    assert "  icu: core, pump\n" in told
    assert "4.000  sw-1, sw-2\n" in told
    answer = run(cold_start_cli.command, ["--graph", str(starting), "--json"]).stdout
    assert json.loads(answer) == cold_start_document(cold_start(parse_graph(STARTING)))
    assert "Wave 2: sw-1\n" in run(cold_start_cli.command, ["--graph", str(starting)]).stdout
    assert run(cold_start_cli.command, ["--graph", str(tmp_path / "none.json")]).exit_code == 2
