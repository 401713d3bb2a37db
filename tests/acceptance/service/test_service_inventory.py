"""Agents hand over, people import and decide, and the inventory shows what came of it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from riskdb.model.policy import SafetyClass, parse_plan
from riskdb.store import policy
from riskdb.store.pool import scope
from riskdb.store.tokens import Role
from service.errors import Kind

UNITS = "unit_id,name,unit_type,beds\nicu-a,ICU A,icu,8\n"
POLICY = {
    "ranges": ["10.0.0.0/8"],
    "snmp_port": 1161,
    "credentials": [{"name": "lab", "version": "2c", "community": "s3cret-community"}],
    "sweepable": [{"target": "range", "value": "10.2.0.0/24", "decided_by": "C. Roussel", "reason": "servers"}],
}


def heard(**changes: Any) -> dict[str, Any]:
    """A switch that states its system description."""
    said = {
        "seen_at": "2026-11-20T08:00:00Z",
        "address": "10.2.0.9",
        "mac": None,
        "protocol": "snmp",
        "facts": {"snmp.sys_descr": "Cisco IOS Software, C2960 Software, Version 15.0(2)SE"},
    }
    return {**said, **changes}


async def test_the_same_batch_twice_counts_once(service: Any) -> None:
    identifier = uuid4().hex
    first = (await service[Role.AGENT].hand_over(heard(), identifier=identifier)).json
    again = (await service[Role.AGENT].hand_over(heard(), identifier=identifier)).json
    assert first == {"batch": identifier, "accepted": 1, "duplicates": 0, "rejected": [], "already_seen": False}
    assert again == {**first, "already_seen": True}
    sent_anew = (await service[Role.AGENT].hand_over(heard())).json
    assert (sent_anew["accepted"], sent_anew["duplicates"]) == (0, 1)
    assert await _observations(service) == 1


async def test_of_a_half_bad_batch_the_good_half_is_kept_and_each_bad_row_has_its_reason(service: Any) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    rows = [
        heard(),
        heard(facts={"patient.name": "Jeanne"}),
        heard(seen_at=tomorrow),
        heard(address="10.2.0.999"),
        heard(address=None),
        heard(mac="00-11-22"),
        heard(protocol="telepathy"),
        heard(protocol="import", facts={"import.device_type": "office_printer"}),
        {**heard(), "colour": "red"},
        "a row",
        heard(address="10.2.0.10"),
    ]
    reply = (await service[Role.AGENT].hand_over(*rows)).json
    assert reply["accepted"] == 2
    assert [reject["row"] for reject in reply["rejected"]] == list(range(1, 10))
    assert all(reject["reason"] for reject in reply["rejected"])
    assert await _observations(service) == 2


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"format": "wardgraph/observations/2", "id": "x" * 12, "observations": []},
        {"format": "wardgraph/observations/1", "id": "short", "observations": []},
        {"format": "wardgraph/observations/1", "id": "x" * 12, "observations": [{}] * 2_001},
    ],
)
async def test_a_parcel_that_is_no_batch_is_refused_whole(service: Any, document: Any) -> None:
    reply = await service[Role.AGENT].ask("POST", "/v1/observations", json=document)
    assert (reply.status, reply.json["type"]) == (422, Kind.INVALID_BODY.type)
    assert await _observations(service) == 0


async def test_an_agent_cannot_speak_for_another_hospital(service: Any) -> None:
    reply = (await service[Role.AGENT].hand_over({**heard(), "establishment": 99})).json
    assert reply["accepted"] == 0
    assert "establishment" in reply["rejected"][0]["reason"]


async def test_without_a_policy_an_agent_may_ask_nothing(service: Any) -> None:
    reply = await service[Role.AGENT].get("/v1/agent/plan")
    assert (reply.status, reply.json["type"]) == (404, Kind.NO_POLICY.type)


async def test_the_plan_joins_decisions_classes_and_what_lists_know(tiny: Any) -> None:
    assert (await tiny[Role.BIOMED].ask("PUT", "/v1/policy", json=POLICY)).status == 200
    plan = parse_plan((await tiny[Role.AGENT].get("/v1/agent/plan")).body)
    assert plan.establishment == tiny.hospital
    assert plan.snmp_port == 1161
    assert plan.credentials[0].community == "s3cret-community"
    assert {str(k): v for k, v in plan.classes.items()}["lvp_pump"] is SafetyClass.PASSIVE
    known = {device.address: device.device_type for device in plan.known}
    assert known["10.1.0.1"] == "lvp_pump"
    assert known["10.2.0.4"] == "core_switch"


async def test_lists_count_for_the_plan_before_anything_is_settled(service: Any) -> None:
    await service[Role.BIOMED].ask("PUT", "/v1/policy", json=POLICY)
    await service[Role.BIOMED].post_csv("/v1/imports/assets", "serial,address,device_type\nS1,10.1.0.1,lvp_pump\n")
    plan = parse_plan((await service[Role.AGENT].get("/v1/agent/plan")).body)
    assert [(k.address, k.device_type) for k in plan.known] == [("10.1.0.1", "lvp_pump")]


async def test_a_disputed_device_is_told_with_every_type_somebody_states(service: Any) -> None:
    await service[Role.BIOMED].ask("PUT", "/v1/policy", json=POLICY)
    for device_type in ("lvp_pump", "access_switch"):
        text = f"serial,manufacturer,address,device_type\nS1,Acme,10.1.0.1,{device_type}\n"
        await service[Role.BIOMED].post_csv(f"/v1/imports/assets?source={device_type}.csv", text)
    await service.run()
    plan = parse_plan((await service[Role.AGENT].get("/v1/agent/plan")).body)
    assert {k.device_type for k in plan.known if k.address == "10.1.0.1"} == {"lvp_pump", "access_switch"}


async def test_a_policy_never_shows_its_secrets_and_keeps_them_when_sent_back_without(service: Any) -> None:
    put = await service[Role.ADMIN].ask("PUT", "/v1/policy", json=POLICY)
    got = await service[Role.CISO].get("/v1/policy")
    assert b"s3cret" not in put.body + got.body
    assert put.headers["ETag"] == got.headers["ETag"]
    sent_back = {**got.json["policy"], "snmp_port": 2161}
    assert (await service[Role.ADMIN].ask("PUT", "/v1/policy", json=sent_back)).json["version"] == 2
    plan = parse_plan((await service[Role.AGENT].get("/v1/agent/plan")).body)
    assert (plan.snmp_port, plan.credentials[0].community) == (2161, "s3cret-community")
    async with scope(service.pool, service.hospital) as connection:
        stored = await policy.load(connection, service.hospital)
    assert stored is not None
    assert b"s3cret" not in stored.document


async def test_of_two_people_changing_the_policy_the_second_is_told(service: Any) -> None:
    seen = (await service[Role.ADMIN].ask("PUT", "/v1/policy", json=POLICY)).headers["ETag"]
    first = await service[Role.ADMIN].ask(
        "PUT", "/v1/policy", json={**POLICY, "snmp_port": 2161}, headers={"If-Match": seen}
    )
    second = await service[Role.BIOMED].ask("PUT", "/v1/policy", json=POLICY, headers={"If-Match": seen})
    assert first.status == 200
    assert (second.status, second.json["type"]) == (412, Kind.CHANGED_MEANWHILE.type)


async def test_of_two_policies_saved_at_once_the_second_is_refused(service: Any) -> None:
    waits_for_us = "SELECT EXISTS (SELECT FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
    now = datetime(2026, 11, 20, tzinfo=UTC)
    async with scope(service.pool, service.hospital) as connection:
        await policy.save(connection, service.hospital, b"{}", saved_by="m.roux", saved_at=now)
        second = asyncio.create_task(service[Role.BIOMED].ask("PUT", "/v1/policy", json=POLICY))
        while not await connection.fetchval(waits_for_us):
            pass
    reply = await second
    assert (reply.status, reply.json["type"]) == (412, Kind.CHANGED_MEANWHILE.type)


@pytest.mark.parametrize(
    "change",
    [
        {"ranges": ["10.0.0.0/99"]},
        {"snmp_port": 9100},
        {"sweepable": [{"target": "range", "value": "10.0.0.0/24", "decided_by": "", "reason": "because"}]},
        {"sweepable": [{"target": "range", "value": "10.0.0.0/24", "decided_by": "X", "reason": "Y", "until": "z"}]},
        {"do_not_prob": []},
    ],
)
async def test_a_policy_no_agent_could_follow_is_refused(service: Any, change: dict[str, Any]) -> None:
    reply = await service[Role.BIOMED].ask("PUT", "/v1/policy", json={**POLICY, **change})
    assert (reply.status, reply.json["type"]) == (422, Kind.INVALID_BODY.type)
    assert (await service[Role.BIOMED].get("/v1/policy")).status == 404


async def test_a_half_bad_list_is_taken_line_by_line_and_a_dry_run_keeps_nothing(service: Any) -> None:
    text = "unit_id;name;unit_type;beds\nicu-a;Réa;icu;8\nx;Y;spaceport;2\nward-1;Méd;ward;many\n".encode("cp1252")
    headers = {"Content-Type": "text/csv"}
    for path, dry_run in (("/v1/imports/units?dry_run=true", True), ("/v1/imports/units", False)):
        report = (await service[Role.BIOMED].ask("POST", path, data=text, headers=headers)).json
        assert (report["accepted"], report["dry_run"]) == (1, dry_run)
        assert [reject["line"] for reject in report["rejected"]] == [3, 4]
        assert "spaceport" in report["rejected"][0]["reason"]
        rooms = await service[Role.BIOMED].post_csv("/v1/imports/rooms?dry_run=true", "room_id,unit_id\nr1,ward-9\n")
        assert rooms.json["accepted"] == (1 if dry_run else 0)  # only a kept list of units can tell that ward-9 is none


async def test_a_file_without_one_good_line_replaces_nothing(service: Any) -> None:
    await service[Role.BIOMED].post_csv("/v1/imports/units", UNITS)
    bad = await service[Role.BIOMED].post_csv("/v1/imports/units", "unit_id,unit_type\nx,spaceport\n")
    assert bad.json["accepted"] == 0
    rooms = await service[Role.BIOMED].post_csv("/v1/imports/rooms?dry_run=true", "room_id,unit_id\nr1,icu-a\n")
    assert rooms.json["accepted"] == 1


async def test_what_is_no_list_at_all_is_refused_whole(service: Any) -> None:
    for text in ("", "colour,taste\nred,sweet\n", "\x00\x01"):
        reply = await service[Role.BIOMED].post_csv("/v1/imports/units", text)
        assert (reply.status, reply.json["type"]) == (422, Kind.INVALID_BODY.type)
    assert (await service[Role.BIOMED].post_csv("/v1/imports/menus", "a,b\n1,2\n")).status == 400


async def test_an_asset_list_brought_twice_counts_once(service: Any) -> None:
    text = "serial,manufacturer,name\nS1,Acme,PUMP-1\nS2,Acme,PUMP-2\n"
    for _ in range(2):
        assert (await service[Role.BIOMED].post_csv("/v1/imports/assets", text)).json["accepted"] == 2
    assert await _observations(service) == 2


async def test_pages_of_assets_hold_each_once_in_every_order(tiny: Any) -> None:
    for sort in ("id", "name", "device_type", "unit", "last_seen"):
        paged, after = [], ""
        while after is not None:
            query = {"sort": sort, "limit": "3", **({"after": after} if after else {})}
            page = (await tiny[Role.VIEWER].get("/v1/assets", params=query)).json
            paged += [asset["id"] for asset in page["items"]]
            after = page["next"]
        assert len(paged) == len(set(paged)) == 10, sort


async def test_a_cursor_of_another_order_is_refused(tiny: Any) -> None:
    cursor = (await tiny[Role.VIEWER].get("/v1/assets?sort=name&limit=3")).json["next"]
    reply = await tiny[Role.VIEWER].get("/v1/assets", params={"sort": "unit", "after": cursor})
    assert (reply.status, reply.json["type"]) == (400, Kind.INVALID_PARAMETERS.type)


async def test_filters_and_words_find_assets(tiny: Any) -> None:
    async def names(query: str) -> set[str]:
        return {asset["name"] for asset in (await tiny[Role.VIEWER].get(f"/v1/assets?{query}")).json["items"]}

    assert await names("type=lvp_pump&unit=icu-a") == {"PUMP-1", "PUMP-2"}
    assert await names("q=acme+gp1") == {"PUMP-1", "PUMP-2", "PUMP-3", "PUMP-4"}
    assert await names("q=s-10") == {"PUMPSRV", "EHR", "DIRECTORY", "CORE"}
    assert await names("q=nothing") == set()


async def test_an_asset_shows_who_says_what_and_where_it_hangs(tiny: Any) -> None:
    pump = next(a for a in (await tiny[Role.VIEWER].get("/v1/assets?q=PUMP-1")).json["items"] if a["name"] == "PUMP-1")
    detail = (await tiny[Role.VIEWER].get(f"/v1/assets/{pump['id']}")).json
    fields = {field["name"]: field for field in detail["fields"]}
    assert fields["serial"]["chosen"]["value"] == "S-001"
    assert "assets.csv" in fields["serial"]["chosen"]["source"]
    assert {"kind": "mac", "value": "00:1b:c5:00:00:01"} in detail["keys"]
    core = next(a for a in (await tiny[Role.VIEWER].get("/v1/assets?q=CORE")).json["items"] if a["name"] == "CORE")
    assert [(link["source"], link["target"], link["port"]) for link in detail["links"]] == [
        (pump["id"], core["id"], "Gi1/0/7")
    ]


async def test_evidence_is_every_statement_an_asset_rests_on_page_by_page(tiny: Any) -> None:
    pump = (await tiny[Role.VIEWER].get("/v1/assets?q=S-001")).json["items"][0]
    whole = (await tiny[Role.VIEWER].get(f"/v1/assets/{pump['id']}/evidence")).json
    assert whole["total"] == len(whole["items"]) == 2
    assert {item["observation"]["protocol"] for item in whole["items"]} == {"import", "bridge"}
    assert all(item["claim"]["observation"] == item["observation"]["id"] for item in whole["items"])
    first = (await tiny[Role.VIEWER].get(f"/v1/assets/{pump['id']}/evidence?limit=1")).json
    second = (await tiny[Role.VIEWER].get(f"/v1/assets/{pump['id']}/evidence?limit=1&after={first['next']}")).json
    assert first["items"] + second["items"] == whole["items"]
    assert second["next"] is None
    stranger = await tiny[Role.VIEWER].get(f"/v1/assets/{pump['id']}/evidence?after={'0' * 32}")
    assert (stranger.status, stranger.json["type"]) == (400, Kind.INVALID_PARAMETERS.type)


async def test_the_change_feed_tells_what_appeared_and_what_was_ranked(tiny: Any) -> None:
    feed = (await tiny[Role.VIEWER].get("/v1/changes")).json["items"]
    assert [change["sequence"] for change in feed] == list(range(1, len(feed) + 1))
    kinds = [change["event"]["kind"] for change in feed]
    assert kinds.count("asset_appeared") == 10
    assert kinds[-1] == "ranked"
    assert (await tiny[Role.VIEWER].get(f"/v1/changes?after={len(feed)}")).json["items"] == []


async def test_an_establishment_shows_how_much_is_known_of_it(tiny: Any) -> None:
    (hospital,) = (await tiny[Role.AGENT].get("/v1/establishments")).json["items"]
    assert (hospital["name"], hospital["assets"], hospital["observations"]) == ("Saint-Roch", 10, 11)
    assert hospital["assets_by_type"]["lvp_pump"] == 4


async def _observations(service: Any) -> int:
    (hospital,) = (await service[Role.VIEWER].get("/v1/establishments")).json["items"]
    return int(hospital["observations"])
