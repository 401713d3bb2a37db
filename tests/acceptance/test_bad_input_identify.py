"""Files that are hardly recordings or captures: each is named or read, and costs no other file anything."""

import io
import lzma
import os
import random
import struct
import tarfile
from pathlib import Path

import orjson

from tests.acceptance.serving import wardgraph

KEYS = ["source", "address", "manufacturer", "category", "device_type", "model", "firmware", "serial", "cards"]
SWITCH = (
    b"1.3.6.1.2.1.1.1.0|4|Cisco IOS Software, C2960 Software (C2960-LANBASEK9-M), Version 12.2(55)SE7\n"
    b"1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.9.1.1208\n1.3.6.1.2.1.1.5.0|4|sw1\n"
)
PCAP = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)
NOISE = random.Random(7).randbytes(20_000)

READ = {
    "plain.snmprec": SWITCH,
    "crlf.snmprec": SWITCH.replace(b"\n", b"\r\n"),
    "twice.snmprec": SWITCH + SWITCH.replace(b"Cisco", b"Juniper"),
    "unsorted.snmprec": b"\n".join(reversed(SWITCH.splitlines())),
    "a-line-of-megabytes.snmprec": b"1.3.6.1.2.1.1.6.0|4|" + b"A" * 5_000_000 + b"\n" + SWITCH,
    "wrong-values.snmprec": b"1.3.99999999999.1|4|x\n1.3.6.1.2.1.1.3.0|2|\xc2\xb2\n1.3.6.1.2.1.1.4.0|999|x\n" + SWITCH,
    "packed.snmprec.xz": lzma.compress(SWITCH),
    "of-two-streams.snmprec.xz": lzma.compress(SWITCH[:100]) + lzma.compress(SWITCH[100:]),
    "padded.snmprec.xz": lzma.compress(SWITCH) + bytes(8),
}
REFUSED = {
    "noise.snmprec": NOISE,
    "cut.snmprec.xz": lzma.compress(SWITCH)[:60],
    "no.snmprec.xz": b"no xz",
    "bomb.snmprec.xz": lzma.compress(bytes(140_000_000), preset=0),
    "empty.pcap": b"",
    "cut.pcap": PCAP + struct.pack("<IIII", 1, 2, 100, 100) + b"abc",
    "noise.pcapng": b"\x0a\x0d\x0d\x0a" + NOISE,
    "no.tar": b"no tar" * 500,
    "cut.tar.xz": b"\xfd7zXZ\x00" + NOISE[:50],
}


def write(place: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (place / name).write_bytes(content)


def test_every_readable_file_is_a_line_of_ten_keys_and_every_other_one_is_named(tmp_path: Path) -> None:
    write(tmp_path, READ | REFUSED)
    done = wardgraph("identify", "--json", tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    rows = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert {Path(row["source"]).name for row in rows} == set(READ)
    assert all(list(row) == [*KEYS, "confidence"] for row in rows)
    assert {row["manufacturer"] for row in rows} == {"Cisco"}
    assert all(f"{name}: " in done.stderr for name in REFUSED)


def test_a_file_name_that_is_no_text_stops_nobody(tmp_path: Path) -> None:
    Path(os.fsdecode(bytes(tmp_path) + b"/\xff\xfe.snmprec")).write_bytes(SWITCH)
    write(tmp_path, {"zz.snmprec": SWITCH})
    with tarfile.open(tmp_path / "odd.tar", "w") as archive:
        member = tarfile.TarInfo("a\udcff.snmprec")
        member.size = len(SWITCH)
        archive.addfile(member, io.BytesIO(SWITCH))
        link = tarfile.TarInfo("link.snmprec")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    done = wardgraph("identify", "--json", tmp_path)
    assert done.returncode == 0, done.stderr
    assert [orjson.loads(line)["manufacturer"] for line in done.stdout.splitlines()] == ["Cisco"] * 3


def test_a_table_of_half_a_million_rows_is_read(tmp_path: Path) -> None:
    rows = b"".join(b"1.3.6.1.2.1.2.2.1.2.%d|4|interface %d of a very long table\n" % (n, n) for n in range(1, 600_000))
    (tmp_path / "long.snmprec").write_bytes(SWITCH + rows)
    done = wardgraph("identify", "--json", tmp_path / "long.snmprec")
    assert done.returncode == 0
    assert orjson.loads(done.stdout)["manufacturer"] == "Cisco"
