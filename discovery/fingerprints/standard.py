"""Part of station 3: what the standard MIBs say of a device before any card looks at it.

Pure. ENTITY-MIB names maker, model, firmware and serial of the chassis, Printer-MIB and UPS-MIB are spoken by printers
and power supplies alone, and the enterprise number of sysObjectID (RFC 2578 section 4) names who wrote the agent.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from riskdb.model import facts
from riskdb.model.claim import Category

_ENTERPRISES = "1.3.6.1.4.1."
_PLACEHOLDER = re.compile(
    r"\W*|0+|x+|n/?a|none|null|nil|unknown|undefined|unspecified|not (available|specified|set|applicable|supported)"
    r"|default( string)?|to be filled by o\.?e\.?m\.?|system (serial|product|manufacturer)( number| name)?"
    r"|string|model|serial",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardReading:
    """Fields that standard MIBs state; None where they do not."""

    category: Category | None = None
    manufacturer: str | None = None
    maker: "Maker | None" = None  # the holder of the enterprise number: weaker than what the device itself states
    model: str | None = None
    firmware: str | None = None
    serial: str | None = None


def read_standard(stated: Mapping[str, str]) -> StandardReading:
    """What the standard MIBs among these facts say."""
    return StandardReading(
        category=_category(stated),
        manufacturer=_first(stated, facts.SNMP_ENT_MANUFACTURER, facts.SNMP_UPS_MANUFACTURER),
        maker=maker_of(stated.get(facts.SNMP_SYS_OBJECT_ID, "")),
        model=_first(stated, facts.SNMP_ENT_MODEL, facts.SNMP_UPS_MODEL, facts.SNMP_HR_PRINTER),
        firmware=_first(stated, facts.SNMP_ENT_SOFTWARE, facts.SNMP_ENT_FIRMWARE, facts.SNMP_UPS_FIRMWARE),
        serial=_first(stated, facts.SNMP_ENT_SERIAL, facts.SNMP_PRT_SERIAL),
    )


def is_placeholder(value: str) -> bool:
    """Whether a value only stands for the want of one: blanks, zeros, `N/A`, `To be filled by O.E.M.`"""
    return _PLACEHOLDER.fullmatch(value.strip()) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """The holder of an enterprise number; None for the name of a toolkit, whose agents run on anybody's device."""

    name: str | None
    makes: Category | None  # what he nearly only makes, None if many things


def maker_of(sys_object_id: str) -> Maker | None:
    """Who holds the enterprise number of a sysObjectID, if our table knows."""
    if not sys_object_id.startswith(_ENTERPRISES):
        return None
    return _makers().get(sys_object_id[len(_ENTERPRISES) :].split(".", 1)[0])


def _category(stated: Mapping[str, str]) -> Category | None:
    if not stated.keys().isdisjoint((facts.SNMP_PRT_NAME, facts.SNMP_PRT_SERIAL, facts.SNMP_HR_PRINTER)):
        return Category.PRINTER
    if not stated.keys().isdisjoint((facts.SNMP_UPS_MODEL, facts.SNMP_UPS_MANUFACTURER)):
        return Category.POWER
    return None


def _first(stated: Mapping[str, str], *names: str) -> str | None:
    for name in names:
        value = stated.get(name, "").strip()
        if value and not is_placeholder(value):
            return value
    return None


@functools.cache
def _makers() -> Mapping[str, Maker]:
    """Enterprise number -> holder, from enterprises.tsv beside this module."""
    table = files(__package__).joinpath("enterprises.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {
        number: Maker(name=None if name == "-" else name, makes=None if makes == "-" else Category(makes))
        for number, name, makes in rows
    }
