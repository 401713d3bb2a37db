"""Drills: the service and its database are killed in the middle of work; nothing acknowledged is lost or doubled."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from service import embedded
from tests.acceptance.serving import Serving, Told, kill_database, serving

ROWS = 200  # of a batch
MORNING = datetime.now(UTC) - timedelta(hours=1)
LIST = (
    "asset_tag,name,device_type,serial,mac\n"
    "T1,Directory,directory,SN10001,00:1a:2b:00:00:01\n"
    "T2,EHR,ehr,SN10002,00:1a:2b:00:00:02\n"
    + "".join(f"P{n},Pump {n},syringe_pump,SN2{n:04},00:1a:2b:00:01:{n:02x}\n" for n in range(40))
)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("drill")
    yield place
    embedded.remove(place)


def batch(number: int) -> dict[str, Any]:
    rows = [
        {
            "seen_at": (MORNING + timedelta(seconds=number)).isoformat(),
            "address": f"127.9.{number}.{row}",
            "mac": None,
            "protocol": "snmp",
            "facts": {"snmp.sys_name": f"printer-{number}-{row}", "snmp.sys_descr": "Laser printer 4"},
        }
        for row in range(ROWS)
    ]
    return {"format": "wardgraph/observations/1", "id": f"drill-{number:04}", "observations": rows}


def test_a_service_killed_while_it_takes_batches_loses_and_doubles_nothing(state: Path) -> None:
    receipts: dict[int, Told] = {}
    enough = threading.Event()

    def send(service: Serving) -> None:
        for number in range(250):
            try:
                receipts[number] = service.hand_over(batch(number))
            except (OSError, HTTPException):
                return
            if len(receipts) == 5:
                enough.set()

    with serving(state) as service:
        before = service.observations()
        sender = threading.Thread(target=send, args=(service,))
        sender.start()
        assert enough.wait(timeout=60)
        service.kill()
        sender.join()
    assert all(receipt.status == 200 and receipt.json["accepted"] == ROWS for receipt in receipts.values())
    last = max(receipts) + 1  # sent, and never answered
    with serving(state) as service:
        again = {number: service.hand_over(batch(number)).json for number in range(last + 1)}
        kept = service.observations()
    assert all(again[number] == {**receipts[number].json, "already_seen": True} for number in receipts)
    assert again[last]["accepted"] == ROWS
    assert kept - before == (last + 1) * ROWS


def test_a_service_killed_while_it_settles_keeps_the_ranking_before(state: Path) -> None:
    with serving(state) as service:
        assert service.ask("POST", "/v1/imports/assets", LIST.encode()).json["accepted"] == 42
        assert service.job()["state"] == "done"
        ranking, assets = service.ask("GET", "/v1/ranking").json, service.ask("GET", "/v1/assets?limit=1000").json
        assert ranking["items"]
        for number in range(200, 206):
            service.hand_over(batch(number))
        job = service.ask("POST", "/v1/jobs", {"kind": "reidentify"}).json["id"]
        while service.ask("GET", f"/v1/jobs/{job}").json["stage"] in (None, "load"):
            pass
        service.kill()
    with serving(state) as service:
        assert service.ask("GET", "/v1/ranking").json == ranking
        assert service.ask("GET", "/v1/assets?limit=1000").json == assets
        assert service.job()["state"] == "done"
        assert service.ask("GET", "/v1/ranking").json["run"]["run"] > ranking["run"]["run"]


def test_a_database_killed_under_the_service_is_said_and_comes_back_whole(state: Path) -> None:
    with serving(state) as service:
        kept = service.observations()
        kill_database(state)
        away = service.ask("GET", "/v1/assets")
        assert (away.status, away.json["type"]) == (503, "/problems/not-ready")
        assert service.hand_over(batch(240)).status == 503
        assert service.ask("GET", "/healthz").status == 200
    with serving(state) as service:
        assert service.observations() == kept
        assert service.hand_over(batch(240)).json["accepted"] == ROWS


def test_two_services_on_one_database_take_one_batch_once(state: Path) -> None:
    receipts: list[Any] = []
    with serving(state) as first, serving(state) as second:
        both = [
            threading.Thread(target=lambda service=service: receipts.append(service.hand_over(batch(241)).json))
            for service in (first, second)
        ]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        assert sorted(receipt["already_seen"] for receipt in receipts) == [False, True]
        assert {receipt["accepted"] for receipt in receipts} == {ROWS}
        assert first.observations() == second.observations()
        assert first.job()["state"] == "done"
        assert second.ask("GET", "/v1/ranking").json == first.ask("GET", "/v1/ranking").json
