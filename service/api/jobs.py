"""Long work: ask for it, watch it, and see the runs it made; and the establishment it is about."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field

from riskdb.model.ids import EstablishmentId
from riskdb.store import assets, establishments, observations, rankings
from service.auth import AGENTS, DECIDERS, PEOPLE
from service.errors import Kind, ProblemError
from service.jobs.runner import Job, JobKind
from service.reading import strict
from service.routes import Answer, Nothing, Route, SiteCall


@strict
@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """Which work."""

    kind: JobKind


async def post_job(call: SiteCall[Nothing, JobRequest]) -> Answer[Job]:
    """Queue a job and answer at once. The same job already waiting is answered instead of a second one."""
    job = call.context.jobs.ask(call.body.kind, establishment=call.establishment, now=call.received_at)
    return Answer(value=job, headers={"Location": f"/v1/jobs/{job.id}"})


@strict
@dataclass(frozen=True, slots=True, kw_only=True)
class JobAt:
    """Which job."""

    job: Annotated[str, Field(min_length=1, max_length=64, description="the job's id")]


async def get_job(call: SiteCall[JobAt, None]) -> Answer[Job]:
    """How far a job is. Jobs are known until the service restarts; what they made stays."""
    job = call.context.jobs.get(call.parameters.job)
    if job is None or job.establishment != call.establishment:
        raise ProblemError(Kind.UNKNOWN_JOB, "The service has no job of this id; a restart forgets jobs.")
    return Answer(value=job)


@strict
@dataclass(frozen=True, slots=True, kw_only=True)
class RunsQuery:
    """How many runs."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A ranking that was computed."""

    run: int
    horizon: str
    pack_version: str
    started_at: datetime
    finished_at: datetime
    observed_until: datetime | None
    unreviewed_numbers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunList:
    """The last runs, the newest first."""

    items: tuple[RunSummary, ...]


async def list_runs(call: SiteCall[RunsQuery, None]) -> Answer[RunList]:
    """The rankings that were computed and kept."""
    async with call.database() as connection:
        stored = await rankings.recent(connection, call.establishment, limit=call.parameters.limit)
    return Answer(
        value=RunList(
            items=tuple(
                RunSummary(
                    run=each.id,
                    horizon=each.run.horizon,
                    pack_version=each.run.pack_version,
                    started_at=each.run.started_at,
                    finished_at=each.run.finished_at,
                    observed_until=each.run.observed_until,
                    unreviewed_numbers=each.unreviewed_numbers,
                )
                for each in stored
            )
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EstablishmentView:
    """A hospital and how much is known of it."""

    id: EstablishmentId
    name: str
    beds: int | None
    assets: int
    assets_by_type: dict[str, int]  # "" counts those of unknown type
    observations: int
    observed_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EstablishmentList:
    """The establishments a token opens."""

    items: tuple[EstablishmentView, ...]


async def list_establishments(call: SiteCall[Nothing, None]) -> Answer[EstablishmentList]:
    """The establishment of the token, with what is known of it."""
    async with call.database() as connection:
        hospital = await establishments.get(connection, call.establishment)
        by_type = await assets.count_by_type(connection, call.establishment)
        view = EstablishmentView(
            id=call.establishment,
            name="" if hospital is None else hospital.name,
            beds=None if hospital is None else hospital.beds,
            assets=sum(by_type.values()),
            assets_by_type={kind or "": number for kind, number in by_type.items()},
            observations=await observations.count(connection, call.establishment),
            observed_until=await observations.newest_seen_at(connection, call.establishment),
        )
    return Answer(value=EstablishmentList(items=(view,)))


ROUTES = (
    Route(
        method="POST",
        path="/v1/jobs",
        handler=post_job,
        summary="Ask for long work",
        roles=DECIDERS,
        tag="jobs",
        status=202,
        problems=(Kind.TOO_MANY_JOBS,),
    ),
    Route(
        method="GET",
        path="/v1/jobs/{job}",
        handler=get_job,
        summary="How far a job is",
        roles=DECIDERS,
        tag="jobs",
        problems=(Kind.UNKNOWN_JOB,),
    ),
    Route(method="GET", path="/v1/runs", handler=list_runs, summary="The last runs", roles=PEOPLE, tag="jobs"),
    Route(
        method="GET",
        path="/v1/establishments",
        handler=list_establishments,
        summary="The establishments a token opens",
        roles=PEOPLE | AGENTS,
        tag="inventory",
    ),
)
