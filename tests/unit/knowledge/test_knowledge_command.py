"""`wardgraph knowledge` as people and programs call it."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from service.cli.knowledge import command

SHIPPED = Path(__file__).parents[3] / "riskdb" / "knowledge" / "pack"


def call(*arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["wardgraph knowledge", *arguments])
    with pytest.raises(SystemExit) as end:
        command()
    return int(end.value.code or 0)


def test_checking_the_shipped_pack_counts_what_nobody_reviewed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("check", "--json", monkeypatch=monkeypatch) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["findings"] == []
    assert answer["numbers"]["unreviewed"] == answer["numbers"]["total"]


def test_a_broken_pack_exits_with_one_and_names_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = shutil.copytree(SHIPPED, tmp_path / "pack")
    pathway = pack / "pathways" / "stemi.json"
    pathway.write_text(pathway.read_text().replace('"ecg_12lead"', '"crystal_ball"', 1))
    assert call("check", "--pack", str(pack), monkeypatch=monkeypatch) == 1
    assert "pathways/stemi.json: stemi: steps/ecg/requires: unknown id 'crystal_ball'" in capsys.readouterr().out


def test_a_pack_that_is_not_json_is_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = shutil.copytree(SHIPPED, tmp_path / "pack")
    (pack / "tables.json").write_text("not a table")
    assert call("numbers", "--pack", str(pack), monkeypatch=monkeypatch) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("wardgraph knowledge: reading knowledge pack: tables.json: not JSON")


def test_no_such_directory_is_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("check", "--pack", str(tmp_path / "nowhere"), monkeypatch=monkeypatch) == 2
    assert "is not a directory" in capsys.readouterr().err


def test_a_pathway_is_shown_in_french_with_its_sources(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("show", "stemi", "--lang", "fr", monkeypatch=monkeypatch) == 0
    told = capsys.readouterr().out
    assert "Infarctus (SCA ST+) et salle de coronarographie" in told
    assert "steps/ecg/tolerance_min: 10 [published, ESC-TIME; not reviewed]" in told
    assert "ESC STEMI time targets" in told


def test_a_name_of_two_things_shows_both(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("show", "lis", "--json", monkeypatch=monkeypatch) == 0
    assert [found["kind"] for found in json.loads(capsys.readouterr().out)["found"]] == ["device_type", "capability"]


def test_an_unknown_name_is_bad_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("show", "tricorder", monkeypatch=monkeypatch) == 2
    assert "'tricorder'" in capsys.readouterr().err


def test_unreviewed_numbers_come_as_one_document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("numbers", "--unreviewed", "--json", monkeypatch=monkeypatch) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["count"] == len(answer["numbers"]) > 1_500
    assert {"id", "place", "value", "low", "high", "confidence", "sources"} <= set(answer["numbers"][0])
