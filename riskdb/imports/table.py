"""The bytes of a list that people keep, into lines of named cells. It knows CSV and its dialects, not what cells mean.

Pure. A line that cannot be read costs its neighbours nothing; a file that is no list at all is refused whole.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

FILE_LINES_MAX = 200_000  # ten times the asset list of the largest hospital; protects memory
COLUMNS_MAX = 200  # the widest export of a CMMS seen has about 120
CELL_CHARS_MAX = 1_024  # a longer cell is a lost quote or a remark; facts of an observation hold 4,096
RECORD_LINES_MAX = 50  # lines of one quoted cell; beyond it the quote was never closed
DELIMITERS = (",", ";", "\t")

_EXCEL_HINT = re.compile(r"sep=(.)\s*", re.IGNORECASE)
_QUOTE_LOST = "a quote is opened and not closed, or text follows a closing quote"


class ImportFileError(ValueError):
    """The file as a whole is no list of this kind; nothing of it was taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineNote:
    """What was wrong or odd with a line. Lines count from 1, the header included, as a text editor shows them."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the list: its non-empty cells by column."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A list as read: its good lines, its bad ones, and how it was written."""

    lines: tuple[Line, ...]
    rejects: tuple[LineNote, ...]
    warnings: tuple[LineNote, ...]
    encoding: str
    delimiter: str


def read_table(content: bytes, *, columns: Mapping[str, Sequence[str]], required: Sequence[str] = ()) -> Table:
    """The lines below the header; `columns` gives each column's other names. ImportFileError if there is no header."""
    text, encoding = _decode(content)
    physical = list(io.StringIO(text, newline=""))
    if len(physical) > FILE_LINES_MAX:
        raise ImportFileError(f"the file has {len(physical)} lines; {FILE_LINES_MAX} are the most: split it")
    start = next((i for i, line in enumerate(physical) if line.strip() and not _EXCEL_HINT.fullmatch(line)), None)
    if start is None:
        raise ImportFileError("the file is empty")
    known = {_plain(alias): name for name, aliases in columns.items() for alias in (name, *aliases)}
    delimiter, header, used = _header(physical, start, known)
    places = _places(header, known, required=required)
    warnings = [
        LineNote(line=start + 1, reason=f"column {title.strip()[:80]!r} is not known and was left out")
        for place, title in enumerate(header)
        if title.strip() and place not in places
    ]
    lines: list[Line] = []
    rejects: list[LineNote] = []
    for number, row in _records(physical, start + used, delimiter):
        found = _QUOTE_LOST if row is None else _cells(row, places, width=len(header))
        if isinstance(found, str):
            rejects.append(LineNote(line=number, reason=found))
        elif found:
            lines.append(Line(number=number, cells=found))
    if not lines and not rejects:
        warnings.append(LineNote(line=start + 1, reason="there is no line below the header"))
    return Table(
        lines=tuple(lines), rejects=tuple(rejects), warnings=tuple(warnings), encoding=encoding, delimiter=delimiter
    )


def _decode(content: bytes) -> tuple[str, str]:
    """The text and its encoding: UTF-8, UTF-16 with its mark, else what Windows programs write in western Europe."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16"), "utf-16"
        except UnicodeDecodeError as error:
            raise ImportFileError(f"the file says it is UTF-16 and is not: {error.reason}") from error
    if b"\x00" in content:
        raise ImportFileError("the file holds NUL bytes: save it as CSV in UTF-8, not as a workbook or UTF-16")
    try:
        return content.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252"), "cp1252"
    except UnicodeDecodeError as error:
        raise ImportFileError("the file is neither UTF-8 nor Windows-1252: save it as CSV in UTF-8") from error


def _header(physical: Sequence[str], start: int, known: Mapping[str, str]) -> tuple[str, list[str], int]:
    """The delimiter under which most column names are known, the header, and how many lines it takes."""
    best: tuple[int, int, str, list[str], int] | None = None
    for delimiter in DELIMITERS:
        row, used = _record(physical, start, delimiter)
        if row is None:
            continue
        score = (sum(_plain(title) in known for title in row), len(row))
        if best is None or score > best[:2]:
            best = (*score, delimiter, row, used)
    if best is None:
        raise ImportFileError(f"line {start + 1}, the header, cannot be read: {_QUOTE_LOST}")
    _, width, delimiter, row, used = best
    if width > COLUMNS_MAX:
        raise ImportFileError(f"the header has {width} columns; {COLUMNS_MAX} are the most")
    return delimiter, row, used


def _places(header: Sequence[str], known: Mapping[str, str], *, required: Sequence[str]) -> dict[int, str]:
    places: dict[int, str] = {}
    for place, title in enumerate(header):
        name = known.get(_plain(title))
        if name is None:
            continue
        if name in places.values():
            twin = next(header[other] for other, taken in places.items() if taken == name)
            raise ImportFileError(f"columns {twin.strip()!r} and {title.strip()!r} both mean {name}")
        places[place] = name
    if not places:
        wanted = ", ".join(dict.fromkeys(known.values()))
        raise ImportFileError(f"the first line names none of the columns {wanted}: is the header missing?")
    missing = [name for name in required if name not in places.values()]
    if missing:
        raise ImportFileError(f"the header has no column {', '.join(missing)}")
    return places


def _plain(title: str) -> str:
    folded = unicodedata.normalize("NFKD", title.casefold().replace("\N{DEGREE SIGN}", "o"))
    return re.sub(r"[^a-z0-9]+", "", "".join(c for c in folded if not unicodedata.combining(c)))


def _records(physical: Sequence[str], start: int, delimiter: str) -> Iterator[tuple[int, list[str] | None]]:
    """Each record with the number of its first line; None where it cannot be read, and reading goes on a line later."""
    at = start
    while at < len(physical):
        row, used = _record(physical, at, delimiter)
        yield at + 1, row
        at += used


def _record(physical: Sequence[str], at: int, delimiter: str) -> tuple[list[str] | None, int]:
    reader = csv.reader(physical[at : at + RECORD_LINES_MAX], delimiter=delimiter, strict=True)
    try:
        row = next(reader)
    except csv.Error:
        return None, 1
    return row, reader.line_num


def _cells(row: Sequence[str], places: Mapping[int, str], *, width: int) -> dict[str, str] | str:
    """The non-empty cells by column, or why the line cannot be taken."""
    if any(cell.strip() for cell in row[width:]):
        return f"the line has {len(row)} cells, the header {width}: is a delimiter not quoted?"
    cells: dict[str, str] = {}
    for place, name in places.items():
        cell = " ".join(row[place].split()) if place < len(row) else ""
        if len(cell) > CELL_CHARS_MAX:
            return f"column {name} holds {len(cell)} characters; {CELL_CHARS_MAX} are the most"
        control = next((c for c in cell if unicodedata.category(c) in {"Cc", "Cs"}), None)
        if control is not None:
            return f"column {name} holds the control character U+{ord(control):04X}"
        if cell:
            cells[name] = cell
    return cells
