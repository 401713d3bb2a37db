"""`wardgraph what-if` and `wardgraph rank` on files: one document on stdout, one plain sentence when it fails."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from service.cli import rank, what_if
from tests.unit.impact.ward import capability, down, graph, node, pathway, scenario, step, taken
from tests.unit.impact.ward import what_if as result_of

Json = Any

WARD = graph(
    [node("power", kind="circuit"), node("pump", needs="power", records=7, name="Pump 7")],
    [capability("infusion", ["pump"])],
    [pathway(step("infusion", integrity_detected_after_min=60), census=8, name="Intensive care")],
)
STOP = scenario(down("power", 30))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "graph.json").write_text(json.dumps(WARD))
    (tmp_path / "scenario.json").write_text(json.dumps(STOP))
    return tmp_path


def ask(command: Any, *arguments: str | Path, stdin: str = "") -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments], input=stdin)


def ask_what_if(files: Path, *more: str) -> Result:
    return ask(what_if.command, "--graph", files / "graph.json", "--scenario", files / "scenario.json", *more)


def test_what_if_answers_with_the_result_document(files: Path) -> None:
    answer = ask_what_if(files, "--json")
    assert answer.exit_code == 0
    assert json.loads(answer.stdout) == result_of(WARD, *STOP["changes"])


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        (
            "en",
            [
                "2 of 2 nodes are touched; 1 of 1 pathways lose care or work on false values.",
                "Intensive care",
                "  loses up to 100%, from 30 minutes",
                "  patients affected: 1h 8, 4h 8, 24h 8, 72h 8, 7d 8, 30d 8",
                "Why:",
            ],
        ),
        ("fr", ["  perd jusqu’à 100\u00a0%, à partir de 30 minutes", "Pourquoi :"]),
    ],
)
def test_what_if_tells_people_who_loses_what_from_when_and_why(files: Path, language: str, lines: list[str]) -> None:
    answer = ask_what_if(files, "--lang", language)
    assert answer.exit_code == 0
    told = answer.stdout.splitlines()
    assert [line for line in lines if line not in told] == []
    assert "Pump 7" in told[-1]


def test_what_if_tells_exposed_patients_and_records(tmp_path: Path) -> None:
    (tmp_path / "graph.json").write_text(json.dumps(WARD))
    (tmp_path / "scenario.json").write_text(json.dumps(scenario(taken("pump", "integrity"))))
    assert "  works on false values up to 100%, from the start" in ask_what_if(tmp_path).stdout
    (tmp_path / "scenario.json").write_text(json.dumps(scenario(taken("pump", "confidentiality"))))
    assert "Records exposed: 1h 7, 4h 7, 24h 7, 72h 7, 7d 7, 30d 7" in ask_what_if(tmp_path).stdout


def test_a_batch_is_answered_line_by_line_in_order_and_bad_lines_cost_their_neighbours_nothing() -> None:
    lines = [
        json.dumps({"graph": WARD, "scenario": STOP}),
        json.dumps({"graph": WARD, "scenario": scenario(down("pumb"))}),
        "{nonsense",
        json.dumps({"graph": WARD}),
        "",
        json.dumps({"graph": WARD | {"x": 1}, "scenario": STOP}),
        json.dumps({"graph": WARD, "scenario": scenario()}),
    ]
    answer = ask(what_if.command, "--batch", "-", stdin="\n".join(lines))
    answers = [json.loads(line) for line in answer.stdout.splitlines()]
    assert answers[0] == result_of(WARD, *STOP["changes"])
    assert answers[1] == {"error": "scenario: changes[0].down: unknown node 'pumb'"}
    assert answers[2]["error"].startswith("not JSON: ")
    assert answers[3] == {"error": "'scenario' is missing"}
    assert answers[4] == {"error": "graph: unknown key 'x'"}
    assert answers[5] == result_of(WARD)
    assert len(answers) == 6
    assert answer.exit_code == 1
    assert answer.stderr == "wardgraph what-if: 4 lines of the batch could not be read\n"


def test_a_batch_file_without_a_mistake_ends_well(tmp_path: Path) -> None:
    (tmp_path / "batch.jsonl").write_text(json.dumps({"graph": WARD, "scenario": STOP}) + "\n")
    answer = ask(what_if.command, "--batch", tmp_path / "batch.jsonl")
    assert (answer.exit_code, answer.stderr, len(answer.stdout.splitlines())) == (0, "", 1)


def test_rank_answers_with_the_ranking_document(files: Path) -> None:
    answer = ask(rank.command, "--graph", files / "graph.json", "--json")
    assert answer.exit_code == 0
    document = json.loads(answer.stdout)
    assert document["format"] == "wardgraph/ranking/1"
    assert [(row["id"], row["score"], row["vital"]) for row in document["rows"]] == [("pump", 160.0, True)]
    assert document["confidentiality"] == [{"id": "pump", "records": 7}]


def test_rank_tells_people_the_reason(files: Path) -> None:
    told = ask(rank.command, "--graph", files / "graph.json", "--horizon", "1h").stdout
    assert "80.000000  availability  pump  vital" in told
    assert "An attacker who takes over Pump 7" in told


SENTENCES: list[tuple[Any, list[str], str]] = [
    (what_if.command, [], "wardgraph what-if: needs --graph FILE and --scenario FILE, or --batch FILE"),
    (what_if.command, ["--batch", "-", "--graph", "g"], "wardgraph what-if: --batch carries its graphs and scenarios"),
    (what_if.command, ["--batch", "/nowhere"], "wardgraph what-if: reading batch /nowhere: No such file or directory"),
    (rank.command, ["--graph", "/nowhere"], "wardgraph rank: reading care graph /nowhere: No such file or directory"),
]


@pytest.mark.parametrize(("command", "arguments", "sentence"), SENTENCES)
def test_a_wrong_question_is_answered_with_one_sentence(command: Any, arguments: list[str], sentence: str) -> None:
    answer = ask(command, *arguments)
    assert answer.exit_code == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith(sentence)
    assert answer.stderr.count("\n") == 1


def test_a_file_that_cannot_be_read_is_named_with_the_place(files: Path) -> None:
    (files / "scenario.json").write_text(json.dumps(scenario(down("pumb"))))
    answer = ask_what_if(files, "--json")
    assert answer.exit_code == 2
    assert answer.stderr == (
        f"wardgraph what-if: reading scenario {files / 'scenario.json'}: changes[0].down: unknown node 'pumb'\n"
    )
    (files / "graph.json").write_text("{")
    assert "graph.json: not JSON: " in ask_what_if(files).stderr
