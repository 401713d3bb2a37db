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
# Agents that run on anybody's device: their number names the software, never the maker.
_TOOLKITS = frozenset({"2021", "8072"})
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
    maker_by_number: str | None = None  # whose enterprise number it is: weaker than what the device itself states
    model: str | None = None
    firmware: str | None = None
    serial: str | None = None


def read_standard(stated: Mapping[str, str]) -> StandardReading:
    """What the standard MIBs among these facts say."""
    return StandardReading(
        category=_category(stated),
        manufacturer=_first(stated, facts.SNMP_ENT_MANUFACTURER, facts.SNMP_UPS_MANUFACTURER),
        maker_by_number=maker_of(stated.get(facts.SNMP_SYS_OBJECT_ID, "")),
        model=_first(stated, facts.SNMP_ENT_MODEL, facts.SNMP_UPS_MODEL),
        firmware=_first(stated, facts.SNMP_ENT_SOFTWARE, facts.SNMP_ENT_FIRMWARE, facts.SNMP_UPS_FIRMWARE),
        serial=_first(stated, facts.SNMP_ENT_SERIAL, facts.SNMP_PRT_SERIAL),
    )


def is_placeholder(value: str) -> bool:
    """Whether a value only stands for the want of one: blanks, zeros, `N/A`, `To be filled by O.E.M.`"""
    return _PLACEHOLDER.fullmatch(value.strip()) is not None


def maker_of(sys_object_id: str) -> str | None:
    """Who owns the enterprise number of a sysObjectID, if our table knows; toolkits own nothing."""
    if not sys_object_id.startswith(_ENTERPRISES):
        return None
    number = sys_object_id[len(_ENTERPRISES) :].split(".", 1)[0]
    return None if number in _TOOLKITS else _makers().get(number)


def _category(stated: Mapping[str, str]) -> Category | None:
    if facts.SNMP_PRT_NAME in stated or facts.SNMP_PRT_SERIAL in stated:
        return Category.PRINTER
    if facts.SNMP_UPS_MODEL in stated or facts.SNMP_UPS_MANUFACTURER in stated:
        return Category.POWER
    return None


def _first(stated: Mapping[str, str], *names: str) -> str | None:
    for name in names:
        value = stated.get(name, "").strip()
        if value and not is_placeholder(value):
            return value
    return None


@functools.cache
def _makers() -> Mapping[str, str]:
    """Enterprise number -> short name, from enterprises.tsv beside this module."""
    table = files(__package__).joinpath("enterprises.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {row[0]: row[1] for row in rows}
