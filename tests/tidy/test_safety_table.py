"""The table of the safety policy is true: every place and every test that it names exists, and no rule goes without."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in (ROOT / "docs/safety-policy.md").read_text().splitlines()
    if line.startswith("| ") and "`" in line
]
QUOTED = re.compile(r"`([^`]+)`")


def definitions(path: Path) -> set[str]:
    """The functions and classes of a module, methods included."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)}


TESTS = {name for path in (ROOT / "tests").rglob("test_*.py") for name in definitions(path) if name.startswith("test_")}


def test_every_rule_names_its_place_and_a_test() -> None:
    assert len(ROWS) > 25
    assert not [row for row in ROWS if len(row) != 3 or not QUOTED.search(row[1]) or not QUOTED.search(row[2])]


def test_every_test_that_the_table_names_exists() -> None:
    assert not {name for row in ROWS for name in QUOTED.findall(row[2])} - TESTS


def test_every_place_that_the_table_names_exists() -> None:
    missing = []
    for row in ROWS:
        for place in row[1].split(";"):
            path, *names = QUOTED.findall(place)
            missing += [f"{path} {name}" for name in names if name not in definitions(ROOT / path)]
    assert not missing
