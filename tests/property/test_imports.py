"""Whatever bytes come: a list, or one clear refusal; and no line gets lost on the way."""

import csv
import io
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from riskdb.imports import ImportFileError, read_assets, read_links, read_ports, read_rooms, read_units
from riskdb.model.facts import is_fact_name
from riskdb.model.ids import EstablishmentId
from riskdb.model.observation import FACT_VALUE_CHARS_MAX

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
CELLS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12) | st.sampled_from(
    ["", "T1", '"', 'a"b', "10.0.0.5", "00:1a:64:00:00:01", "=1+1", "\n", ";", "\x07", "N/A", "lvp_pump"]
)
HEADERS = st.sampled_from(
    [b"asset_tag,serial,mac,address,name\n", b"asset_tag;serial;mac;address;name\n", b"unit_id,unit_type,beds\n", b""]
)


def assets(content: bytes):
    return read_assets(content, source="a.csv", establishment=EstablishmentId(1), seen_at=MONDAY)


@given(header=HEADERS, body=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_with_a_reason(header: bytes, body: bytes) -> None:
    for read in (read_units, read_rooms, read_ports, read_links, assets):
        try:
            result = read(header + body)
        except ImportFileError:
            continue
        assert all(reject.line >= 1 and reject.reason for reject in result.rejects)


@given(rows=st.lists(st.lists(CELLS, min_size=5, max_size=5), max_size=12))
def test_every_written_line_is_taken_refused_or_empty(rows: list[list[str]]) -> None:
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["asset_tag", "serial", "mac", "address", "name"])
    writer.writerows(rows)
    read = assets(written.getvalue().encode())
    said = [row for row in rows if any(cell.strip() for cell in row)]
    assert len(read.rows) + len(read.rejects) == len(said)
    for row in read.rows:
        assert all(is_fact_name(name) and len(text) <= FACT_VALUE_CHARS_MAX for name, text in row.facts.items())
