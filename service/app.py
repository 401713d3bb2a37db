"""The service: routes, database, knowledge and jobs put together, started and stopped. It answers nothing itself."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from functools import partial

import structlog
from aiohttp import web

from riskdb.knowledge import load_pack
from riskdb.store.pool import open_pool
from riskdb.store.statements import Pool
from service.api import assets, declarations, health, impact, jobs, observations, pathways
from service.border import border
from service.context import CONTEXT, Context
from service.errors import InputError
from service.jobs.follow import follow
from service.jobs.pipeline import OnProgress, PipelineReport, run_pipeline
from service.jobs.runner import Job, JobKind, Jobs
from service.logs import configure_logs
from service.metrics import Metrics
from service.openapi import openapi
from service.routes import Route, encoded, register
from service.runs import Runs
from service.sealing import sealer_of
from service.settings import Settings

log = structlog.get_logger()

DRAIN_S_MAX = 10.0  # for requests under way when asked to stop; then their connections close

ROUTES: tuple[Route, ...] = (
    *health.ROUTES,
    *observations.ROUTES,
    *assets.ROUTES,
    *impact.ROUTES,
    *pathways.ROUTES,
    *declarations.ROUTES,
    *jobs.ROUTES,
)


async def create_app(settings: Settings) -> web.Application:
    """The application, its database open; RoleError if the database role may do too much. Cleaned up with the app."""
    if settings.database_url is None:
        raise InputError("starting the service: no database is named: set DATABASE_URL, or use --embedded")
    app = web.Application(middlewares=[border])
    register(app, ROUTES)
    app.cleanup_ctx.append(_working)
    sealer, pack, metrics = sealer_of(settings.state), load_pack(), Metrics()
    document = encoded(openapi(ROUTES))
    pool = await open_pool(settings.database_url)  # last: whatever fails before leaves no connection behind
    app[CONTEXT] = Context(
        settings=settings,
        pool=pool,
        pack=pack,
        runs=Runs(pack),
        jobs=Jobs(partial(_work, pool, metrics), on_end=lambda job: metrics.jobs.labels(job.kind, job.state).inc()),
        sealer=sealer,
        metrics=metrics,
        openapi=document,
    )
    return app


async def _work(pool: Pool, metrics: Metrics, job: Job, on_progress: OnProgress) -> PipelineReport:
    report = await run_pipeline(pool, job.establishment, on_progress, resettle=job.kind is JobKind.REIDENTIFY)
    for stage, seconds in report.timings_s.items():
        metrics.stage_seconds.labels(stage).observe(seconds)
    return report


async def _working(app: web.Application) -> AsyncIterator[None]:
    """The worker of the jobs and what keeps it busy, as long as the application lives; then the database closes."""
    context = app[CONTEXT]
    tasks = [asyncio.create_task(context.jobs.run(), name="jobs")]  # owned here: awaited below
    if context.settings.follow_s > 0:
        following = follow(context.pool, context.jobs, every_s=context.settings.follow_s)
        tasks.append(asyncio.create_task(following, name="follow"))
    yield
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    await context.pool.close()


async def run(settings: Settings, *, on_ready: Callable[[int], None] = lambda port: None) -> None:
    """Serve until SIGTERM or SIGINT, then let requests under way end. `on_ready` hears the port.

    InputError when the port is taken.
    """
    configure_logs(as_json=settings.log_json)
    runner = web.AppRunner(
        await create_app(settings), handle_signals=False, access_log=None, shutdown_timeout=DRAIN_S_MAX
    )
    await runner.setup()
    try:
        port = await _listen(runner, settings)
        log.info("serving", host=settings.host, port=port)
        on_ready(port)
        await _asked_to_stop()
        log.info("stopping", drain_s=DRAIN_S_MAX)
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, settings: Settings) -> int:
    site = web.TCPSite(runner, settings.host, settings.port)
    try:
        await site.start()
    except OSError as error:
        raise InputError(
            f"listening on {settings.host} port {settings.port}: {error.strerror}. "
            "Stop what uses it, or name another port with --port."
        ) from error
    return int(runner.addresses[0][1])


async def _asked_to_stop() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
