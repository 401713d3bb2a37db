"""A pack directory into typed records, each with the file it stands in, and findings for what cannot be read.

Shape only: what the records mean together is judged in `riskdb.knowledge.check`. The one place that reads pack files.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from riskdb.knowledge.tables import Tables
from riskdb.knowledge.types import CapabilityType, DeviceType, PathwayType, Population, Source, UnitType

FILE_BYTES_MAX = 4_000_000  # the largest shipped file has about 90 kB; protects against a wrong directory
FILES_MAX = 500  # the shipped pack has about 55
FINDINGS_PER_FILE_MAX = 50  # a wrong file says the same on every line

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something wrong in a pack: which file, which object, where in it, and what."""

    file: str
    id: str
    place: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.id, self.place, self.message) if part)


@dataclass(frozen=True, slots=True)
class Placed(Generic[Record]):
    """A record and the file it stands in."""

    file: str
    record: Record


@dataclass(slots=True, kw_only=True)
class Reading:
    """All records of a pack directory as they stand, duplicates included, and what could not be read."""

    device_types: list[Placed[DeviceType]] = field(default_factory=list)
    capabilities: list[Placed[CapabilityType]] = field(default_factory=list)
    pathways: list[Placed[PathwayType]] = field(default_factory=list)
    unit_types: list[Placed[UnitType]] = field(default_factory=list)
    populations: list[Placed[Population]] = field(default_factory=list)
    sources: list[Placed[Source]] = field(default_factory=list)
    tables: Tables | None = None
    findings: list[Finding] = field(default_factory=list)
    version: str = ""


_DEVICE_TYPES = TypeAdapter(tuple[DeviceType, ...])
_CAPABILITIES = TypeAdapter(tuple[CapabilityType, ...])
_PATHWAY = TypeAdapter(PathwayType)
_UNIT_TYPES = TypeAdapter(tuple[UnitType, ...])
_POPULATIONS = TypeAdapter(tuple[Population, ...])
_SOURCES = TypeAdapter(tuple[Source, ...])
_TABLES = TypeAdapter(Tables)
_FILES = frozenset({"capabilities.json", "unit_types.json", "populations.json", "sources.json", "tables.json"})


def read(directory: Traversable) -> Reading:
    """Every record of a pack directory. It never raises for what is in the files: that becomes findings."""
    reading = Reading()
    files = list(_files(directory, reading.findings))
    digest = hashlib.sha256()
    for name, content in files:
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
        _file(reading, name, content)
    reading.version = digest.hexdigest()[:16]
    reading.findings += [
        Finding(file=name, id="", place="", message="the file is missing")
        for name in sorted(_FILES - {name for name, _ in files})
    ]
    return reading


def _files(directory: Traversable, findings: list[Finding]) -> Iterator[tuple[str, bytes]]:
    """Names below the pack directory and their content, in order of name."""
    found = [(entry.name, entry) for entry in directory.iterdir() if entry.name.endswith(".json")]
    for folder in ("device_types", "pathways"):
        entries = directory / folder
        if entries.is_dir():
            found += [(f"{folder}/{e.name}", e) for e in entries.iterdir() if e.name.endswith(".json")]
    if len(found) > FILES_MAX:
        findings.append(Finding(file="", id="", place="", message=f"more than {FILES_MAX} files: not a pack directory"))
        return
    for name, entry in sorted(found, key=lambda pair: pair[0]):
        try:
            content = entry.read_bytes()
        except OSError as error:
            findings.append(Finding(file=name, id="", place="", message=f"cannot be read: {error.strerror}"))
            continue
        if len(content) > FILE_BYTES_MAX:
            findings.append(Finding(file=name, id="", place="", message=f"larger than {FILE_BYTES_MAX} bytes"))
        else:
            yield name, content


def _file(reading: Reading, name: str, content: bytes) -> None:
    try:
        _records(reading, name, content)
    except ValidationError as error:
        reading.findings += list(_findings(name, content, error))


def _records(reading: Reading, name: str, content: bytes) -> None:
    if name.startswith("device_types/"):
        reading.device_types += [Placed(name, r) for r in _DEVICE_TYPES.validate_json(content)]
    elif name.startswith("pathways/"):
        reading.pathways.append(Placed(name, _PATHWAY.validate_json(content)))
    elif name == "capabilities.json":
        reading.capabilities += [Placed(name, r) for r in _CAPABILITIES.validate_json(content)]
    elif name == "unit_types.json":
        reading.unit_types += [Placed(name, r) for r in _UNIT_TYPES.validate_json(content)]
    elif name == "populations.json":
        reading.populations += [Placed(name, r) for r in _POPULATIONS.validate_json(content)]
    elif name == "sources.json":
        reading.sources += [Placed(name, r) for r in _SOURCES.validate_json(content)]
    elif name == "tables.json":
        reading.tables = _TABLES.validate_json(content)
    else:
        reading.findings.append(Finding(file=name, id="", place="", message="unknown file in a pack"))


def _findings(name: str, content: bytes, error: ValidationError) -> Iterator[Finding]:
    """What pydantic found, with ids in the place of list positions."""
    for detail in error.errors(include_url=False, include_context=False)[:FINDINGS_PER_FILE_MAX]:
        if detail["type"] == "json_invalid":
            yield Finding(file=name, id="", place="", message=f"not JSON: {detail['msg'].partition(': ')[2]}")
            continue
        message = _PLAIN_WORDS.get(detail["type"]) or detail["msg"].removeprefix("Value error, ")
        identifier, place = _place(json.loads(content), detail["loc"])
        yield Finding(file=name, id=identifier, place=place, message=message)


_PLAIN_WORDS = {"unexpected_keyword_argument": "unknown key", "missing": "the key is missing"}


def _place(document: object, loc: tuple[int | str, ...]) -> tuple[str, str]:
    """The id of the outermost object on the way to `loc`, and the way from there."""
    identifier, way, here = "", [], document
    for step in loc:
        if isinstance(here, dict) and not identifier:
            identifier = str(here.get("id", ""))
        here = _inside(here, step)
        name = str(here["id"]) if isinstance(here, dict) and isinstance(step, int) and "id" in here else str(step)
        if identifier:
            way.append(name)
        elif not isinstance(step, int):
            identifier, way = (identifier or ""), [*way, name]
    return identifier, "/".join(way)


def _inside(here: object, step: int | str) -> object:
    if isinstance(here, dict):
        return here.get(step)
    if isinstance(here, list) and isinstance(step, int) and step < len(here):
        return here[step]
    return here  # pydantic names the member of a union that it tried: no step in the document
