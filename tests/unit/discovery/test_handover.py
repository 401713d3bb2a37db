"""Handing over: acknowledged means gone, anything else means kept - or set aside with the reason."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from discovery import handover
from discovery.handover import ServiceError, TokenError, connect
from discovery.outbox import Spool
from riskdb.model.policy import PlanError, plan_document
from tests.unit.discovery.simulated import plan
from tests.unit.discovery.test_outbox import observation

Answers = Callable[[web.Request], web.Response]
BATCH = web.RequestKey("batch", str)


@asynccontextmanager
async def service(answer: Answers) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A service that takes batches; yields its URL and the bodies it got."""
    bodies: list[bytes] = []

    async def observations(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer hush"
        bodies.append(await request.read())
        request[BATCH] = orjson.loads(bodies[-1])["id"]
        return answer(request)

    async def plans(request: web.Request) -> web.Response:
        return answer(request)

    app = web.Application(client_max_size=10_000_000)
    app.router.add_post("/v1/observations", observations)
    app.router.add_get("/v1/agent/plan", plans)
    async with TestServer(app) as server:
        yield str(server.make_url("/")), bodies


def answering(*statuses: int, body: dict[str, object] | None = None) -> Answers:
    left = list(statuses)

    def answer(request: web.Request) -> web.Response:
        receipt = {"batch": request.get(BATCH), **(body or {"rejected": []})}
        return web.json_response(receipt, status=left.pop(0) if len(left) > 1 else left[0])

    return answer


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "BACK_OFF_FIRST_S", 0.0)


@pytest.fixture
def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    with Spool(tmp_path) as opened:
        opened.keep([observation(1), observation(2)])
        yield opened


async def hand_over(spool: Spool, url: str) -> handover.HandedOver:
    async with connect(url, "hush") as connected:
        return await connected.take_spool(spool)


async def test_an_acknowledged_batch_is_gone(spool: Spool) -> None:
    async with service(answering(200)) as (url, bodies):
        done = await hand_over(spool, url)
    assert (done.batches, done.accepted, done.rejected) == (1, 2, 0)
    assert len(orjson.loads(bodies[0])["observations"]) == 2
    assert spool.waiting().observations == 0


async def test_a_batch_is_sent_again_under_its_id_until_it_is_taken(spool: Spool) -> None:
    async with service(answering(503, 500, 200)) as (url, bodies):
        await hand_over(spool, url)
    assert len(bodies) == 3
    assert len({orjson.loads(body)["id"] for body in bodies}) == 1
    assert spool.waiting().observations == 0


async def test_rejected_rows_are_counted(spool: Spool) -> None:
    rejecting = answering(200, body={"rejected": [{"row": 1, "reason": "unknown fact"}]})
    async with service(rejecting) as (url, _):
        done = await hand_over(spool, url)
    assert (done.accepted, done.rejected) == (1, 1)


async def test_a_service_that_stays_down_costs_no_observation(spool: Spool) -> None:
    async with service(answering(503)) as (url, bodies):
        with pytest.raises(ServiceError, match="kept and handed over at the next start"):
            await hand_over(spool, url)
    assert len(bodies) == handover.ATTEMPTS_MAX
    assert spool.waiting().observations == 2


async def test_a_service_that_is_not_there_costs_no_observation(spool: Spool) -> None:
    with pytest.raises(ServiceError, match="handing observations to"):
        await hand_over(spool, "http://127.0.0.1:1")
    assert spool.waiting().observations == 2


@pytest.mark.parametrize("status", [401, 403])
async def test_a_revoked_token_is_named_and_the_spool_kept(spool: Spool, status: int) -> None:
    async with service(answering(status)) as (url, bodies):
        with pytest.raises(TokenError, match="may be revoked"):
            await hand_over(spool, url)
    assert len(bodies) == 1
    assert spool.waiting().observations == 2


async def test_a_batch_that_will_never_be_taken_is_set_aside(spool: Spool) -> None:
    async with service(answering(422)) as (url, bodies):
        done = await hand_over(spool, url)
    assert (done.batches, done.parked, len(bodies)) == (0, 1, 1)
    assert (spool.waiting().observations, spool.waiting().parked_observations) == (0, 2)


@pytest.mark.parametrize("page", [b"<html>Please log in</html>", b"{}", b"[]", b'{"batch": "another"}', b""])
async def test_a_login_page_acknowledges_nothing(spool: Spool, page: bytes) -> None:
    async with service(lambda _: web.Response(body=page)) as (url, _):
        with pytest.raises(ServiceError, match="no receipt for the batch"):
            await hand_over(spool, url)
    assert spool.waiting().observations == 2


async def test_a_wrong_address_of_the_service_sets_nothing_aside(spool: Spool) -> None:
    async with service(answering(404)) as (url, _):
        with pytest.raises(ServiceError, match="status 404"):
            await hand_over(spool, url)
    assert spool.waiting().observations == 2


async def test_the_plan_comes_from_the_service() -> None:
    given = plan_document(plan())
    async with service(lambda _: web.Response(body=given)) as (url, _), connect(url, "hush") as connected:
        assert await connected.plan() == plan()


async def test_a_plan_that_cannot_be_followed_is_no_plan() -> None:
    given = b'{"format": "wardgraph/plan/1", "ranges": ["all"]}'
    async with service(lambda _: web.Response(body=given)) as (url, _), connect(url, "hush") as connected:
        with pytest.raises(PlanError, match="reading a plan"):
            await connected.plan()


@pytest.mark.parametrize(("status", "error"), [(401, TokenError), (503, ServiceError)])
async def test_without_a_plan_nothing_is_asked(status: int, error: type[Exception]) -> None:
    async with service(answering(status)) as (url, _), connect(url, "hush") as connected:
        with pytest.raises(error, match="fetching the plan"):
            await connected.plan()
