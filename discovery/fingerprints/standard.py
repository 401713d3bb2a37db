"""Part of station 3: what the standard MIBs say of a device before any card looks at it.

Pure. ENTITY-MIB names maker, model, firmware and serial of the chassis, Printer-MIB and UPS-MIB are spoken by printers
and power supplies alone, and the enterprise number of sysObjectID (RFC 2578 section 4) names who wrote the agent.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from discovery.fingerprints.pattern import TEXT_CHARS_MAX
from riskdb.model import facts
from riskdb.model.claim import Category

_ENTERPRISES = "1.3.6.1.4.1."
_PLACEHOLDER = re.compile(
    r"\W*|0+|x+|n/?a|none|null|nil|unknown|undefined|unspecified|not (available|specified|set|applicable|supported)"
    r"|default( string)?|to be filled by o\.?e\.?m\.?|system (serial|product|manufacturer)( number| name)?"
    r"|string|model|serial",
    re.IGNORECASE,
)


# sysDescr "should include the full name and version identification" (RFC 3418): the habits that makers share.
# A description that is one word of letters and digits is a product code.
_PRODUCT_CODE = re.compile(r"^((?=[A-Za-z0-9/+-]{0,20}[0-9])[A-Z]{1,12}[A-Za-z0-9/+-]{2,30})$")
_NUMBER = r"v?([0-9]{1,4}\.[0-9][0-9A-Za-z._()-]{0,30})"
_VERSION = re.compile(
    r"(?:^|[ ,;(])(?<!hardware )(?<!hw )(?<!bootrom )(?:version|ver|rev)[.: =]{0,3}"
    + _NUMBER
    + r"|(?:^|[ ,;(])(?:software|sw|firmware|fw)[.: =]{1,3}(?:(?:version|ver|rev)[.: =]{0,3})?"
    + _NUMBER,
    re.IGNORECASE,
)
_SERIAL = re.compile(
    r"(?:^|[ ,;(])(?:s/n|sn|serial(?: number| no\.?| #)?)[.: =#]{1,3}([A-Z0-9][A-Z0-9-]{5,24})(?:$|[ ,;)])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardReading:
    """Fields that standard MIBs state; None where they do not."""

    category: Category | None = None
    manufacturer: str | None = None
    maker: "Maker | None" = None  # the holder of the enterprise number: weaker than what the device itself states
    model: str | None = None
    printer: str | None = None  # the printer it drives: its model only if it is one
    firmware: str | None = None
    serial: str | None = None


def read_standard(stated: Mapping[str, str]) -> StandardReading:
    """What the standard MIBs among these facts say."""
    described = stated.get(facts.SNMP_SYS_DESCR, stated.get(facts.LLDP_SYS_DESCR, "")).strip()[:TEXT_CHARS_MAX]
    maker = maker_of(stated.get(facts.SNMP_SYS_OBJECT_ID, ""))
    return StandardReading(
        category=_category(stated),
        manufacturer=_first(stated, facts.SNMP_ENT_MANUFACTURER, facts.SNMP_UPS_MANUFACTURER),
        maker=maker,
        model=_first(stated, facts.SNMP_ENT_MODEL, facts.SNMP_UPS_MODEL)
        or _search(_PRODUCT_CODE, described, when=maker is not None and maker.name is not None),
        printer=_first(stated, facts.SNMP_HR_PRINTER),
        firmware=_first(
            stated,
            facts.SNMP_ENT_SOFTWARE,
            facts.SNMP_ENT_FIRMWARE,
            facts.SNMP_UPS_FIRMWARE,
            facts.SNMP_PROBE_SOFTWARE,
        )
        or _search(_VERSION, described),
        serial=_first(stated, facts.SNMP_ENT_SERIAL, facts.SNMP_PRT_SERIAL) or _search(_SERIAL, described),
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
    if facts.SNMP_BRIDGE_PORTS in stated and facts.SNMP_SYS_DESCR not in stated:
        return Category.NETWORK  # nothing but a bridge: one VLAN's context of a switch
    return None


def _first(stated: Mapping[str, str], *names: str) -> str | None:
    for name in names:
        value = stated.get(name, "").strip()
        if value and not is_placeholder(value):
            return value
    return None


def _search(pattern: re.Pattern[str], described: str, *, when: bool = True) -> str | None:
    """The first group of a pattern somewhere in a description."""
    found = pattern.search(described) if when else None
    value = None if found is None else next((group for group in found.groups() if group), "").rstrip(".,")
    return value if value and not is_placeholder(value) else None


@functools.cache
def _makers() -> Mapping[str, Maker]:
    """Enterprise number -> holder, from enterprises.tsv beside this module."""
    table = files(__package__).joinpath("enterprises.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {
        number: Maker(name=None if name == "-" else name, makes=None if makes == "-" else Category(makes))
        for number, name, makes in rows
    }
