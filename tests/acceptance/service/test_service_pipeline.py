"""From lists and observations to a ranking with reasons, over HTTP, on a hospital of ten devices."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from riskdb.store.locks import run_lock
from riskdb.store.tokens import Role
from service.context import CONTEXT
from service.errors import Kind, ProblemError
from service.jobs.follow import look
from service.jobs.pipeline import run_pipeline

# Fixtures and values of conftest.py are reached by name only: test directories are no packages.
DEVICES = 10


async def test_ten_devices_become_a_ranking_with_reasons(tiny: Any) -> None:
    ranking = (await tiny[Role.CISO].get("/v1/ranking")).json
    assert [row["rank"] for row in ranking["items"]] == list(range(1, ranking["total"] + 1))
    first = ranking["items"][0]
    assert first["name"] in {"DIRECTORY", "CORE", "EHR"}
    assert first["name"] in first["reason"]
    assert first["chains"]
    assert first["chains"][0]["events"][-1]["name"] == first["name"]
    assert list(first["patients_affected"]) == ["1h", "4h", "24h", "72h", "7d", "30d"]
    assert ranking["run"]["unreviewed_numbers"] > 0


async def test_the_reason_is_told_in_french_too(tiny: Any) -> None:
    row = (await tiny[Role.CISO].get("/v1/ranking?lang=fr&limit=1")).json["items"][0]
    assert row["reason"].startswith("Un attaquant qui compromet ")
    assert "patients" in row["reason"]


async def test_medical_devices_and_it_are_two_tabs_of_one_ranking(tiny: Any) -> None:
    everything = (await tiny[Role.CISO].get("/v1/ranking")).json["items"]
    medical = (await tiny[Role.CISO].get("/v1/ranking?tab=medical")).json["items"]
    it = (await tiny[Role.CISO].get("/v1/ranking?tab=it")).json["items"]
    assert {row["name"] for row in it} >= {"DIRECTORY", "CORE"}
    assert "PUMPSRV" in {row["name"] for row in medical}
    assert sorted(row["rank"] for row in medical + it) == [row["rank"] for row in everything]


async def test_ranking_pages_hold_each_row_once(tiny: Any) -> None:
    whole = (await tiny[Role.CISO].get("/v1/ranking")).json["items"]
    paged, after = [], 0
    while after is not None:
        page = (await tiny[Role.CISO].get(f"/v1/ranking?limit=2&after={after}")).json
        paged += page["items"]
        after = page["next"]
    assert paged == whole


async def test_another_horizon_is_ranked_by_its_own_harm(tiny: Any) -> None:
    page = (await tiny[Role.CISO].get("/v1/ranking?horizon=1h")).json
    scores = [max(by["1h"] for by in row["index"].values()) for row in page["items"]]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0


async def test_the_impact_of_an_asset_names_pathways_patients_and_causes(tiny: Any) -> None:
    rows = (await tiny[Role.CISO].get("/v1/ranking")).json["items"]
    directory = next(row for row in rows if row["name"] == "DIRECTORY")
    impact = (await tiny[Role.CISO].get(f"/v1/assets/{directory['asset']}/impact?mode={directory['mode']}")).json
    assert impact["rank"] == directory["rank"]
    assert impact["index"] == directory["index"][directory["mode"]]
    assert [pathway["name"] for pathway in impact["pathways"]][:1] == directory["pathways"][:1]
    assert all(pathway["touched"] for pathway in impact["pathways"])
    assert impact["chains"][0]["sentence"].endswith(".")


async def test_pathways_are_whole_until_something_is_down(tiny: Any) -> None:
    calm = (await tiny[Role.ARCHITECT].get("/v1/pathways")).json
    assert calm["items"]
    assert not any(pathway["touched"] for pathway in calm["items"])
    core = await _asset_called(tiny, "CORE")
    dark = (await tiny[Role.ARCHITECT].get(f"/v1/pathways?down={core}")).json
    hit = [pathway for pathway in dark["items"] if pathway["touched"]]
    assert hit
    assert {pathway["id"] for pathway in dark["items"]} == {pathway["id"] for pathway in calm["items"]}
    assert hit[0]["largest_share_lost"] > 0


async def test_a_scenario_with_an_unknown_node_is_refused_and_named(tiny: Any) -> None:
    reply = await tiny[Role.ARCHITECT].get("/v1/pathways?down=nowhere")
    assert reply.status == 400
    assert "nowhere" in reply.json["detail"]


async def test_a_pathway_shows_its_steps_and_the_pools_behind_them(tiny: Any) -> None:
    listed = (await tiny[Role.VIEWER].get("/v1/pathways")).json["items"]
    icu = [pathway["id"] for pathway in listed if pathway["id"].startswith("icu@")]
    details = [(await tiny[Role.VIEWER].get(f"/v1/pathways/{pathway}")).json for pathway in icu]
    assert all(detail["definition"]["steps"] and detail["steps"] for detail in details)
    pools = [pool for detail in details for pool in detail["capabilities"]]
    pump = await _asset_called(tiny, "PUMP-1")
    assert any(pump in pool["providers"] and not pool["assumed"] for pool in pools)
    assert any(pool["assumed"] for pool in pools)
    unknown = await tiny[Role.VIEWER].get("/v1/pathways/icu@nowhere")
    assert (unknown.status, unknown.json["type"]) == (404, Kind.UNKNOWN_PATHWAY.type)


async def test_what_is_not_known_becomes_a_question(tiny: Any) -> None:
    questions = (await tiny[Role.BIOMED].get("/v1/questions")).json["items"]
    assert any(q["kind"] == "assumed_capability" for q in questions)
    assert all(q["text_en"] and q["text_fr"] for q in questions)


async def test_running_again_gives_every_device_the_id_it_had(tiny: Any) -> None:
    before = {a["id"]: a["name"] for a in (await tiny[Role.VIEWER].get("/v1/assets")).json["items"]}
    assert len(before) == DEVICES
    job = await tiny.run()
    assert job["state"] == "done"
    after = {a["id"]: a["name"] for a in (await tiny[Role.VIEWER].get("/v1/assets")).json["items"]}
    assert after == before


async def test_ranking_alone_gives_the_same_ranking_as_settling_and_ranking(tiny: Any) -> None:
    before = (await tiny[Role.VIEWER].get("/v1/ranking")).json
    job = await tiny.run("rerank")
    after = (await tiny[Role.VIEWER].get("/v1/ranking")).json
    assert after["items"] == before["items"]
    assert after["run"]["run"] == job["report"]["run"] == before["run"]["run"] + 1
    assert {r["run"] for r in (await tiny[Role.VIEWER].get("/v1/runs")).json["items"]} >= {
        before["run"]["run"],
        after["run"]["run"],
    }


async def test_a_run_killed_while_ranking_leaves_the_run_before(tiny: Any) -> None:
    before = (await tiny[Role.VIEWER].get("/v1/ranking")).json
    reached = asyncio.Event()

    def on_progress(stage: str, share: float) -> None:
        if stage == "rank":
            reached.set()

    run = asyncio.create_task(run_pipeline(tiny.pool, tiny.hospital, on_progress))
    await reached.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert (await tiny[Role.VIEWER].get("/v1/ranking")).json == before
    assert (await run_pipeline(tiny.pool, tiny.hospital)).run > before["run"]["run"]


async def test_a_settlement_that_breaks_half_way_leaves_the_inventory_before(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (await tiny[Role.VIEWER].get("/v1/assets")).json

    async def append(*args: Any, **kwargs: Any) -> None:
        raise ConnectionResetError("the database went away")

    monkeypatch.setattr("riskdb.store.changes.append", append)
    job = await tiny.run()
    assert job["state"] == "failed"
    assert "log" in job["failure"]
    monkeypatch.undo()
    assert (await tiny[Role.VIEWER].get("/v1/assets")).json == before


async def test_two_runs_of_one_establishment_never_meet(tiny: Any) -> None:
    async with run_lock(tiny.pool, tiny.hospital) as held:
        assert held
        with pytest.raises(ProblemError) as refused:
            await run_pipeline(tiny.pool, tiny.hospital)
    assert refused.value.kind is Kind.ALREADY_RUNNING
    assert (await run_pipeline(tiny.pool, tiny.hospital)).assets == DEVICES


async def test_the_loop_answers_while_a_ranking_is_computed(tiny: Any) -> None:
    job = (await tiny[Role.ADMIN].ask("POST", "/v1/jobs", json={"kind": "reidentify"})).json
    alive = await tiny.nobody.get("/healthz")
    assert alive.status == 200
    assert (await tiny.wait_for_job(job["id"]))["state"] == "done"


async def test_progress_goes_through_every_stage_in_order(tiny: Any) -> None:
    heard: list[tuple[str, float]] = []
    await run_pipeline(tiny.pool, tiny.hospital, lambda stage, share: heard.append((stage, share)))
    assert list(dict.fromkeys(stage for stage, _ in heard)) == [
        "load",
        "recognise",
        "settle",
        "save",
        "relate",
        "rank",
    ]
    assert all(0 <= share <= 1 for _, share in heard)


async def _asset_called(service: Any, name: str) -> str:
    found = (await service[Role.VIEWER].get("/v1/assets", params={"q": name})).json["items"]
    return str(next(asset["id"] for asset in found if asset["name"] == name))


async def test_the_service_ranks_anew_once_something_was_heard(service: Any) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    context = service.client.server.app[CONTEXT]
    assert await look(service.pool, context.jobs, now=later) == []
    await service[Role.BIOMED].post_csv("/v1/imports/assets", "asset_tag,device_type\nI1,directory\nI2,ehr\n")
    assert await look(service.pool, context.jobs, now=later) == [service.hospital]
    while (await service[Role.VIEWER].get("/v1/ranking")).status != 200:
        pass
    assert await look(service.pool, context.jobs, now=later) == []
