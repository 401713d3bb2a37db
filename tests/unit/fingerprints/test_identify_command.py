"""`wardgraph identify`: one line a device, trouble on the side, and the other files go on."""

import io
import json
import lzma
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from service.cli.identify import command

PRINTER = b"1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.2385.3.1\n1.3.6.1.2.1.1.1.0|4|SHARP MX-3051\n"
KEYS = [
    "source",
    "address",
    "manufacturer",
    "category",
    "device_type",
    "model",
    "firmware",
    "serial",
    "cards",
    "confidence",
]


def run(*arguments: str | Path) -> tuple[int, list[dict[str, object]], str]:
    result = CliRunner().invoke(command, [*map(str, arguments), "--json"])
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()], result.stderr


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    (tmp_path / "printer.snmprec").write_bytes(PRINTER)
    (tmp_path / "packed.snmprec.xz").write_bytes(lzma.compress(PRINTER))
    (tmp_path / "notes.txt").write_text("not for us")
    return tmp_path


def test_a_recording_is_one_device_with_exactly_these_keys(recordings: Path) -> None:
    code, (device,), stderr = run(recordings / "printer.snmprec")
    assert (code, stderr, list(device)) == (0, "", KEYS)
    assert device == {
        "source": str(recordings / "printer.snmprec"),
        "address": None,
        "manufacturer": "Sharp",
        "category": "printer",
        "device_type": "office_printer",
        "model": "MX-3051",
        "firmware": None,
        "serial": None,
        "cards": ["sharp-printer"],
        "confidence": 0.85,
    }


def test_a_directory_is_read_in_order_and_its_other_files_are_passed_over(recordings: Path) -> None:
    code, devices, _ = run(recordings)
    assert code == 0
    assert [(Path(str(d["source"])).name, d["model"]) for d in devices] == [
        ("packed.snmprec.xz", "MX-3051"),
        ("printer.snmprec", "MX-3051"),
    ]


def test_an_archive_names_its_members(recordings: Path) -> None:
    archive = recordings / "all.tar.xz"
    with tarfile.open(archive, "w:xz") as tar:
        member = tarfile.TarInfo("deep/printer.snmprec")
        member.size = len(PRINTER)
        tar.addfile(member, io.BytesIO(PRINTER))
    code, (device,), _ = run(archive)
    assert (code, device["source"]) == (0, f"{archive}:deep/printer.snmprec")


def test_a_bad_file_is_named_and_the_others_go_on(recordings: Path) -> None:
    bad = {
        "text.snmprec": b"hello\n",
        "text.pcap": b"hello",
        "torn.snmprec.xz": b"\xfd7zXZ\x00oops",
        "torn.tar": b"x" * 600,
    }
    for name, content in bad.items():
        (recordings / name).write_bytes(content)
    code, devices, stderr = run(recordings, recordings / "absent.snmprec", recordings / "notes.txt")
    assert code == 1
    assert len(devices) == 2
    for name in (*bad, "absent.snmprec: no such file", "notes.txt: neither a recording"):
        assert name in stderr
    assert "Traceback" not in stderr


def test_an_empty_recording_is_a_device_nobody_knows(tmp_path: Path) -> None:
    (tmp_path / "silent.snmprec").write_bytes(b"")
    code, (device,), _ = run(tmp_path / "silent.snmprec")
    assert (code, device["category"], device["cards"], device["confidence"]) == (0, None, [], 0.0)
