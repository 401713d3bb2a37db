"""Real devices, as recordings and captures of other projects hold them: test input, never part of this tree."""

import csv
import os
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from discovery.fingerprints import load_cards
from discovery.passive.devices import identify
from discovery.passive.files import Kind, Source, Unreadable, read_sources
from discovery.passive.pcap import Capture
from discovery.wire.heard import Listener, decode
from riskdb.model.claim import Category
from riskdb.model.ids import AgentId, EstablishmentId

SHARED = Path(os.environ.get("WARDGRAPH_SHARED", Path(__file__).parents[2].parent / "shared")) / "data"
LIBRENMS = SHARED / "snmp-librenms"
needs_recordings = pytest.mark.skipif(not LIBRENMS.is_dir(), reason="the SNMP recordings are not beside this tree")
needs_captures = pytest.mark.skipif(
    not (SHARED / "pcap-discovery").is_dir(), reason="the captures are not beside this tree"
)
# Shares that a change of cards must not lose; bench/identify.py measures them exactly.
CATEGORY_RIGHT_MIN, CATEGORY_WRONG_MAX = 0.87, 0.08
FIELDS_RIGHT_MIN = {"model": 0.62, "firmware": 0.82, "serial": 0.78}


def members(archive: Path) -> Iterator[Source]:
    with tarfile.open(archive, "r:xz") as tar:
        for member in tar:
            file = tar.extractfile(member)
            if file is not None:
                yield Source(Path(member.name).name, Kind.RECORDING, file.read())


@needs_recordings
def test_all_recordings_are_identified_without_trouble_and_most_are_named_right() -> None:
    cards = load_cards()
    with (LIBRENMS / "truth.csv").open(encoding="utf-8") as file:
        truth = {row["file"]: row for row in csv.DictReader(file)}
    counts: Counter[str] = Counter()
    for source in members(LIBRENMS / "snmprec.tar.xz"):
        found = identify(source, cards=cards)
        assert found.problem is None, source.name
        (device,) = found.devices
        row, claim = truth[source.name], device.claim
        if row["os_type"] in {c.value for c in Category}:
            counts["category n"] += 1
            counts["category right"] += claim.category == row["os_type"]
            counts["category wrong"] += claim.category not in (None, row["os_type"])
        for field, column in (("model", "hardware"), ("firmware", "version"), ("serial", "serial")):
            said, true = (getattr(claim, field) or "").lower(), row[f"expected_{column}"].lower()
            if true and true != "<private>":
                counts[f"{field} n"] += 1
                counts[f"{field} right"] += bool(said) and (said in true or true in said)
        counts["recordings"] += 1
    assert counts["recordings"] == 1_164
    assert counts["category right"] >= CATEGORY_RIGHT_MIN * counts["category n"]
    assert counts["category wrong"] <= CATEGORY_WRONG_MAX * counts["category n"]
    for field, share in FIELDS_RIGHT_MIN.items():
        assert counts[f"{field} right"] >= share * counts[f"{field} n"], field


@needs_captures
def test_all_captures_are_read_without_trouble() -> None:
    cards = load_cards()
    protocols = devices = 0
    for source in read_sources(SHARED / "pcap-discovery"):
        assert not isinstance(source, Unreadable)
        found = identify(source, cards=cards)
        assert found.problem is None, source.name
        protocols += bool(found.devices)
        devices += len(found.devices)
    assert protocols >= 60
    assert devices >= 100


@needs_captures
def test_nothing_of_a_patient_or_a_persons_device_comes_out_of_the_captures() -> None:
    listener = Listener(establishment=EstablishmentId(1), agent=AgentId("a"))
    kept = personal = 0
    for source in read_sources(SHARED / "pcap-discovery"):
        assert isinstance(source, Source)
        for packet in Capture(source.content):
            heard = decode(packet.datagram, listener=listener, mac=packet.mac)
            personal += heard.personal
            for observation in heard.observations:
                kept += 1
                told = " ".join(observation.facts.values()).lower()
                assert "iphone" not in told
                assert "macbook" not in told
                assert "pid|" not in told
    assert kept > 300
    assert personal > 0
