"""A batch of questions in which hardly any is one: each line gets its answer, in its place."""

import json
import subprocess
from typing import Any

import orjson
import pytest

from tests.acceptance.serving import WARDGRAPH

GRAPH: dict[str, Any] = {
    "format": "wardgraph/care-graph/1",
    "nodes": [
        {"id": "pump-1", "kind": "asset", "needs": {"id": "power-a", "tolerance_min": 240}},
        {"id": "pump-2", "kind": "asset"},
        {"id": "power-a", "kind": "circuit"},
    ],
    "capabilities": [{"id": "infusion", "providers": ["pump-1", "pump-2"], "needed": 2}],
    "pathways": [
        {
            "id": "icu",
            "census": 12,
            "arrivals_per_h": 0.25,
            "steps": [
                {
                    "id": "infuse",
                    "requires": "infusion",
                    "tolerance_min": 30,
                    "fallback": {"served_share": 0.75, "holds_min": 600},
                    "severity": {"availability": 5, "integrity": 5, "confidentiality": 2},
                }
            ],
        }
    ],
}
CUT = {"format": "wardgraph/scenario/1", "changes": [{"down": "power-a"}]}
GOOD = json.dumps({"graph": GRAPH, "scenario": CUT})
NEEDS = json.dumps(GRAPH["nodes"][0]["needs"])
EVER_MIN = 2**63 - 1


def scenario(*changes: object, **more: object) -> str:
    return json.dumps({"graph": GRAPH, "scenario": {**CUT, "changes": list(changes), **more}})


def needs(tree: str) -> str:
    return GOOD.replace(NEEDS, tree)


def nested(depth: int) -> str:
    return needs('{"any": [' * depth + '"power-a"' + "]}" * depth)


WRONG = {
    "{": "not JSON",
    "null": "must be an object",
    "[]": "must be an object",
    GOOD + GOOD: "not JSON",
    GOOD.replace("0.25", "NaN"): "not JSON",
    GOOD.replace("0.25", "1e999"): "not JSON",
    GOOD.replace('"census": 12', '"census": 1e308'): "census",
    GOOD.replace('"census": 12', '"census": true'): "census: must be a number",
    GOOD.replace('"needed": 2', '"needed": 3'): "needed: must lie between 1 and 2",
    GOOD.replace('"needed": 2', '"needed": true'): "needed: must be a whole number",
    GOOD.replace('"census"', '"sensus"'): "unknown key 'sensus'",
    GOOD.replace('"pump-2", "kind"', '"pump-1", "kind"'): "duplicate node 'pump-1'",
    GOOD.replace('"tolerance_min": 30', '"tolerance_min": 1.5'): "tolerance_min: must be a whole number",
    GOOD.replace('"tolerance_min": 30', f'"tolerance_min": {2**70}'): "tolerance_min",
    needs('{"all": []}'): "must not be empty",
    needs('{"k_of": {"k": 2, "of": ["power-a"]}}'): "k: must lie between 1 and 1",
    needs('{"all": ["power-a"], "any": ["power-a"]}'): "one of id, all, any, k_of",
    nested(100): "nest",
    nested(100_000): "not JSON",
    scenario({"down": "power-b"}): "unknown node 'power-b'",
    scenario({"down": ["power-a"]}): "must be text",
    scenario({"down": "power-a", "at_min": True}): "at_min: must be a whole number",
    scenario({"down": "power-a", "at_min": -1}): "at_min",
    scenario({"compromised": "pump-1"}): "'mode' is missing",
    scenario(
        {"compromised": "pump-1", "mode": "availability"}, {"compromised": "pump-2", "mode": "integrity"}
    ): "a scenario has one mode",
    scenario(): "",  # nothing happens: a fair question
    json.dumps({"graph": GRAPH}): "'scenario' is missing",
    json.dumps({"graph": GRAPH, "scenario": CUT, "scenarios": []}): "unknown key 'scenarios'",
    '{"graph": "\\ud800"}': "not JSON",
}


def answers(lines: list[bytes]) -> tuple[int, list[Any], str]:
    done = subprocess.run(
        [*WARDGRAPH, "what-if", "--batch", "-"], input=b"\n".join(lines), capture_output=True, timeout=120, check=False
    )
    return done.returncode, [orjson.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


def test_each_line_is_answered_in_its_place() -> None:
    lines = [part.encode() for wrong in WRONG for part in (wrong, GOOD)]
    code, told, complaint = answers(lines)
    assert code == 1
    assert "Traceback" not in complaint
    assert len(told) == len(lines)
    assert all(answer == told[1] and "error" not in answer for answer in told[1::2])
    for (wrong, expected), answer in zip(WRONG.items(), told[::2], strict=True):
        if expected:
            assert expected in answer["error"], wrong[:200]
        else:
            assert set(answer["index"].values()) == {0.0}


def test_what_programs_leave_at_the_ends_of_lines_costs_nothing() -> None:
    blob = GOOD.replace('"census": 12', '"x_photo": "' + "a" * 10_000_000 + '", "census": 12')
    code, told, _ = answers([GOOD.encode() + b"\r", b"", b"\r", blob.encode(), GOOD.encode()])
    assert code == 0
    assert len(told) == 3
    assert told[0] == told[1] == told[2]


@pytest.mark.parametrize("line", [b"\xef\xbb\xbf" + GOOD.encode(), GOOD.encode("utf-16-le"), b"\xff\xfe", b"\0" * 100])
def test_another_encoding_is_said_to_be_no_json(line: bytes) -> None:
    code, told, _ = answers([line.replace(b"\n", b" ")])
    assert code == 1
    assert "not JSON" in told[0]["error"]


def test_times_beyond_all_horizons_add_up_to_never() -> None:
    chain = {
        **GRAPH,
        "nodes": [
            {"id": "a", "kind": "asset"},
            {"id": "b", "kind": "asset", "needs": {"id": "a", "tolerance_min": EVER_MIN}},
            {"id": "c", "kind": "asset", "needs": {"id": "b", "tolerance_min": EVER_MIN}},
            {"id": "d", "kind": "asset", "manages": [{"id": "c", "delay_min": EVER_MIN}]},
        ],
        "capabilities": [{"id": "infusion", "providers": ["c"], "needed": 1}],
    }
    changes = [
        [{"down": "a", "at_min": 1}],
        [{"down": "a", "at_min": EVER_MIN}],
        [{"compromised": "d", "mode": "integrity", "at_min": 2}],
    ]
    lines = [json.dumps({"graph": chain, "scenario": {**CUT, "changes": each}}).encode() for each in changes]
    code, told, _ = answers(lines)
    assert code == 0
    assert [set(answer["nodes"]) for answer in told] == [{"a"}, set(), {"d"}]
    assert all(set(answer["index"].values()) == {0.0} for answer in told)


def test_no_question_is_no_answer() -> None:
    assert answers([b""]) == (0, [], "")
