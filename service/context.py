"""What every request handler can reach: the database, the knowledge, the last runs and the jobs of this process."""

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from riskdb.knowledge import Pack
from riskdb.store.statements import Pool
from service.jobs.runner import Jobs
from service.metrics import Metrics
from service.runs import Runs
from service.sealing import Sealer
from service.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The working parts of one application."""

    settings: Settings
    pool: Pool
    pack: Pack
    runs: Runs
    jobs: Jobs
    sealer: Sealer
    metrics: Metrics
    openapi: bytes  # the document, written once


CONTEXT: Final = web.AppKey("context", Context)
