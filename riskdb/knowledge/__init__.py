"""The knowledge pack: pathways, capabilities, device types and weights, each number with source and review state.

`load_pack()` is the pack that ships with the product; `check_pack(directory)` judges any pack directory.
"""

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from riskdb.knowledge.check import check_reading
from riskdb.knowledge.contents import Pack
from riskdb.knowledge.reading import Finding, Reading, read

__all__ = ["Finding", "Pack", "PackError", "check_pack", "load_pack", "read_pack"]


class PackError(ValueError):
    """A pack that cannot be used, with the first thing that is wrong with it."""


def shipped() -> Traversable:
    """The directory of the pack that ships with the product."""
    return files(__name__) / "pack"


@cache
def load_pack() -> Pack:
    """The shipped pack, read once."""
    return read_pack(shipped())


def read_pack(directory: Traversable) -> Pack:
    """The pack in a directory; PackError names the first of its findings and how many there are."""
    reading = read(directory)
    findings = check_reading(reading)
    if findings:
        raise PackError(f"reading knowledge pack: {findings[0]} ({len(findings)} findings in all)")
    return _assemble(reading)


def check_pack(directory: Traversable | None = None) -> list[Finding]:
    """Everything wrong with a pack directory, the shipped one unless told otherwise; empty when sound."""
    return check_reading(read(directory or shipped()))


def _assemble(reading: Reading) -> Pack:
    if reading.tables is None:
        raise PackError("reading knowledge pack: tables.json is missing")
    return Pack(
        version=reading.version,
        device_types={p.record.id: p.record for p in reading.device_types},
        capabilities={p.record.id: p.record for p in reading.capabilities},
        pathways={p.record.id: p.record for p in reading.pathways},
        unit_types={p.record.id: p.record for p in reading.unit_types},
        populations={p.record.id: p.record for p in reading.populations},
        sources={p.record.id: p.record for p in reading.sources},
        tables=reading.tables,
    )
