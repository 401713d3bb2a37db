"""Lists as people really send them: their encodings, delimiters, slips - and a reason for every line not taken."""

from datetime import UTC, datetime

import pytest

from riskdb.imports import (
    ImportFileError,
    read_assets,
    read_links,
    read_ports,
    read_rooms,
    read_units,
)
from riskdb.model.ids import EstablishmentId
from riskdb.model.observation import Protocol
from riskdb.model.place import DeclaredLink, LinkKind, Room, SwitchPort, Unit

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
TYPES = frozenset({"lvp_pump", "syringe_pump", "patient_monitor", "ct_scanner"})


def assets(text: str | bytes, **known):
    content = text if isinstance(text, bytes) else text.encode()
    return read_assets(
        content, source="gmao.csv", establishment=EstablishmentId(1), seen_at=MONDAY, pack_types=TYPES, **known
    )


def stated(read) -> list[dict[str, str]]:
    return [
        {name.removeprefix("import."): v for name, v in row.facts.items() if name != "import.source"}
        for row in read.rows
    ]


def reasons(read) -> dict[int, str]:
    return {reject.line: reject.reason for reject in read.rejects}


# How the file is written


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_list_is_read_whatever_program_wrote_it(delimiter: str, encoding: str) -> None:
    text = (
        delimiter.join(["asset_tag", "name", "unit_id"]) + "\r\n" + delimiter.join(["T1", "Réa n° 1", "rea"]) + "\r\n"
    )
    read = assets(text.encode(encoding))
    assert stated(read) == [{"asset_tag": "T1", "name": "Réa n° 1", "unit": "rea"}]
    assert read.delimiter == delimiter
    assert read.encoding == encoding.removesuffix("-sig")


def test_the_columns_may_have_french_names() -> None:
    header = (
        "N° d'inventaire;Désignation;Type d'équipement;Marque;Modèle;Version logicielle;N° de série;"
        "Adresse MAC;Adresse IP;Nom d'hôte;Service;Local;État"
    )
    line = "T1;Pompe;lvp_pump;B. Braun;Space;1.2;AB12345;00-1A-64-00-00-01;10.0.0.5;pompe-1;rea;r1;En service"
    read = assets(f"{header}\n{line}\n")
    assert stated(read) == [
        {
            "asset_tag": "T1",
            "name": "Pompe",
            "device_type": "lvp_pump",
            "manufacturer": "B. Braun",
            "model": "Space",
            "firmware": "1.2",
            "serial": "AB12345",
            "hostname": "pompe-1",
            "unit": "rea",
            "room": "r1",
            "status": "in_service",
        }
    ]
    assert (read.rows[0].mac, read.rows[0].address) == ("00:1a:64:00:00:01", "10.0.0.5")
    assert not read.warnings


def test_a_line_becomes_an_observation_by_its_list() -> None:
    (row,) = assets("asset_tag\nT1\n").rows
    assert (row.protocol, row.agent, row.seen_at) == (Protocol.IMPORT, "import:gmao.csv", MONDAY)
    assert row.facts["import.source"] == "gmao.csv, line 2"


def test_a_first_line_for_excel_is_passed_over() -> None:
    assert len(assets("sep=;\nasset_tag;name\nT1;Pump\n").rows) == 1


def test_a_quoted_cell_may_hold_delimiters_quotes_and_line_ends() -> None:
    read = assets('asset_tag,name\nT1,"Pump, ""old""\nsecond floor"\nT2,b\n')
    assert [row["name"] for row in stated(read)] == ['Pump, "old" second floor', "b"]
    assert read.rows[1].facts["import.source"] == "gmao.csv, line 4"


def test_an_inch_mark_is_no_quote() -> None:
    assert stated(assets('asset_tag,name\nT1,12" screen\nT2,b\n'))[0]["name"] == '12" screen'


def test_a_quote_never_closed_costs_one_line() -> None:
    read = assets('asset_tag,name\nT1,a\nT2,"b\nT3,c\nT4,d\n')
    assert [row["asset_tag"] for row in stated(read)] == ["T1", "T3", "T4"]
    assert "quote" in reasons(read)[3]


def test_empty_lines_are_no_lines() -> None:
    read = assets("asset_tag,name\n\nT1,a\n,,\n  \n")
    assert (len(read.rows), read.rejects) == (1, ())


def test_a_formula_is_text() -> None:
    assert stated(assets("asset_tag,name\nT1,=1+1\n"))[0]["name"] == "=1+1"


def test_an_unknown_column_is_named_and_left_out() -> None:
    read = assets("asset_tag,remark\nT1,call Eva\n")
    assert read.warnings == ("line 1: column 'remark' is not known and was left out",)
    assert stated(read) == [{"asset_tag": "T1"}]


# Files that are no list


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"PK\x03\x04\x00\x00workbook", "NUL"),
        (b"T1,Pump,lvp_pump\nT2,Pump,lvp_pump\n", "header"),
        (b"asset_tag,Tag\nT1,T2\n", "both mean asset_tag"),
        (b"asset_tag\n\x81\x8d", "neither UTF-8 nor Windows-1252"),
        (b"\xff\xfea", "UTF-16"),
        (b"asset_tag," + b",".join(b"c%d" % n for n in range(300)), "301 columns"),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_the_reason(content: bytes, says: str) -> None:
    with pytest.raises(ImportFileError, match=says):
        assets(content)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ImportFileError, match="no column unit_type"):
        read_units(b"unit_id,name\nicu,ICU\n")


def test_a_header_alone_gives_nothing_and_says_so() -> None:
    read = assets("asset_tag,name\n")
    assert (read.rows, read.rejects) == ((), ())
    assert read.warnings == ("line 1: there is no line below the header",)


def test_more_lines_than_any_hospital_has_are_refused() -> None:
    with pytest.raises(ImportFileError, match="200000"):
        assets(b"asset_tag\n" + b"T\n" * 200_000)


# Lines that are not taken


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("T1,lvp_pmp,,,", "did you mean lvp_pump?"),
        ("T1,,not-a-mac,,", "mac 'not-a-mac' is not six octets"),
        ("T1,,,10.0.0.300,", "address '10.0.0.300' is neither"),
        (",lvp_pump,,,", "names no device"),
        ("T1,,,,AB\x07CD12", "control character U+0007"),
        (f"T1,,,,{'9' * 1_025}", "1025 characters"),
        ("T1,,,,AB1234,x", "6 cells, the header 5"),
    ],
)
def test_a_bad_line_costs_its_neighbours_nothing(line: str, says: str) -> None:
    read = assets(f"asset_tag,device_type,mac,address,serial\nT0,,,,\n{line}\nT9,,,,\n")
    assert [row["asset_tag"] for row in stated(read)] == ["T0", "T9"]
    assert says in reasons(read)[3]


def test_what_is_doubtful_is_taken_and_noted() -> None:
    read = assets(
        "asset_tag,manufacturer,serial,status,mac\n"
        "T1,Acme,AB1234,,001a.6400.0001\n"
        "T2,ACME,ab-1234,,\n"
        "T3,,N/A,,\n"
        'T4,,"1,23457E+11",,\n'
        "T5,,,lost,00:1A:64:00:00:01\n"
    )
    assert len(read.rows) == 5
    assert read.warnings == (
        "line 3: serial 'ab-1234' is on line 2 too",
        "line 4: serial 'N/A' is too short or a placeholder: it does not help to recognise the device",
        "line 5: serial '1,23457E+11' was rounded by a spreadsheet and left out: format the column as text",
        "line 6: status 'lost' is none of in_service, spare, retired; left out",
        "line 6: mac '00:1A:64:00:00:01' is on line 2 too",
    )
    assert "serial" not in stated(read)[3]


def test_a_place_that_nobody_declared_is_noted() -> None:
    read = assets("asset_tag,unit_id,room_id\nT1,icu,r1\nT2,icv,r1\n", units={"icu"}, rooms={"r1"})
    assert len(read.rows) == 2
    assert read.warnings == ("line 3: unit_id 'icv' is not among those imported",)


# Places and links


def test_units_rooms_ports_and_links() -> None:
    units = read_units(b"unit_id,name,unit_type,beds\nicu-a,ICU A,icu,12\n", unit_types={"icu"})
    assert units.rows == (Unit(id="icu-a", name="ICU A", unit_type="icu", beds=12),)
    rooms = read_rooms(b"room_id,name,unit_id\nr1,Room 1,icu-a\n", units={"icu-a"})
    assert rooms.rows == (Room(id="r1", name="Room 1", unit="icu-a"),)
    ports = read_ports(b"switch,port,room_id,unit_id\nsw-a,Gi1/0/1,r1,\n", units={"icu-a"}, rooms={"r1"})
    assert ports.rows == (SwitchPort(switch="sw-a", port="Gi1/0/1", room="r1", unit=None),)
    links = read_links("source;kind;target;minutes;group\npump;nécessite;server;30;g1\n".encode())
    assert links.rows == (
        DeclaredLink(source="pump", kind=LinkKind.NEEDS, target="server", minutes=30, group="g1", declared_by=""),
    )


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("icu-b,ICU B,icuu,4", "unit type 'icuu' is not known; did you mean icu?"),
        ("icu-b,ICU B,icu,many", "beds 'many' is not a whole number"),
        ("icu-b,ICU B,icu,-3", "beds '-3' is not a whole number"),
        (",ICU B,icu,3", "unit_id is empty"),
        ("ICU-A,Other,icu,3", "unit 'ICU-A' is on line 2 already, with other values"),
    ],
)
def test_a_bad_unit_is_refused(line: str, says: str) -> None:
    read = read_units(f"unit_id,name,unit_type,beds\nicu-a,ICU A,icu,12\n{line}\n".encode(), unit_types={"icu", "ward"})
    assert len(read.rows) == 1
    assert says in reasons(read)[3]


def test_a_line_said_twice_is_left_out_without_fuss() -> None:
    read = read_units(b"unit_id,unit_type\nicu-a,icu\nicu-a,icu\n")
    assert (len(read.rows), read.rejects) == (1, ())
    assert read.warnings == ("line 3: the same as line 2; left out",)


def test_a_room_or_port_of_an_unknown_unit_is_refused() -> None:
    rooms = read_rooms(b"room_id,unit_id\nr1,icu-b\n", units={"icu-a"})
    assert "unit 'icu-b' is not known; did you mean icu-a?" in reasons(rooms)[2]
    ports = read_ports(b"switch,port,room_id,unit_id\nsw,1,r9,\nsw,2,,\n", units={"icu-a"}, rooms={"r1"})
    assert "room 'r9' is not known" in reasons(ports)[2]
    assert "neither room_id nor unit_id" in reasons(ports)[3]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("a,likes,b,", "kind 'likes' is none of needs, manages, feeds"),
        ("a,needs,A,", "stands at both ends"),
        ("a,needs,b,43201", "whole number from 0 to 43200"),
        ("a,needs,,", "target is empty"),
    ],
)
def test_a_bad_link_is_refused(line: str, says: str) -> None:
    assert says in reasons(read_links(f"source,kind,target,minutes\n{line}\n".encode()))[2]
