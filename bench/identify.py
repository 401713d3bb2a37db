"""How well `wardgraph identify` names real devices: the SNMP recordings against what is expected of them.

`./x bench identify` prints the tables of bench/RESULTS.md. The recordings lie in ../shared, or in WARDGRAPH_SHARED.

Cards were developed on two thirds of the recordings and the last third was held out (by a digest of the file name).
Right: equal after normalisation (case, punctuation, a leading "version" or "v" aside). Close: one holds the other, as
AP7900B and "AP7900B B2". Wrong: neither. Extra: said where nothing is expected; nobody can tell whether it is right.
"""

import csv
import hashlib
import os
import re
import tarfile
import time
from collections import Counter
from pathlib import Path

from discovery.fingerprints import load_cards
from discovery.passive.devices import identify
from discovery.passive.files import Kind, Source
from riskdb.model.claim import Category

FIELDS = {"model": "expected_hardware", "firmware": "expected_version", "serial": "expected_serial"}
CATEGORIES = {category.value for category in Category}
HELD_OUT_EVERY = 3


def is_held_out(name: str) -> bool:
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % HELD_OUT_EVERY == 0


def normal(text: str) -> str:
    text = re.sub(r"^(version|ver|v)[ .]*(?=\d)", "", text.strip().lower())
    return re.sub(r"[^a-z0-9]", "", text)


def compare(said: str | None, expected: str) -> str:
    if not said:
        return "silent"
    one, other = normal(said), normal(expected)
    if one == other:
        return "right"
    return "close" if one and other and (one in other or other in one) else "wrong"


def score(counts: Counter[str], row: dict[str, str], claim: object) -> None:
    category = getattr(claim, "category", None)
    if row["os_type"] in CATEGORIES:
        verdict = "silent" if category is None else "right" if category == row["os_type"] else "wrong"
        counts[f"category {verdict}"] += 1
    if row["pen_org"] and row["pen_org"] != "net-snmp":
        manufacturer = getattr(claim, "manufacturer", None)
        word = normal((manufacturer or "").split(" ")[0])
        same = word[:5] in normal(row["pen_org"]) or normal(row["pen_org"])[:5] in normal(manufacturer or "")
        counts["manufacturer " + ("silent" if manufacturer is None else "right" if same else "other name")] += 1
    for field, column in FIELDS.items():
        said, expected = getattr(claim, field), row[column]
        if expected and expected != "<private>":
            counts[f"{field} {compare(said, expected)}"] += 1
        elif said:
            counts[f"{field} extra"] += 1


def report(title: str, counts: Counter[str]) -> None:
    print(f"\n### {title}\n")
    print("| field | expected | said | right | close | wrong | right or close of said | of expected | extra |")
    print("|---|---|---|---|---|---|---|---|---|")
    for field in ("category", *FIELDS):
        right, close, wrong = (counts[f"{field} {verdict}"] for verdict in ("right", "close", "wrong"))
        said = right + close + wrong
        expected = said + counts[f"{field} silent"]
        print(
            f"| {field} | {expected} | {said} | {right} | {close} | {wrong} | {(right + close) / max(said, 1):.1%} "
            f"| {(right + close) / max(expected, 1):.1%} | {counts[f'{field} extra']} |"
        )
    named = counts["manufacturer right"] + counts["manufacturer other name"]
    total = named + counts["manufacturer silent"]
    print(
        f"\nManufacturer: named for {named} of {total} devices whose enterprise number has a holder that is no toolkit,"
    )
    print(f"for {counts['manufacturer right']} by the holder's name; the rest bear another: a later owner, a brand,")
    print("or the maker behind a borrowed number.")


def main() -> None:
    shared = Path(os.environ.get("WARDGRAPH_SHARED", Path(__file__).parents[2] / "shared"))
    folder = shared / "data/snmp-librenms"
    with (folder / "truth.csv").open(encoding="utf-8") as file:
        truth = {row["file"]: row for row in csv.DictReader(file)}
    cards = load_cards()
    scores = {False: Counter[str](), True: Counter[str]()}
    devices = failures = 0
    spent_s = 0.0
    with tarfile.open(folder / "snmprec.tar.xz", "r:xz") as archive:
        for member in archive:
            opened = archive.extractfile(member)
            if opened is None:
                continue
            name = Path(member.name).name
            source = Source(name, Kind.RECORDING, opened.read())
            started = time.perf_counter()
            found = identify(source, cards=cards)
            spent_s += time.perf_counter() - started
            failures += found.problem is not None
            for device in found.devices:
                devices += 1
                score(scores[is_held_out(name)], truth[name], device.claim)
    print(
        f"{devices} recordings, {failures} unreadable, no exception; {spent_s:.1f} s in all, {len(cards.cards)} cards."
    )
    report("Two thirds the cards were developed on", scores[False])
    report("The third held out", scores[True])


if __name__ == "__main__":
    main()
