"""The outermost layer of every request: its id, its log line, its headers, and the last resort when something breaks.

The only `except Exception` of the service stands here and in the job guard. It knows no route.
"""

import re
import secrets
import time
from collections.abc import Awaitable, Callable

import asyncpg
import structlog
from aiohttp import web

from service.context import CONTEXT
from service.errors import PROBLEM_MEDIA_TYPE, Kind, ProblemError
from service.routes import ACCESS, encoded

log = structlog.get_logger()

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")  # a caller's own id is kept if it cannot break a log line
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "wardgraph",  # aiohttp would tell its version and Python's
}
_FROM_AIOHTTP = {404: Kind.UNKNOWN_PATH, 405: Kind.METHOD_NOT_ALLOWED, 413: Kind.BODY_TOO_LARGE}
_DATABASE_AWAY = (  # stopped, starting, or gone in the middle; a caller does well to come again
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    ConnectionError,
    FileNotFoundError,  # its socket
)
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})  # asked every few seconds by machines

Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def border(request: web.Request, handler: Next) -> web.StreamResponse:
    """Answer, whatever happens: a response of the handler, or a problem."""
    asked = request.headers.get("X-Request-Id", "")
    request_id = asked if _REQUEST_ID.fullmatch(asked) else secrets.token_hex(12)
    started = time.perf_counter()
    with structlog.contextvars.bound_contextvars(request_id=request_id):
        try:
            response = await handler(request)
        except ProblemError as problem:
            response = _problem(problem, request, request_id)
        except web.HTTPException as refused:
            response = _problem(_from_aiohttp(refused), request, request_id)
        except _DATABASE_AWAY as error:
            log.warning("database_away", reason=f"{type(error).__name__}: {error}")
            away = ProblemError(Kind.NOT_READY, "The database does not answer.", headers={"Retry-After": "5"})
            response = _problem(away, request, request_id)
        except Exception:
            log.exception("request_failed", method=request.method, path=request.path)
            broken = ProblemError(Kind.INTERNAL, f"The log says why under the request id {request_id}.")
            response = _problem(broken, request, request_id)
        _finish(request, response, request_id=request_id, seconds=time.perf_counter() - started)
    return response


def _problem(problem: ProblemError, request: web.Request, request_id: str) -> web.Response:
    document = problem.document(instance=request.path, request_id=request_id)
    headers = {"Content-Type": PROBLEM_MEDIA_TYPE, **problem.headers}
    return web.Response(status=problem.kind.status, body=encoded(document), headers=headers)


def _from_aiohttp(refused: web.HTTPException) -> ProblemError:
    kind = _FROM_AIOHTTP.get(refused.status, Kind.INVALID_REQUEST)
    headers = {"Allow": refused.headers["Allow"]} if "Allow" in refused.headers else {}
    details = {
        Kind.UNKNOWN_PATH: "The paths are listed in /openapi.json.",
        Kind.METHOD_NOT_ALLOWED: f"It takes {headers.get('Allow', 'other methods')}.",
    }
    return ProblemError(kind, details.get(kind, refused.reason), headers=headers)


def _finish(request: web.Request, response: web.StreamResponse, *, request_id: str, seconds: float) -> None:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["X-Request-Id"] = request_id
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "none"
    metrics = request.app[CONTEXT].metrics
    metrics.requests.labels(request.method if resource is not None else "other", route, response.status).inc()
    metrics.request_seconds.labels(request.method if resource is not None else "other", route).observe(seconds)
    if request.path not in _QUIET:
        access = request.get(ACCESS)
        log.info(
            "request",
            method=request.method,
            route=route,
            status=response.status,
            ms=round(seconds * 1000, 1),
            who=None if access is None else access.token,
        )
