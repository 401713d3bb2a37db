"""Files that people keep (CSV lists of units, rooms, switch ports, links, assets) into declared values and rejects.

Pure: bytes in. Every line is taken or refused with its number and the reason; docs/guides/imports.md has the columns.
"""

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Generic, TypeVar

from riskdb.identify.keys import normal_maker, normal_serial
from riskdb.imports.table import ImportFileError, Line, LineNote, Table, read_table
from riskdb.model import facts
from riskdb.model.care import HORIZON_END_MIN
from riskdb.model.ids import AgentId, EstablishmentId, UnitId, UnitTypeId
from riskdb.model.observation import Observation, Protocol, observe
from riskdb.model.place import DeclaredLink, LinkKind, Room, SwitchPort, Unit

__all__ = [
    "ImportFileError",
    "Imported",
    "LineNote",
    "read_assets",
    "read_links",
    "read_ports",
    "read_rooms",
    "read_units",
]

BEDS_MAX = 5_000  # of one unit; the largest hospitals have as many in all
NEAREST_SHOWN = 3  # ids suggested for an unknown one

# Other names of the columns: what French and English exports call them. Case, accents and punctuation do not count.
UNIT_COLUMNS: Mapping[str, Sequence[str]] = {
    "unit_id": ("unit", "id", "code", "uf", "code uf", "unité", "code unité", "service", "code service"),
    "name": ("unit name", "label", "nom", "libellé", "désignation", "nom unité", "nom service"),
    "unit_type": ("type", "kind", "type unité", "type d'unité", "type de service"),
    "beds": ("bed count", "number of beds", "lits", "nombre de lits", "nb lits"),
}
ROOM_COLUMNS: Mapping[str, Sequence[str]] = {
    "room_id": ("room", "id", "code", "local", "pièce", "salle", "chambre", "code local", "n° local"),
    "name": ("room name", "label", "nom", "libellé", "désignation", "nom local"),
    "unit_id": ("unit", "uf", "code uf", "unité", "code unité", "service", "code service"),
}
PORT_COLUMNS: Mapping[str, Sequence[str]] = {
    "switch": ("switch name", "switch hostname", "commutateur", "nom commutateur", "équipement", "hostname"),
    "port": ("interface", "switch port", "ifname", "port commutateur", "n° port"),
    "room_id": ("room", "local", "pièce", "salle", "chambre", "code local", "n° local"),
    "unit_id": ROOM_COLUMNS["unit_id"],
}
LINK_COLUMNS: Mapping[str, Sequence[str]] = {
    "source": ("from", "de", "origine"),
    "kind": ("type", "relation", "lien", "nature"),
    "target": ("to", "vers", "cible", "destination"),
    "minutes": ("tolerance", "delay", "tolérance", "délai", "tolerance min", "délai min", "durée"),
    "group": ("redundancy group", "groupe", "groupe de redondance"),
    "declared_by": ("author", "by", "déclaré par", "auteur"),
}
ASSET_COLUMNS: Mapping[str, Sequence[str]] = {
    "asset_tag": (
        *("tag", "inventory number", "asset number", "n° inventaire", "n° d'inventaire", "numéro d'inventaire"),
        *("code inventaire", "no inventaire", "code équipement", "n° équipement"),
    ),
    "name": ("label", "asset name", "nom", "libellé", "désignation", "appellation"),
    "device_type": ("type", "equipment type", "type d'équipement", "type équipement", "type de dispositif", "famille"),
    "manufacturer": ("maker", "vendor", "brand", "fabricant", "marque", "constructeur"),
    "model": ("model name", "modèle", "référence", "type commercial"),
    "firmware": (
        *("software version", "firmware version", "version", "version logicielle", "version logiciel"),
        "micrologiciel",
    ),
    "serial": ("serial number", "serial no", "sn", "s/n", "n° de série", "numéro de série", "n° série", "no série"),
    "udi_di": ("udi", "udi-di", "iud", "iud-id", "gtin"),
    "mac": ("mac address", "adresse mac", "ethernet address", "adresse physique"),
    "address": ("ip", "ip address", "ipv4", "adresse ip", "adresse", "adresse réseau"),
    "hostname": ("host", "host name", "dns name", "fqdn", "nom d'hôte", "nom réseau", "nom dns"),
    "unit_id": ROOM_COLUMNS["unit_id"],
    "room_id": PORT_COLUMNS["room_id"],
    "status": ("state", "statut", "état", "situation"),
}
_STATUSES: Mapping[str, str] = {
    "in_service": "in service|in_service|active|in use|en service|actif|active|en fonction",
    "spare": "spare|stock|in stock|reserve|réserve|en réserve|en stock|secours",
    "retired": "retired|disposed|decommissioned|scrapped|réformé|reforme|retiré|au rebut|hors parc",
}
_KINDS: Mapping[LinkKind, str] = {
    LinkKind.NEEDS: "needs|need|depends on|nécessite|necessite|a besoin de|dépend de|depend de",
    LinkKind.MANAGES: "manages|manage|controls|gère|gere|administre|pilote",
    LinkKind.FEEDS: "feeds|feed|alimente|envoie à|envoie a",
}
_IDENTIFYING = ("asset_tag", "serial", "mac", "address", "hostname")
_ROUNDED = re.compile(r"\d[.,]\d+e\+?\d+", re.IGNORECASE)  # 1,23457E+11: a spreadsheet took a serial for a number

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported(Generic[T]):
    """What a file gave: the rows taken, the lines refused with the reason, and doubts about lines that were taken."""

    rows: tuple[T, ...]
    rejects: tuple[LineNote, ...]
    warnings: tuple[str, ...]
    encoding: str
    delimiter: str


def read_units(content: bytes, *, unit_types: Collection[str] | None = None) -> Imported[Unit]:
    """The units of a list; with `unit_types` of the pack, others are refused."""

    def unit(line: Line, _: list[str]) -> Unit:
        unit_type = _needed(line, "unit_type")
        _known(unit_type, unit_types, what="unit type")
        return Unit(
            id=UnitId(_needed(line, "unit_id")),
            name=line.cells.get("name", _needed(line, "unit_id")),
            unit_type=UnitTypeId(unit_type),
            beds=_count(line, "beds", most=BEDS_MAX),
        )

    table = read_table(content, columns=UNIT_COLUMNS, required=("unit_id", "unit_type"))
    return _collect(table, unit, once=lambda line: line.cells.get("unit_id"), what="unit")


def read_rooms(content: bytes, *, units: Collection[str] | None = None) -> Imported[Room]:
    """The rooms of a list; with the ids of the known `units`, rooms of others are refused."""

    def room(line: Line, _: list[str]) -> Room:
        unit = _needed(line, "unit_id")
        _known(unit, units, what="unit")
        number = _needed(line, "room_id")
        return Room(id=number, name=line.cells.get("name", number), unit=UnitId(unit))

    table = read_table(content, columns=ROOM_COLUMNS, required=("room_id", "unit_id"))
    return _collect(table, room, once=lambda line: line.cells.get("room_id"), what="room")


def read_ports(
    content: bytes, *, units: Collection[str] | None = None, rooms: Collection[str] | None = None
) -> Imported[SwitchPort]:
    """Which room or unit lies behind which switch port; with known `units` and `rooms`, others are refused."""

    def port(line: Line, _: list[str]) -> SwitchPort:
        room, unit = line.cells.get("room_id"), line.cells.get("unit_id")
        if room is None and unit is None:
            raise ValueError("neither room_id nor unit_id says where the port leads")
        if room is not None:
            _known(room, rooms, what="room")
        if unit is not None:
            _known(unit, units, what="unit")
        place = None if unit is None else UnitId(unit)
        return SwitchPort(switch=_needed(line, "switch"), port=_needed(line, "port"), room=room, unit=place)

    table = read_table(content, columns=PORT_COLUMNS, required=("switch", "port"))
    return _collect(
        table, port, once=lambda line: f"{line.cells.get('switch')} {line.cells.get('port')}", what="switch port"
    )


def read_links(content: bytes, *, declared_by: str = "") -> Imported[DeclaredLink]:
    """What needs, manages or feeds what; lines without an author are `declared_by` who imports them."""

    def link(line: Line, _: list[str]) -> DeclaredLink:
        source, target = _needed(line, "source"), _needed(line, "target")
        if source.casefold() == target.casefold():
            raise ValueError(f"{source!r} stands at both ends")
        return DeclaredLink(
            source=source,
            kind=_kind(_needed(line, "kind")),
            target=target,
            minutes=_count(line, "minutes", most=HORIZON_END_MIN),
            group=line.cells.get("group"),
            declared_by=line.cells.get("declared_by", declared_by),
        )

    def ends(line: Line) -> str:
        return " ".join(line.cells.get(column, "") for column in ("source", "kind", "target"))

    table = read_table(content, columns=LINK_COLUMNS, required=("source", "kind", "target"))
    return _collect(table, link, once=ends, what="link")


def read_assets(
    content: bytes,
    *,
    source: str,
    establishment: EstablishmentId,
    seen_at: datetime,
    pack_types: Collection[str] | None = None,
    units: Collection[str] | None = None,
    rooms: Collection[str] | None = None,
) -> Imported[Observation]:
    """Each line of an asset list as an observation by `import:<source>`, made when the list was imported.

    `pack_types` are the device types of the knowledge pack: a line with another one is refused, since its care would be
    guessed. Units and rooms nobody declared, and serials, tags, MACs or addresses given twice, are doubts: taken and
    noted.
    """

    def asset(line: Line, doubts: list[str]) -> Observation:
        stated = _asset_facts(line, doubts)
        _known(line.cells.get("device_type"), pack_types, what="device type")
        for column, known in (("unit_id", units), ("room_id", rooms)):
            value = line.cells.get(column)
            if known is not None and value is not None and value not in known:
                doubts.append(f"{column} {value!r} is not among those imported")
        stated[facts.IMPORT_SOURCE] = f"{source}, line {line.number}"
        return observe(
            establishment=establishment,
            agent=AgentId(f"import:{source}"),
            seen_at=seen_at,
            address=_address(line.cells.get("address")),
            mac=_mac(line.cells.get("mac")),
            protocol=Protocol.IMPORT,
            facts=stated,
        )

    table = read_table(content, columns=ASSET_COLUMNS)
    return _collect(table, asset, doubts_between=_said_twice)


def _collect(
    table: Table,
    convert: Callable[[Line, list[str]], T],
    *,
    once: Callable[[Line], str | None] | None = None,
    what: str = "line",
    doubts_between: Callable[[Iterable[Line]], list[LineNote]] | None = None,
) -> Imported[T]:
    """Convert line by line. `once` names a line: the second of one name is refused, or left out if it says the same.

    `doubts_between` looks at all lines taken, for what no single line shows.
    """
    rows: list[T] = []
    rejects, warnings = list(table.rejects), list(table.warnings)
    first: dict[str, tuple[int, T]] = {}
    taken: list[Line] = []
    for line in table.lines:
        doubts: list[str] = []
        try:
            row = convert(line, doubts)
        except ValueError as error:
            rejects.append(LineNote(line=line.number, reason=str(error)))
            continue
        name = once(line) if once else None
        held = first.setdefault(name.casefold(), (line.number, row)) if name else (line.number, row)
        if held[0] == line.number:
            rows.append(row)
            taken.append(line)
            warnings += [LineNote(line=line.number, reason=doubt) for doubt in doubts]
        elif held[1] == row:
            warnings.append(LineNote(line=line.number, reason=f"the same as line {held[0]}; left out"))
        else:
            reason = f"{what} {name!r} is on line {held[0]} already, with other values"
            rejects.append(LineNote(line=line.number, reason=reason))
    warnings += doubts_between(taken) if doubts_between else []
    return Imported(
        rows=tuple(rows),
        rejects=tuple(sorted(rejects, key=lambda note: note.line)),
        warnings=tuple(f"line {note.line}: {note.reason}" for note in sorted(warnings, key=lambda note: note.line)),
        encoding=table.encoding,
        delimiter=table.delimiter,
    )


def _needed(line: Line, column: str) -> str:
    value = line.cells.get(column)
    if value is None:
        raise ValueError(f"{column} is empty")
    return value


def _known(value: str | None, known: Collection[str] | None, *, what: str) -> None:
    """Refuse an id that nobody knows, and name those that look like it."""
    if value is None or known is None or value in known:
        return
    nearest = difflib.get_close_matches(value.casefold(), sorted(known), n=NEAREST_SHOWN, cutoff=0.5)
    hint = f"; did you mean {', '.join(nearest)}?" if nearest else ""
    raise ValueError(f"{what} {value!r} is not known{hint}")


def _count(line: Line, column: str, *, most: int) -> int:
    text = line.cells.get(column, "0")
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) > most:
        raise ValueError(f"{column} {text!r} is not a whole number from 0 to {most}")
    return int(text)


def _kind(text: str) -> LinkKind:
    for kind, words in _KINDS.items():
        if text.casefold() in words.split("|"):
            return kind
    raise ValueError(f"kind {text!r} is none of {', '.join(kind.value for kind in LinkKind)}")


def _asset_facts(line: Line, doubts: list[str]) -> dict[str, str]:
    """What the line states, without its doubtful cells; ValueError when nothing in it names a device."""
    cells = dict(line.cells)
    serial = cells.get("serial", "")
    if _ROUNDED.fullmatch(serial):
        doubts.append(f"serial {serial!r} was rounded by a spreadsheet and left out: format the column as text")
        del cells["serial"]
    elif serial and not normal_serial(serial):
        doubts.append(f"serial {serial!r} is too short or a placeholder: it does not help to recognise the device")
    if not any(column in cells for column in _IDENTIFYING):
        raise ValueError(f"names no device: one of {', '.join(_IDENTIFYING)} is needed")
    if "status" in cells:
        status = next(
            (name for name, words in _STATUSES.items() if cells["status"].casefold() in words.split("|")), None
        )
        if status is None:
            doubts.append(f"status {cells['status']!r} is none of {', '.join(_STATUSES)}; left out")
            del cells["status"]
        else:
            cells["status"] = status
    names = {"unit_id": facts.IMPORT_UNIT, "room_id": facts.IMPORT_ROOM}
    placed = {"address", "mac"}
    return {names.get(column, f"import.{column}"): value for column, value in cells.items() if column not in placed}


def _mac(text: str | None) -> str | None:
    if text is None:
        return None
    digits = re.sub(r"[:.\-\s]", "", text).lower()
    if not re.fullmatch(r"[0-9a-f]{12}", digits):
        raise ValueError(f"mac {text!r} is not six octets in hexadecimal")
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2))


def _address(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise ValueError(f"address {text!r} is neither an IPv4 nor an IPv6 address") from error


def _said_twice(lines: Iterable[Line]) -> list[LineNote]:
    """Doubts about lines that give again what names a device on an earlier line; identity resolution judges them."""
    first: dict[tuple[str, str], int] = {}
    notes = []
    for line in lines:
        cells = line.cells
        named = {
            "serial": f"{normal_maker(cells.get('manufacturer', ''))}/{normal_serial(cells['serial'])}"
            if normal_serial(cells.get("serial", ""))
            else None,
            "asset_tag": cells.get("asset_tag"),
            "mac": _mac(cells.get("mac")),
            "address": cells.get("address"),
        }
        for column, value in named.items():
            earlier = first.setdefault((column, value.casefold()), line.number) if value else line.number
            if earlier != line.number:
                notes.append(LineNote(line=line.number, reason=f"{column} {cells[column]!r} is on line {earlier} too"))
    return notes
