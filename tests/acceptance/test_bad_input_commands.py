"""Every command, asked wrongly: one plain sentence on stderr, the promised exit code, never a traceback."""

import os
import subprocess
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from service.cli.main import GROUP
from tests.acceptance.serving import WARDGRAPH, wardgraph

COMMANDS = sorted(point.name for point in entry_points(group=GROUP))
START_OR_PRINT = {"demo", "doctor", "migrate", "serve", "simulate"}  # they do their work without being told more
WARD = (
    '{"format": "wardgraph/care-graph/1", "nodes": [{"id": "pump-1", "kind": "asset"}],'
    ' "capabilities": [{"id": "infusion", "providers": ["pump-1"], "needed": 1}],'
    ' "pathways": [{"id": "icu", "census": 12, "steps": [{"id": "infuse", "requires": "infusion",'
    ' "severity": {"availability": 5, "integrity": 5, "confidentiality": 2}}]}]}'
)


def both(*questions: list[str], state: Path) -> list[tuple[int, str, str]]:
    """Exit code, stdout and stderr of commands run side by side."""
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment |= {"WARDGRAPH_STATE": str(state)}
    running = [
        subprocess.Popen(
            [*WARDGRAPH, *question],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for question in questions
    ]
    said = [process.communicate(timeout=120) for process in running]
    return [(process.returncode, *words) for process, words in zip(running, said, strict=True)]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_tells_its_use_and_refuses_what_it_does_not_know(command: str, tmp_path: Path) -> None:
    questions = [[command, "--help"], [command, "--no-such-option"]]
    questions += [] if command in START_OR_PRINT else [[command]]
    helped, *refused = both(*questions, state=tmp_path)
    assert helped[0] == 0
    assert helped[1].strip()
    for code, _, complaint in refused:
        assert code in (1, 2), complaint
        assert "Traceback" not in complaint
        assert "WARDGRAPH_DEBUG" not in complaint, "a wrong question is no surprise"
    assert refused[0][0] == 2
    assert not list(tmp_path.iterdir()), "a wrong question leaves nothing behind"


def test_an_unknown_command_is_named() -> None:
    done = wardgraph("heal")
    assert done.returncode == 2
    assert "unknown command: heal" in done.stderr


@pytest.mark.parametrize(
    "question",
    [
        ["what-if", "--graph", "ward.json", "--scenario", "cut.json", "--json"],
        ["what-if", "--batch", "lines.jsonl"],
        ["rank", "--graph", "ward.json", "--json"],
        ["identify", "--json", "printer.snmprec"],
        ["simulate"],
    ],
    ids=lambda question: " ".join(question[:2]),
)
def test_an_answer_that_finds_no_room_is_one_sentence(question: list[str], tmp_path: Path) -> None:
    cut = '{"format": "wardgraph/scenario/1", "changes": [{"down": "pump-1"}]}'
    (tmp_path / "ward.json").write_text(WARD)
    (tmp_path / "cut.json").write_text(cut)
    (tmp_path / "lines.jsonl").write_text(f'{{"graph": {WARD}, "scenario": {cut}}}\n')
    (tmp_path / "printer.snmprec").write_text("1.3.6.1.2.1.1.1.0|4|Laser printer\n")
    with Path("/dev/full").open("w") as full:
        done = wardgraph(
            *question, cwd=tmp_path, capture_output=False, stdout=full, stderr=subprocess.PIPE, env=dict(os.environ)
        )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "No space left on device" in done.stderr


def test_a_migration_never_makes_a_private_database_beside_the_one_that_is_named(tmp_path: Path) -> None:
    environment = {**os.environ, "DATABASE_URL": "postgresql://127.0.0.1:1/ward", "WARDGRAPH_STATE": str(tmp_path)}
    environment.pop("WARDGRAPH_OWNER_URL", None)
    done = wardgraph("migrate", env=environment)
    assert done.returncode == 2
    assert "set WARDGRAPH_OWNER_URL" in done.stderr
    assert not list(tmp_path.iterdir())
