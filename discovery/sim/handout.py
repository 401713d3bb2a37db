"""What the hospital's people hand over: their lists as CSV files, and the policy part of a plan.

Pure. The document writes addresses as x.a.b; here they become those of the run. The truth stays behind: nothing of it
is in these bytes.
"""

import csv
import io
import json
import re
from collections.abc import Sequence
from typing import Any

from discovery.sim.generate import ASSETS, PUMP_SERVER
from discovery.sim.hospital import Hospital, Row
from discovery.sim.mib import joined

_COLUMNS = {
    "units.csv": ("unit_id", "name", "unit_type", "beds"),
    "rooms.csv": ("room_id", "name", "unit_id"),
    "ports.csv": ("switch", "port", "room_id", "unit_id"),
    "links.csv": ("source", "kind", "target", "minutes", "group", "declared_by"),
}
_PREFIX = re.compile(r"127\.([0-9]{1,3})\.0\.0/16")


def papers_csv(hospital: Hospital, prefix: str) -> dict[str, bytes]:
    """File name -> content, for a hospital that runs in `prefix` (127.x.0.0/16).

    In the order in which they should be imported: places first, links last. Names that begin with `assets` are lists.
    """
    papers, number = hospital.papers, prefix_number(prefix)
    return {
        "units.csv": _csv(papers.units, _COLUMNS["units.csv"]),
        "rooms.csv": _csv(papers.rooms, _COLUMNS["rooms.csv"]),
        "ports.csv": _csv(papers.ports, _COLUMNS["ports.csv"]),
        ASSETS: _csv([_addressed(row, number) for row in papers.assets]),
        PUMP_SERVER: _csv([_addressed(row, number) for row in papers.pump_server]),
        "links.csv": _csv(papers.links, _COLUMNS["links.csv"]),
    }


def policy_plan(hospital: Hospital, prefix: str, establishment: int, *, snmp_port: int | None = None) -> dict[str, Any]:
    """The policy part of a plan (format wardgraph/plan/1, without `classes` and `known`) for a run in `prefix`."""
    number = prefix_number(prefix)

    text = json.dumps(hospital.papers.policy)
    rules: dict[str, Any] = json.loads(re.sub(r'"x\.([0-9./]+)"', rf'"127.{number}.\1"', text))
    rules["snmp_port"] = snmp_port or rules["snmp_port"]
    return {"format": "wardgraph/plan/1", "establishment": establishment, **rules}


def prefix_number(prefix: str) -> int:
    """The x of 127.x.0.0/16; ValueError for any other range."""
    found = _PREFIX.fullmatch(prefix)
    if found is None:
        raise ValueError(f"placing a practice hospital: {prefix!r} is not of the form 127.x.0.0/16")
    return int(found[1])


def _addressed(row: Row, number: int) -> Row:
    return row | {"address": joined(row["address"], prefix=number)} if row.get("address") else row


def _csv(rows: Sequence[Row], columns: Sequence[str] | None = None) -> bytes:
    written = io.StringIO()
    names = columns if columns is not None else list(rows[0]) if rows else []
    writer = csv.DictWriter(written, fieldnames=names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue().encode()
