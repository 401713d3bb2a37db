"""The jobs of this process: a bounded queue, one worker, and what became of each. It knows no hospital.

A job lives as long as the process; what it made is in the database. A job that a restart cut short changed nothing
or ended with one whole transaction, so asking for it again is always safe.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

import structlog

from riskdb.model.ids import EstablishmentId
from service.errors import Kind, ProblemError
from service.jobs.pipeline import OnProgress, PipelineReport

log = structlog.get_logger()

WAITING_MAX = 64  # each may take minutes of a core; more in the queue means that nobody reads the answers
KEPT_MAX = 256  # ended jobs that can still be asked about


class JobKind(StrEnum):
    """What a job does."""

    REIDENTIFY = "reidentify"  # observations to assets, then everything after it
    RERANK = "rerank"  # assets to graph and ranking


class JobState(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job and how far it is."""

    id: str
    kind: JobKind
    establishment: EstablishmentId
    state: JobState
    stage: str | None
    progress: float  # of the stage, 0..1
    asked_at: datetime
    ended_at: datetime | None = None
    failure: str | None = None
    report: PipelineReport | None = None  # of a job that is done


Work = Callable[[Job, OnProgress], Awaitable[PipelineReport]]


class Jobs:
    """Jobs of all establishments, done one after the other: they are bound by the processor, not by waiting."""

    def __init__(self, work: Work, *, on_end: Callable[[Job], None] = lambda job: None) -> None:
        self._work = work
        self._on_end = on_end
        self._queue: asyncio.Queue[str] = asyncio.Queue(maxsize=WAITING_MAX)
        self._jobs: dict[str, Job] = {}

    def ask(self, kind: JobKind, *, establishment: EstablishmentId, now: datetime) -> Job:
        """Queue a job; the same job already waiting is given back instead of a second one."""
        for job in self._jobs.values():
            if job.state is JobState.WAITING and (job.kind, job.establishment) == (kind, establishment):
                return job
        if self._queue.full():
            raise ProblemError(Kind.TOO_MANY_JOBS, f"{WAITING_MAX} jobs are waiting. Try again later.")
        job = Job(
            id=uuid4().hex,
            kind=kind,
            establishment=establishment,
            state=JobState.WAITING,
            stage=None,
            progress=0.0,
            asked_at=now,
        )
        self._jobs[job.id] = job
        self._queue.put_nowait(job.id)
        self._forget_old()
        return job

    def get(self, job: str) -> Job | None:
        """A job of this process, by id."""
        return self._jobs.get(job)

    async def run(self) -> None:
        """Do the jobs, for ever; cancelled at shutdown."""
        while True:
            await self._do(await self._queue.get())

    async def _do(self, job: str) -> None:
        self._change(job, state=JobState.RUNNING)
        try:
            report = await self._work(
                self._jobs[job], lambda stage, share: self._change(job, stage=stage, progress=share)
            )
        except ProblemError as problem:
            self._end(job, state=JobState.FAILED, failure=problem.detail)
        except Exception:  # the task guard: one failed job must not end the worker
            log.exception("job_failed", job=job, kind=self._jobs[job].kind)
            self._end(job, state=JobState.FAILED, failure=f"It broke; the service's log says why under the job {job}.")
        else:
            self._change(job, report=report)
            self._end(job, state=JobState.DONE, failure=None)

    def _end(self, job: str, *, state: JobState, failure: str | None) -> None:
        self._change(job, state=state, failure=failure, ended_at=datetime.now(UTC))
        self._on_end(self._jobs[job])

    def _change(self, job: str, **changes: Any) -> None:
        self._jobs[job] = replace(self._jobs[job], **changes)

    def _forget_old(self) -> None:
        ended = [job.id for job in self._jobs.values() if job.ended_at is not None]
        for job in ended[: max(0, len(ended) - KEPT_MAX)]:
            del self._jobs[job]
