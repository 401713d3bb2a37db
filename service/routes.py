"""Routes as values: what a path takes, answers, and who may ask; server and OpenAPI document both follow from it.

The types of a route are those of its handler's signature, so what is documented is what mypy has checked:
`async def list_assets(call: SiteCall[AssetsQuery, None]) -> Answer[AssetPage]`. It decides nothing about hospitals.
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final, Generic, TypeVar, get_args, get_type_hints

import orjson
from aiohttp import web
from pydantic import TypeAdapter

from riskdb.model.ids import EstablishmentId
from riskdb.store.pool import scope
from riskdb.store.statements import Connection
from riskdb.store.tokens import Role
from service.auth import Access, admit
from service.context import CONTEXT, Context
from service.errors import Kind, Place, ProblemError
from service.reading import parsed, refusal, strict, validated

P = TypeVar("P")
B = TypeVar("B")
A = TypeVar("A")

JSON: Final = "application/json"
ACCESS: Final = web.RequestKey("access", Access)  # for the log line
BODY_BYTES_MAX = 64 * 1024  # a JSON document typed or clicked by a person; routes that take files say their own
BODY_ARRIVES_WITHIN_S = 60.0  # the largest body over 2 Mbit/s; a slower one holds memory for nobody's good
QUERY_VALUE_CHARS_MAX = 2_000  # the longest honest one lists some hundred nodes


@strict
@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """No parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[P, B]):
    """A request that has been let in and read."""

    context: Context
    parameters: P  # of path and query
    body: B
    headers: Mapping[str, str]
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteCall(Call[P, B]):
    """A request by the bearer of a token, about that token's establishment."""

    access: Access

    @property
    def establishment(self) -> EstablishmentId:
        """The establishment it is about."""
        return self.access.establishment

    def database(self) -> AbstractAsyncContextManager[Connection]:
        """A transaction that sees this establishment and no other."""
        return scope(self.context.pool, self.establishment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[A]):
    """What a handler answers: a value to encode, or bytes for a route that produces another media type."""

    value: A
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Any], Awaitable[Answer[Any]]]
_PATH_PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, kw_only=True)
class Route:
    """One method on one path. `roles` None lets everybody in; there is no default, so nothing is open by accident."""

    method: str
    path: str
    handler: Handler
    summary: str
    roles: frozenset[Role] | None
    tag: str
    problems: tuple[Kind, ...] = ()
    status: int = 200
    consumes: str = JSON
    produces: str = JSON
    body_bytes_max: int = BODY_BYTES_MAX
    body_described_by: Any = None  # a type that documents a body which the handler reads row by row from bytes
    answer_described_by: Any = None  # a type that documents an answer which the handler gives as bytes

    @cached_property
    def signature(self) -> "Signature":
        """The types of parameters, body and answer, read from the handler."""
        return _signature(self.handler)

    @cached_property
    def path_parameters(self) -> frozenset[str]:
        """The names in braces."""
        return frozenset(_PATH_PARAMETER.findall(self.path))

    @cached_property
    def all_problems(self) -> tuple[Kind, ...]:
        """Every kind of problem it can answer, those of the route layer included."""
        kinds = {Kind.INTERNAL, Kind.INVALID_PARAMETERS, *self.problems}
        if self.roles is not None:
            kinds |= {Kind.NO_TOKEN, Kind.WRONG_ROLE, Kind.NOT_READY}
        if self.signature.body is not None:
            kinds |= {Kind.BODY_TOO_LARGE, Kind.WRONG_MEDIA_TYPE, Kind.BODY_TOO_SLOW}
        if self.signature.body not in (None, bytes):
            kinds |= {Kind.INVALID_JSON, Kind.INVALID_BODY}
        return tuple(sorted(kinds, key=lambda kind: (kind.status, kind.slug)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a handler takes and gives, as types."""

    parameters: Any
    body: Any  # None: no body; bytes: as it came; else a type to validate JSON against
    answer: Any


def _signature(handler: Handler) -> Signature:
    hints = get_type_hints(handler, include_extras=True)
    call, answer = hints["call"], hints["return"]
    parameters, body = get_args(call)
    return Signature(
        parameters=parameters,
        body=None if body is type(None) else body,
        answer=get_args(answer)[0],
    )


def register(app: web.Application, routes: Iterable[Route]) -> None:
    """Serve the routes."""
    for route in routes:
        if route.method == "GET":
            app.router.add_get(route.path, _endpoint(route))  # HEAD too
        else:
            app.router.add_route(route.method, route.path, _endpoint(route))


def _endpoint(route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Let in, read, call, encode: the one path of every request. Who may ask is settled before anything is read."""
    parameters = TypeAdapter(route.signature.parameters)
    body = None if route.signature.body in (None, bytes) else TypeAdapter(route.signature.body)

    async def serve(request: web.Request) -> web.StreamResponse:
        context = request.app[CONTEXT]
        common: dict[str, Any] = {"context": context, "headers": request.headers, "received_at": datetime.now(UTC)}
        if route.roles is not None:
            header = request.headers.get("Authorization")
            access = await admit(context.pool, header, roles=route.roles, now=common["received_at"])
            request[ACCESS] = common["access"] = access
        given = _parameters(request, route)
        common["parameters"] = validated(parameters, given, where="parameters", kind=Kind.INVALID_PARAMETERS)
        content = b"" if route.signature.body is None else await _content(request, route)
        common["body"] = (
            validated(body, parsed(content), where="body", kind=Kind.INVALID_BODY)
            if body is not None
            else (content if route.signature.body is bytes else None)
        )
        call = Call(**common) if route.roles is None else SiteCall(**common)
        return _response(request, route, await route.handler(call))

    return serve


def _parameters(request: web.Request, route: Route) -> dict[str, Any]:
    """Path and query as one mapping; a value given twice, or that no database can hold, is refused."""
    wrong: list[Place] = []
    for name, value in request.query.items():
        if len(request.query.getall(name)) > 1:
            wrong.append(Place(where=f"query.{name[:80]}", reason="given more than once"))
        elif name in route.path_parameters:
            wrong.append(Place(where=f"query.{name}", reason="belongs into the path"))
        elif len(value) > QUERY_VALUE_CHARS_MAX:
            wrong.append(Place(where=f"query.{name[:80]}", reason=f"longer than {QUERY_VALUE_CHARS_MAX} characters"))
    merged = {**request.query, **request.match_info}
    wrong += [
        Place(where=f"parameters.{name[:80]}", reason="holds characters that are not text")
        for name, value in merged.items()
        if not _is_text(value) or not _is_text(name)
    ]
    if wrong:
        raise refusal(Kind.INVALID_PARAMETERS, wrong)
    return merged


def _is_text(value: str) -> bool:
    """Neither NUL, which PostgreSQL cannot store, nor half a surrogate pair, nor a byte that was not UTF-8."""
    return "\x00" not in value and "\ufffd" not in value and not any("\ud800" <= c <= "\udfff" for c in value)


async def _content(request: web.Request, route: Route) -> bytes:
    if request.content_type != route.consumes:
        raise ProblemError(
            Kind.WRONG_MEDIA_TYPE, f"Send the body as {route.consumes}.", headers={"Accept": route.consumes}
        )
    too_large = ProblemError(Kind.BODY_TOO_LARGE, f"The body may have {route.body_bytes_max} bytes.")
    if (request.content_length or 0) > route.body_bytes_max:
        raise too_large
    content = bytearray()
    try:
        async with asyncio.timeout(BODY_ARRIVES_WITHIN_S):
            async for chunk in request.content.iter_any():
                content += chunk  # decompressed by aiohttp: counting here also stops a small bomb
                if len(content) > route.body_bytes_max:
                    raise too_large
    except TimeoutError as error:
        raise ProblemError(Kind.BODY_TOO_SLOW, f"It took over {BODY_ARRIVES_WITHIN_S:.0f} s to arrive.") from error
    return bytes(content)


def _response(request: web.Request, route: Route, answer: Answer[Any]) -> web.Response:
    body = answer.value if isinstance(answer.value, bytes) else encoded(answer.value)
    headers = {"Content-Type": route.produces, **answer.headers}
    if request.method in ("GET", "HEAD") and route.status == 200:
        headers.setdefault("ETag", etag_of(body))
        if _has_it_already(request, headers["ETag"]):
            return web.Response(status=304, headers={"ETag": headers["ETag"]})
    return web.Response(status=route.status, body=body, headers=headers)


def encoded(value: Any) -> bytes:
    """JSON of dataclasses, enums and dates, without going through pydantic: it costs a fourth on long lists."""
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)


def etag_of(body: bytes) -> str:
    """A strong entity tag: equal exactly when the bytes are."""
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def _has_it_already(request: web.Request, etag: str) -> bool:
    try:
        known = request.if_none_match or ()
    except ValueError:
        return False
    return any(tag.value == "*" or f'"{tag.value}"' == etag for tag in known)
