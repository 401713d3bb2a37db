"""What agents and lists say wrongly: row by row, and never so that a hospital cannot be settled any more."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from riskdb.knowledge import load_pack
from riskdb.model.ids import EstablishmentId
from riskdb.store import observations
from riskdb.store.pool import scope
from riskdb.store.statements import Pool
from service import embedded
from service.imports import File, ImportKind, import_file
from tests.acceptance.serving import Serving, serving

NOW = datetime.now(UTC) - timedelta(minutes=1)
PRINTER = {"seen_at": NOW.isoformat(), "address": "127.9.1.1", "mac": None, "protocol": "snmp", "facts": {}}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    state = tmp_path_factory.mktemp("border")
    with serving(state) as started:
        yield started
    embedded.remove(state)


def batch(*rows: Any, **more: Any) -> dict[str, Any]:
    return {"format": "wardgraph/observations/1", "id": uuid4().hex, "observations": list(rows), **more}


@pytest.mark.parametrize(
    "moment",
    [
        "0001-01-01T00:00:00+14:00",  # lies before all time in UTC
        "0001-01-01T00:00:00+00:00",
        "1970-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
        pytest.param((NOW + timedelta(hours=1)).isoformat(), id="an hour ahead"),
        pytest.param(NOW.replace(tzinfo=None).isoformat(), id="without a time zone"),
        "yesterday",
        None,
        0,
    ],
)
def test_a_clock_that_is_wrong_costs_its_row_alone(service: Serving, moment: object) -> None:
    told = service.hand_over(batch({**PRINTER, "seen_at": moment}, PRINTER))
    assert told.status == 200
    assert [row["row"] for row in told.json["rejected"]] == [0]
    assert "seen_at" in told.json["rejected"][0]["reason"] or "isoformat" in told.json["rejected"][0]["reason"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "127.9.1.300"},
        {"address": True},
        {"address": "127.9.1.1\n"},
        {"address": None},
        {"mac": "00:1a:2b:00:00:5５"},
        {"protocol": "telepathy"},
        {"facts": []},
        {"facts": {"snmp.sys_contact": "Dr Meier"}},
        {"facts": {"snmp.sys_name": 3}},
        {"facts": {"snmp.sys_name": "a\0b"}},
        {"facts": {"snmp.sys_descr": "x" * 5_000}},
        {"facts": {f"snmp.oid.1.3.{n}": "x" for n in range(600)}},
        {"patient": "Meier"},
    ],
    ids=str,
)
def test_a_bad_row_costs_its_neighbours_nothing(service: Serving, wrong: dict[str, Any]) -> None:
    told = service.hand_over(batch(PRINTER, {**PRINTER, **wrong}))
    assert told.status == 200
    assert [row["row"] for row in told.json["rejected"]] == [1]
    assert told.json["accepted"] + told.json["duplicates"] == 1


@pytest.mark.parametrize("identifier", ["\0" * 8, "short", "x" * 65, "line\nbreak", 12345678, None])
def test_a_batch_without_a_proper_id_is_refused_whole(service: Serving, identifier: object) -> None:
    kept = service.observations()
    told = service.hand_over({**batch(PRINTER), "id": identifier})
    assert (told.status, told.json["type"]) == (422, "/problems/invalid-body")
    assert service.observations() == kept


def test_a_batch_with_a_key_that_nobody_knows_is_refused_whole(service: Serving) -> None:
    told = service.hand_over(batch(PRINTER, observation=[]))
    assert told.status == 422
    assert "unknown key 'observation'" in told.json["detail"]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "2026-01-01"])
@pytest.mark.parametrize("path", ["/v1/assets?appeared_since=", "/v1/assets/nothing?as_of="])
def test_a_moment_that_cannot_be_is_a_wrong_parameter(service: Serving, path: str, moment: str) -> None:
    told = service.ask("GET", path + moment)
    assert (told.status, told.json["type"]) == (400, "/problems/invalid-parameters")


def test_after_all_that_the_hospital_can_still_be_settled(service: Serving) -> None:
    odd = ["\u202e\x07\x1b[31m", "☃" * 1_000, "fe80::1%eth0", "{}", "-1", "0" * 4_000, ""]
    rows = [{**PRINTER, "address": f"127.9.2.{n}", "facts": {"snmp.sys_name": text}} for n, text in enumerate(odd)]
    rows += [{**PRINTER, "address": "fe80::1%eth0"}, {**PRINTER, "address": "::ffff:127.9.1.1"}]
    assert service.hand_over(batch(*rows)).json["rejected"] == []
    job = service.job()
    assert job["state"] == "done", job["failure"]


async def test_a_list_that_reads_differently_than_before_is_taken_again(pool: Pool, hospital: EstablishmentId) -> None:
    whole = load_pack()
    young = replace(whole, device_types={k: t for k, t in whole.device_types.items() if k != "icu_ventilator"})
    file = File(
        kind=ImportKind.ASSETS,
        name="cmms.csv",
        content=b"asset_tag,device_type\nT1,syringe_pump\nT2,icu_ventilator\n",
        brought_by="Lena",
        brought_at=NOW,
    )

    async def brought(pack: Any, minutes: int) -> tuple[int, int]:
        report = await import_file(
            pool, hospital, replace(file, brought_at=NOW + timedelta(minutes=minutes)), pack=pack
        )
        async with scope(pool, hospital) as connection:
            return report.accepted, await observations.count(connection, hospital)

    assert await brought(young, 0) == (1, 1)
    assert await brought(young, 1) == (1, 1)
    accepted, kept = await brought(whole, 2)
    assert accepted == 2
    assert kept >= 2
    assert await brought(whole, 3) == (2, kept)


def test_two_people_may_bring_the_same_list_at_once(service: Serving, tmp_path: Path) -> None:
    content = b"asset_tag,serial\n" + b"".join(b"T%d,SN%06d\n" % (n, n) for n in range(3_000))
    before = service.observations()

    async def both() -> list[Any]:
        ask = [asyncio.to_thread(service.ask, "POST", "/v1/imports/assets", content) for _ in range(2)]
        return await asyncio.gather(*ask)

    assert [told.json["accepted"] for told in asyncio.run(both())] == [3_000, 3_000]
    assert service.observations() == before + 3_000
