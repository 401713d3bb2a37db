"""The service itself: is it alive, may it be asked, what does it offer, how busy is it."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

import asyncpg
from pydantic import Field

from riskdb.store import establishments
from service.auth import PEOPLE
from service.errors import Kind, ProblemError
from service.reading import strict
from service.routes import Answer, Call, Nothing, Route, SiteCall

READY_WITHIN_S = 2.0  # a balancer asks every few seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """It runs."""

    status: str


async def get_health(call: Call[Nothing, None]) -> Answer[Health]:
    """Alive: the process answers. It asks nothing of the database."""
    return Answer(value=Health(status="ok"))


async def get_readiness(call: Call[Nothing, None]) -> Answer[Health]:
    """Ready: the database answers too."""
    try:
        async with asyncio.timeout(READY_WITHIN_S), call.context.pool.acquire() as connection:
            await establishments.list_all(connection)
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise ProblemError(Kind.NOT_READY, "The database does not answer.", headers={"Retry-After": "5"}) from error
    return Answer(value=Health(status="ready"))


async def get_metrics(call: SiteCall[Nothing, None]) -> Answer[bytes]:
    """Counters and durations in Prometheus' text format."""
    return Answer(value=call.context.metrics.text())


async def get_openapi(call: Call[Nothing, None]) -> Answer[bytes]:
    """This document."""
    return Answer(value=call.context.openapi)


@strict
@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemAt:
    """The last part of a problem's type."""

    problem: Annotated[str, Field(max_length=64)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemKind:
    """A kind of problem."""

    type: str
    title: str
    status: int


async def get_problem(call: Call[ProblemAt, None]) -> Answer[ProblemKind]:
    """What a problem's type means."""
    for kind in Kind:
        if kind.slug == call.parameters.problem:
            return Answer(value=ProblemKind(type=kind.type, title=kind.title, status=kind.status))
    raise ProblemError(Kind.UNKNOWN_PROBLEM, "The service knows no problem of this name.")


ROUTES = (
    Route(method="GET", path="/healthz", handler=get_health, summary="Alive", roles=None, tag="service"),
    Route(
        method="GET",
        path="/readyz",
        handler=get_readiness,
        summary="Ready",
        roles=None,
        tag="service",
        problems=(Kind.NOT_READY,),
    ),
    Route(
        method="GET",
        path="/metrics",
        handler=get_metrics,
        summary="Metrics",
        roles=PEOPLE,
        tag="service",
        produces="text/plain; version=1.0.0; charset=utf-8",
    ),
    Route(method="GET", path="/openapi.json", handler=get_openapi, summary="OpenAPI", roles=None, tag="service"),
    Route(
        method="GET",
        path="/problems/{problem}",
        handler=get_problem,
        summary="A kind of problem",
        roles=None,
        tag="service",
        problems=(Kind.UNKNOWN_PROBLEM,),
    ),
)
