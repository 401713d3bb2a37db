"""Bad input at the border: each kind a clear problem, nothing lost, nothing doubled, nobody in who should not be."""

import gzip
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from riskdb.store import establishments, tokens
from riskdb.store.tokens import Role
from service.app import ROUTES
from service.bootstrap import make_token
from service.context import CONTEXT
from service.errors import Kind
from service.logs import configure_logs
from service.routes import Answer, Nothing, Route, SiteCall, register

PROBLEM = "application/problem+json"


def assert_problem(reply: Any, kind: Kind) -> None:
    assert reply.status == kind.status, reply.body
    assert reply.headers["Content-Type"] == PROBLEM
    assert reply.json["type"] == kind.type
    assert reply.json["title"] == kind.title
    assert reply.json["status"] == kind.status
    assert reply.json["request_id"] == reply.headers["X-Request-Id"]


async def test_nobody_gets_in_without_a_token(service: Any) -> None:
    reply = await service.nobody.get("/v1/assets")
    assert_problem(reply, Kind.NO_TOKEN)
    assert reply.headers["WWW-Authenticate"] == 'Bearer realm="wardgraph"'


@pytest.mark.parametrize("header", ["Bearer wg_" + "x" * 43, "Bearer short", "Basic dXNlcjpwYXNz", "Bearer", "\xe9"])
async def test_a_token_nobody_made_opens_nothing(service: Any, header: str) -> None:
    reply = await service.nobody.get("/v1/assets", headers={"Authorization": header})
    assert_problem(reply, Kind.NO_TOKEN)
    assert 'error="invalid_token"' in reply.headers["WWW-Authenticate"]


async def test_a_revoked_token_stops_at_once(service: Any) -> None:
    made = await make_token(service.pool, service.hospital, role=Role.VIEWER, name="trainee")
    service.nobody.secret = made.secret
    assert (await service.nobody.get("/v1/assets")).status == 200
    async with service.pool.acquire() as connection:
        await tokens.revoke(connection, service.hospital, made.token.id, now=datetime.now(UTC))
    assert_problem(await service.nobody.get("/v1/assets"), Kind.NO_TOKEN)


async def test_an_expired_token_opens_nothing(service: Any) -> None:
    async with service.pool.acquire() as connection:
        made = await tokens.create(
            connection,
            establishment=service.hospital,
            name="locum",
            role=Role.VIEWER,
            now=datetime.now(UTC) - timedelta(days=2),
            expires_at=datetime.now(UTC) - timedelta(days=1),
        )
    service.nobody.secret = made.secret
    assert_problem(await service.nobody.get("/v1/assets"), Kind.NO_TOKEN)


async def test_an_asset_of_another_hospital_does_not_exist(tiny: Any) -> None:
    ours = (await tiny[Role.VIEWER].get("/v1/assets?limit=1")).json["items"][0]["id"]
    async with tiny.pool.acquire() as connection:
        other = await establishments.create(connection, name="Sainte-Anne")
    tiny.nobody.secret = (await make_token(tiny.pool, other.id, role=Role.ADMIN, name="theirs")).secret
    for path in (f"/v1/assets/{ours}", f"/v1/assets/{ours}/evidence"):
        assert_problem(await tiny.nobody.get(path), Kind.UNKNOWN_ASSET)
    assert_problem(await tiny.nobody.get(f"/v1/assets/{ours}/impact"), Kind.NO_RANKING)
    assert (await tiny.nobody.get("/v1/assets")).json["items"] == []
    job = (await tiny[Role.ADMIN].ask("POST", "/v1/jobs", json={"kind": "rerank"})).json
    assert_problem(await tiny.nobody.get(f"/v1/jobs/{job['id']}"), Kind.UNKNOWN_JOB)
    await tiny.wait_for_job(job["id"])


def asked_of_everybody() -> Iterator[tuple[Route, Role]]:
    for route in ROUTES:
        if route.roles is not None:
            for role in Role:
                yield route, role


# Who may do what, written down a second time: a route whose roles change must change here too.
PEOPLE = {Role.VIEWER, Role.BIOMED, Role.CISO, Role.ARCHITECT, Role.ADMIN}
DECIDERS = PEOPLE - {Role.VIEWER}
MAY: dict[tuple[str, str], set[Role]] = {
    ("GET", "/metrics"): PEOPLE,
    ("POST", "/v1/observations"): {Role.AGENT},
    ("GET", "/v1/agent/plan"): {Role.AGENT},
    ("GET", "/v1/establishments"): {*Role},
    ("GET", "/v1/assets"): PEOPLE,
    ("GET", "/v1/assets/{asset}"): PEOPLE,
    ("GET", "/v1/assets/{asset}/evidence"): PEOPLE,
    ("GET", "/v1/assets/{asset}/impact"): PEOPLE,
    ("GET", "/v1/changes"): PEOPLE,
    ("GET", "/v1/ranking"): PEOPLE,
    ("GET", "/v1/leaks"): PEOPLE,
    ("GET", "/v1/pathways"): PEOPLE,
    ("GET", "/v1/pathways/{pathway}"): PEOPLE,
    ("GET", "/v1/questions"): PEOPLE,
    ("GET", "/v1/runs"): PEOPLE,
    ("POST", "/v1/imports/{kind}"): {Role.BIOMED, Role.ARCHITECT, Role.ADMIN},
    ("GET", "/v1/policy"): DECIDERS,
    ("PUT", "/v1/policy"): {Role.BIOMED, Role.ADMIN},
    ("POST", "/v1/jobs"): DECIDERS,
    ("GET", "/v1/jobs/{job}"): DECIDERS,
}
OPEN = {"/healthz", "/readyz", "/openapi.json", "/problems/{problem}"}


async def test_every_route_lets_in_exactly_the_roles_of_the_table(service: Any) -> None:
    assert {(r.method, r.path) for r in ROUTES if r.roles is not None} == set(MAY)
    assert {r.path for r in ROUTES if r.roles is None} == OPEN
    wrong = []
    for route, role in asked_of_everybody():
        path = re.sub(r"\{\w+\}", "units", route.path)
        reply = await service[role].ask(route.method, path)
        refused = reply.status == 403
        if refused is (role in MAY[route.method, route.path]):
            wrong.append((route.method, route.path, role, reply.status))
        if refused:
            assert_problem(reply, Kind.WRONG_ROLE)
    assert not wrong


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("/v1/assets?colour=red", "colour"),
        ("/v1/assets?limit=0", "limit"),
        ("/v1/assets?limit=many", "limit"),
        ("/v1/assets?limit=1&limit=2", "limit"),
        ("/v1/assets?sort=price", "sort"),
        ("/v1/assets?after=bm9wZQ", "after"),
        ("/v1/assets?after=%00", "after"),
        ("/v1/assets?q=%00", "q"),
        ("/v1/assets?q=%ff%fe", "q"),
        ("/v1/assets?q=" + "x" * 3_000, "q"),
        ("/v1/assets?appeared_since=2026-01-01T00:00:00", "parameters"),
        ("/v1/ranking?horizon=2y", "horizon"),
        ("/v1/ranking?tab=both", "tab"),
        ("/v1/changes?after=-1", "after"),
        ("/v1/assets/a?asset=b", "asset"),
        ("/healthz?verbose=1", "verbose"),
    ],
)
async def test_a_parameter_that_is_not_understood_is_named(service: Any, path: str, where: str) -> None:
    reply = await service[Role.VIEWER].get(path)
    assert_problem(reply, Kind.INVALID_PARAMETERS)
    assert any(where in place["where"] for place in reply.json["errors"])


async def test_an_unknown_path_and_a_wrong_method_are_problems_too(service: Any) -> None:
    assert_problem(await service[Role.ADMIN].get("/v2/assets"), Kind.UNKNOWN_PATH)
    reply = await service[Role.ADMIN].ask("DELETE", "/v1/assets")
    assert_problem(reply, Kind.METHOD_NOT_ALLOWED)
    assert "GET" in reply.headers["Allow"]


async def test_a_body_must_be_of_the_type_the_path_takes(service: Any) -> None:
    for body_type in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx"):
        reply = await service[Role.ADMIN].ask("POST", "/v1/jobs", data=b"{}", headers={"Content-Type": body_type})
        assert_problem(reply, Kind.WRONG_MEDIA_TYPE)
        assert reply.headers["Accept"] == "application/json"


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"kind": "\xff"}', b"\xef\xbb\xbf{}", b"[" * 100_000, b'{"a": "\\u0000"}']
)
async def test_what_is_not_json_is_said_to_be_none(service: Any, body: bytes) -> None:
    reply = await service[Role.ADMIN].ask("POST", "/v1/jobs", data=body, headers={"Content-Type": "application/json"})
    assert reply.json["type"] in (Kind.INVALID_JSON.type, Kind.BODY_TOO_LARGE.type)
    assert reply.headers["Content-Type"] == PROBLEM


@pytest.mark.parametrize(
    "body", [b"{}", b'{"kind": "destroy"}', b'{"kind": "rerank", "force": true}', b"[]", b"null", b'"rerank"']
)
async def test_a_body_that_says_something_else_is_refused_with_its_places(service: Any, body: bytes) -> None:
    reply = await service[Role.ADMIN].ask("POST", "/v1/jobs", data=body, headers={"Content-Type": "application/json"})
    assert_problem(reply, Kind.INVALID_BODY)
    assert all(place["where"].startswith("body") for place in reply.json["errors"])


async def test_a_huge_body_is_refused_before_it_is_kept(service: Any) -> None:
    headers = {"Content-Type": "application/json"}
    reply = await service[Role.ADMIN].ask("POST", "/v1/jobs", data=b" " * 200_000, headers=headers)
    assert_problem(reply, Kind.BODY_TOO_LARGE)
    bomb = gzip.compress(b" " * 5_000_000)
    assert len(bomb) < 64 * 1024
    reply = await service[Role.ADMIN].ask(
        "POST", "/v1/jobs", data=bomb, headers={**headers, "Content-Encoding": "gzip"}
    )
    assert_problem(reply, Kind.BODY_TOO_LARGE)


async def test_what_breaks_inside_tells_nothing_and_logs_everything(
    service: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure_logs(as_json=True)  # to the stderr that is captured here

    async def page(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("password is hunter2 at postgresql://ward:hunter2@db/x")

    monkeypatch.setattr("riskdb.store.assets.page", page)
    reply = await service[Role.VIEWER].get("/v1/assets", headers={"X-Request-Id": "night-shift-17"})
    assert_problem(reply, Kind.INTERNAL)
    assert b"hunter2" not in reply.body
    logged = capsys.readouterr().err
    assert "night-shift-17" in logged
    assert "RuntimeError" in logged
    assert "ward:hunter2" not in logged


async def test_no_secret_reaches_the_log(service: Any, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(as_json=True)  # to the stderr that is captured here
    credential = {"name": "lab", "version": "2c", "community": "s3cret-community"}
    await service[Role.ADMIN].ask("PUT", "/v1/policy", json={"ranges": ["10.0.0.0/8"], "credentials": [credential]})
    await service[Role.AGENT].get("/v1/agent/plan")
    await service[Role.VIEWER].get("/v1/nowhere?token=" + service[Role.ADMIN].secret)
    logged = capsys.readouterr()
    text = logged.err + logged.out
    assert "/v1/policy" in text
    for secret in ("s3cret-community", *(person.secret for person in service.people.values())):
        assert secret not in text


async def test_every_answer_carries_the_security_headers_and_a_request_id(service: Any) -> None:
    for reply in (await service.nobody.get("/healthz"), await service.nobody.get("/nowhere")):
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in reply.headers["Content-Security-Policy"]
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["Server"] == "wardgraph"
        assert len(reply.headers["X-Request-Id"]) >= 8
    odd = await service.nobody.get("/healthz", headers={"X-Request-Id": "a b"})
    assert odd.headers["X-Request-Id"] != "a b"


async def test_a_page_that_has_not_changed_is_not_sent_again(tiny: Any) -> None:
    first = await tiny[Role.VIEWER].get("/v1/assets")
    again = await tiny[Role.VIEWER].get("/v1/assets", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status == 304
    assert again.body == b""
    other = await tiny[Role.VIEWER].get("/v1/assets?limit=1", headers={"If-None-Match": first.headers["ETag"]})
    assert other.status == 200


async def test_a_problem_type_can_be_followed(service: Any) -> None:
    kind = (await service.nobody.get("/v1/assets")).json["type"]
    assert (await service.nobody.get(kind)).json["title"] == Kind.NO_TOKEN.title
    assert_problem(await service.nobody.get("/problems/boredom"), Kind.UNKNOWN_PROBLEM)


async def test_ready_means_that_the_database_answers(service: Any) -> None:
    assert (await service.nobody.get("/readyz")).json == {"status": "ready"}
    await service.client.app[CONTEXT].pool.close()
    reply = await service.nobody.get("/readyz")
    assert_problem(reply, Kind.NOT_READY)
    assert (await service.nobody.get("/healthz")).status == 200


async def test_metrics_count_requests_by_route_and_never_by_id(tiny: Any) -> None:
    asset = (await tiny[Role.VIEWER].get("/v1/assets?limit=1")).json["items"][0]["id"]
    await tiny[Role.VIEWER].get(f"/v1/assets/{asset}")
    text = (await tiny[Role.VIEWER].get("/metrics")).body.decode()
    assert 'wardgraph_requests_total{method="GET",route="/v1/assets/{asset}",status="200"} 1.0' in text
    assert 'wardgraph_observations_total{outcome="accepted"} 1.0' in text
    assert 'wardgraph_jobs_total{kind="reidentify",state="done"} 1.0' in text
    assert asset not in text


async def test_two_routes_on_one_path_are_a_mistake_of_ours() -> None:
    async def twice(call: SiteCall[Nothing, None]) -> Answer[bytes]:
        return Answer(value=b"")

    route = Route(method="POST", path="/twice", handler=twice, summary="", roles=None, tag="service")
    with pytest.raises(RuntimeError):
        register(web.Application(), [route, route])
