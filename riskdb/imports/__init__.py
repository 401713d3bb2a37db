"""Files that people keep (lists of assets, units, rooms, ports, links) into declared values and rejects. Pure.

`table` finds encoding, delimiter and columns; `lists` reads the lines, each accepted or refused with its reason.
"""

from riskdb.imports.lists import Imported, read_assets, read_links, read_ports, read_rooms, read_units
from riskdb.imports.table import ImportFileError

__all__ = [
    "ImportFileError",
    "Imported",
    "read_assets",
    "read_links",
    "read_ports",
    "read_rooms",
    "read_units",
]
