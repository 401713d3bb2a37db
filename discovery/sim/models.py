"""The catalogue of the practice hospital: which models exist and how their vendors' devices speak.

Reads the shipped YAML files into values. Every banner in them is drafted, none recorded. It draws nothing: choosing is
the generator's business.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Any

import yaml

CATALOGUE_FILES = ("care", "imaging", "laboratory", "it", "building")


class Asked(StrEnum):
    """What the safety class of the knowledge pack lets be sent to a type (a test compares the two)."""

    PASSIVE = "passive"
    GENTLE = "gentle"
    INFRASTRUCTURE = "infrastructure"
    ASK = "ask"


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """How the devices of one vendor speak: templates over model, firmware, serial, maker and mac6."""

    name: str
    manufacturer: str
    enterprise: int
    arc: int  # invented, below the enterprise number
    mac_prefixes: tuple[str, ...]
    descr: str
    entity: bool  # ENTITY-MIB names model, firmware and serial
    serial_arc: bool  # the serial is one OID of the vendor's own
    printer: bool
    ups: bool
    service: str | None
    instance: str
    txt: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One product line that a hospital may buy for a device type."""

    voice: Voice
    manufacturer: str
    line: str
    models: tuple[str, ...]
    firmware: tuple[str, ...]
    speaks: frozenset[str]  # of snmp, v3, mdns
    wifi: bool
    opt_in: bool  # a biomedical engineer may opt its models in

    def model(self, name: str) -> str:
        """The whole name of a model of this line."""
        return f"{self.line}{name}" if self.line.endswith("-") else f"{self.line} {name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A device type of the catalogue; `device_type` is None where the knowledge pack has no word for it."""

    name: str
    index: int
    device_type: str | None
    category: str
    asked: Asked
    zone: str | None  # None: off the network
    virtual: bool
    fragile: bool
    offers: tuple[Offer, ...]


@functools.cache
def kinds() -> Mapping[str, Kind]:
    """Every kind of device by its name, in the order of the files."""
    voices = _voices()
    found: dict[str, Kind] = {}
    for name in CATALOGUE_FILES:
        for kind, row in _read(f"catalogue/{name}.yaml").items():
            found[kind] = _kind(kind, row, voices=voices, index=len(found) + 1)
    return found


@functools.cache
def blueprint() -> Mapping[str, Any]:
    """What a site is made of: blueprint.yaml, numbers as numbers."""
    text = files(__package__).joinpath("blueprint.yaml").read_text(encoding="utf-8")
    loaded: Mapping[str, Any] = yaml.safe_load(text)
    return loaded


def _voices() -> Mapping[str, Voice]:
    rows = _read("catalogue/voices.yaml")["voices"]
    return {name: _voice(name, row, arc=index) for index, (name, row) in enumerate(rows.items(), start=9001)}


def _voice(name: str, row: Mapping[str, Any], *, arc: int) -> Voice:
    return Voice(
        name=name,
        manufacturer=row["manufacturer"],
        enterprise=int(row["enterprise"]),
        arc=arc,
        mac_prefixes=tuple(row["mac"]),
        descr=row["descr"],
        entity="entity" in row,
        serial_arc="serial_arc" in row,
        printer="printer" in row,
        ups="ups" in row,
        service=row.get("service"),
        instance=row.get("instance", ""),
        txt=row.get("txt", {}),
    )


def _kind(name: str, row: Mapping[str, Any], *, voices: Mapping[str, Voice], index: int) -> Kind:
    return Kind(
        name=name,
        index=index,
        device_type=None if row.get("device_type") == "null" else name,
        category=row["category"],
        asked=Asked(row["asked"]),
        zone=None if row["zone"] == "none" else row["zone"],
        virtual="vm" in row,
        fragile="fragile" in row,
        offers=tuple(_offer(o, voice=voices[o["by"]]) for o in row["offers"]),
    )


def _offer(row: Mapping[str, Any], *, voice: Voice) -> Offer:
    return Offer(
        voice=voice,
        manufacturer=row.get("maker", voice.manufacturer),
        line=row["line"],
        models=tuple(row["models"]),
        firmware=tuple(row["firmware"]),
        speaks=frozenset(row.get("speaks", "").split()),
        wifi="wifi" in row,
        opt_in="opt_in" in row,
    )


def _read(path: str) -> Mapping[str, Any]:
    """A catalogue file with every scalar as the text that stands there: 2.10 is a firmware, not a number."""
    text = files(__package__).joinpath(path).read_text(encoding="utf-8")
    loaded: Mapping[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - builds texts, lists, mappings only
    return loaded
