"""The tree keeps its own rules: sizes, names, borders, and nothing in it that belongs elsewhere."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("riskdb", "discovery", "service", "migrations")
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
VAGUE_NAMES = {"utils", "util", "helper", "helpers", "manager", "common", "misc", "info", "data"}


def tracked(*suffixes: str) -> list[Path]:
    """Files git tracks or would track, by suffix."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    return [ROOT / name for name in listed if name.endswith(suffixes) and (ROOT / name).is_file()]


def package_modules() -> list[Path]:
    return [path for path in tracked(".py") if path.relative_to(ROOT).parts[0] in PACKAGES]


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text())
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_no_file_outgrows_two_screens_and_no_function_one() -> None:
    long_files = [str(p.relative_to(ROOT)) for p in tracked(".py") if p.read_text().count("\n") > FILE_LINES_MAX]
    long_functions = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in tracked(".py")
        for node in functions(path)
        if (node.end_lineno or node.lineno) - node.lineno + 1 > FUNCTION_LINES_MAX
    ]
    assert not long_files
    assert not long_functions


def test_no_module_hides_behind_a_vague_name() -> None:
    assert not [str(p.relative_to(ROOT)) for p in package_modules() if p.stem in VAGUE_NAMES]


def test_every_test_can_fail() -> None:
    checking = re.compile(r"\bassert\b|pytest\.raises|pytest\.fail|\bcheck_|\bassert_")
    silent = []
    for path in tracked(".py"):
        if path.relative_to(ROOT).parts[0] != "tests":
            continue
        text = path.read_text().splitlines()
        silent += [
            f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
            for node in functions(path)
            if node.name.startswith("test_") and not checking.search("\n".join(text[node.lineno - 1 : node.end_lineno]))
        ]
    assert not silent


def test_only_the_gate_opens_a_socket_in_discovery() -> None:
    opens = re.compile(
        r"^\s*(import socket|from socket import)|create_datagram_endpoint|AsyncZeroconf\(|Zeroconf\(", re.MULTILINE
    )
    allowed = {"discovery/safety.py", "discovery/sockets.py"}
    openers = {
        str(path.relative_to(ROOT))
        for path in package_modules()
        if path.relative_to(ROOT).parts[0] == "discovery"
        and path.relative_to(ROOT).parts[1] != "sim"
        and opens.search(path.read_text())
    }
    assert openers <= allowed


def test_sql_lives_in_sql_files() -> None:
    verbs = re.compile(r"\"(SELECT|INSERT INTO|UPDATE|DELETE FROM)\s", re.IGNORECASE)
    assert not [
        str(path.relative_to(ROOT))
        for path in package_modules()
        if verbs.search(path.read_text()) and "sim" not in path.parts and path.name not in SQLITE_MODULES
    ]


SQLITE_MODULES = {"ledger.py", "outbox.py", "safety.py"}  # the agent's own spool; three short statements each


def test_every_sql_statement_says_its_question() -> None:
    for path in tracked(".sql"):
        if "riskdb" not in path.parts:
            continue
        blocks = re.split(r"^-- name: ", path.read_text(), flags=re.MULTILINE)[1:]
        assert blocks, path
        for block in blocks:
            lines = block.splitlines()
            assert lines[1].startswith("-- "), f"{path.name}: {lines[0]} has no question"


def test_lock_files_are_hashed_and_name_no_host() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "://" not in text, path
        pinned = re.findall(r"^[a-z0-9][^\n=]*==", text, flags=re.MULTILINE)
        assert len(pinned) <= text.count("--hash=sha256:"), path


def test_links_in_the_guides_lead_somewhere() -> None:
    link = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")
    broken = [
        f"{path.relative_to(ROOT)} -> {target}"
        for path in tracked(".md")
        for target in link.findall(path.read_text())
        if not (path.parent / target).exists()
    ]
    assert not broken


@pytest.mark.parametrize("path", ["x", ".ci/run"])
def test_the_scripts_can_be_run(path: str) -> None:
    assert (ROOT / path).stat().st_mode & 0o111


def test_the_script_says_every_verb_it_knows() -> None:
    script = (ROOT / "x").read_text()
    known = set(re.findall(r"^  ([a-z]+)\)", script, flags=re.MULTILINE))
    told = set(re.findall(r"^  ([a-z]+) ", script.split("HELP'")[1].split("HELP")[0], flags=re.MULTILINE))
    assert known - {"help"} <= told
