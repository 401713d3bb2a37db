"""Station 8: `wardgraph identify` - name the devices in SNMP recordings and packet captures.

Reads the files it is given; it opens no socket and no database. One device a line, trouble on standard error.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.status import Status

from discovery.fingerprints import CardSet, load_cards
from discovery.passive.devices import Device, identify
from discovery.passive.files import Source, Unreadable, read_sources

command = typer.Typer(add_completion=False, help="Name the devices in SNMP recordings and packet captures.")
_COLUMNS = ("source", "address", "category", "manufacturer", "model", "firmware", "serial")


@command.command()
def main(
    paths: Annotated[
        list[Path], typer.Argument(help=".snmprec, .pcap or .pcapng, also .xz; directories; tar archives of them")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document a device and line")] = False,
) -> None:
    """Name the devices in SNMP recordings and packet captures, without network or database."""
    console = Console(stderr=True)
    cards = load_cards()
    failed = False
    if not as_json:
        print("\t".join(_COLUMNS))
    with console.status("reading", spinner="dots") as status:  # shown on a terminal only
        for source in _sources(paths, status):
            if isinstance(source, Unreadable):
                failed = True
                console.print(
                    f"{_readable(source.name)}: {source.reason}", markup=False, highlight=False, soft_wrap=True
                )
                continue
            failed |= not _name_devices(source, cards, console, as_json=as_json)
    raise typer.Exit(1 if failed else 0)


def _sources(paths: list[Path], status: Status) -> Iterator[Source | Unreadable]:
    count = 0
    for path in paths:
        for source in read_sources(path):
            count += 1
            status.update(f"{count:,} files: {source.name}")
            yield source


def _name_devices(source: Source, cards: CardSet, console: Console, *, as_json: bool) -> bool:
    """Print the devices of one file; whether all of it could be read."""
    found = identify(source, cards=cards)
    name = _readable(source.name)
    for device in found.devices:
        row = _row(name, device)
        if as_json:
            print(orjson.dumps(row).decode())
        else:
            print("\t".join(str(row[name] if row[name] is not None else "-") for name in _COLUMNS))
    if found.problem is not None:
        sys.stdout.flush()
        console.print(f"{name}: {found.problem}", markup=False, highlight=False, soft_wrap=True)
    return found.problem is None


def _readable(name: str) -> str:
    """The name as text: a file's name is octets, and JSON takes text alone."""
    return os.fsencode(name).decode(errors="replace")


def _row(name: str, device: Device) -> dict[str, object]:
    claim = device.claim
    return {
        "source": name,
        "address": device.address,
        "manufacturer": claim.manufacturer,
        "category": claim.category,
        "device_type": claim.device_type,
        "model": claim.model,
        "firmware": claim.firmware,
        "serial": claim.serial,
        "cards": list(claim.cards),
        "confidence": claim.confidence,
    }
