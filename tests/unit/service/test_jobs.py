"""Jobs wait in line, are not queued twice, and end as done or failed: one failed job never stops the next."""

import asyncio
from datetime import UTC, datetime

import pytest

from riskdb.model.ids import EstablishmentId
from service.errors import Kind, ProblemError
from service.jobs.pipeline import OnProgress, PipelineReport
from service.jobs.runner import KEPT_MAX, WAITING_MAX, Job, JobKind, Jobs, JobState, Work

NOW = datetime(2026, 11, 20, tzinfo=UTC)
HERE = EstablishmentId(1)


def report(run: int) -> PipelineReport:
    return PipelineReport(
        establishment=HERE,
        run=run,
        observations=0,
        claims_unknown=0,
        assets=0,
        questions=0,
        unreviewed_numbers=0,
        timings_s={},
    )


async def nothing(job: Job, on_progress: OnProgress) -> PipelineReport:
    on_progress("rank", 0.5)
    return report(1)


class Office:
    """Jobs, and a wait until as many as were asked for have ended."""

    def __init__(self, work: Work = nothing) -> None:
        self.ended = asyncio.Semaphore(0)
        self.jobs = Jobs(work, on_end=lambda job: self.ended.release())

    async def work_off(self, number: int) -> None:
        worker = asyncio.create_task(self.jobs.run())
        for _ in range(number):
            await self.ended.acquire()
        worker.cancel()


def ask(jobs: Jobs, kind: JobKind = JobKind.RERANK, establishment: int = 1) -> Job:
    return jobs.ask(kind, establishment=EstablishmentId(establishment), now=NOW)


async def test_a_job_that_waits_is_given_back_instead_of_a_second_one() -> None:
    jobs = Jobs(nothing)
    assert ask(jobs).id == ask(jobs).id
    assert ask(jobs).id != ask(jobs, JobKind.REIDENTIFY).id
    assert ask(jobs).id != ask(jobs, establishment=2).id


async def test_too_many_waiting_jobs_are_refused() -> None:
    jobs = Jobs(nothing)
    for establishment in range(WAITING_MAX):
        ask(jobs, establishment=establishment)
    with pytest.raises(ProblemError) as refused:
        ask(jobs, establishment=WAITING_MAX)
    assert refused.value.kind is Kind.TOO_MANY_JOBS


async def test_a_done_job_keeps_its_report_and_a_failed_one_its_sentence() -> None:
    async def work(job: Job, on_progress: OnProgress) -> PipelineReport:
        if job.establishment == 2:
            raise ProblemError(Kind.ALREADY_RUNNING, "Somebody else is at it.")
        if job.establishment == 3:
            raise RuntimeError("password hunter2")
        return report(7)

    office = Office(work)
    jobs = office.jobs
    asked = [ask(jobs, establishment=n) for n in (1, 2, 3, 4)]
    await office.work_off(4)
    ended = [jobs.get(job.id) for job in asked]
    assert [job and job.state for job in ended] == [JobState.DONE, JobState.FAILED, JobState.FAILED, JobState.DONE]
    assert [job and job.report and job.report.run for job in ended] == [7, None, None, 7]
    assert ended[1] is not None
    assert ended[1].failure == "Somebody else is at it."
    assert ended[2] is not None
    assert "hunter2" not in (ended[2].failure or "")


async def test_old_jobs_are_forgotten() -> None:
    office = Office()
    jobs = office.jobs
    asked = []
    for _ in range(KEPT_MAX + 2):
        asked.append(ask(jobs))
        await office.work_off(1)
    asked.append(ask(jobs))
    assert jobs.get(asked[0].id) is None
    assert sum(jobs.get(job.id) is not None for job in asked) <= KEPT_MAX + 1
