"""Stations 3 to 7 for one establishment: recognise, settle, relate, fail, rank; computed in a thread, saved whole.

Two transactions: the settlement, then the run with its graph. Whatever is cut short leaves what was there before.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

import structlog

from discovery.fingerprints import load_cards, recognise
from riskdb.exchange import graph_document
from riskdb.graph import build_graph
from riskdb.identify import settle
from riskdb.impact import compile
from riskdb.knowledge import Pack, load_pack
from riskdb.model.asset import Asset, Settlement, Sighting
from riskdb.model.care import DEFAULT_HORIZON, BuiltGraph
from riskdb.model.claim import Claim
from riskdb.model.ids import EstablishmentId, ObservationId
from riskdb.model.impact import Ranking
from riskdb.model.observation import Observation
from riskdb.model.place import ObservedLink
from riskdb.ranking import rank
from riskdb.store import assets, establishments, observations, places, rankings, settlements
from riskdb.store.locks import run_lock
from riskdb.store.pool import scope
from riskdb.store.rankings import RankingRun
from riskdb.store.statements import Pool
from service.errors import Kind, ProblemError

log = structlog.get_logger()

T = TypeVar("T")
OnProgress = Callable[[str, float], None]  # stage, share of it done


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineReport:
    """What a run saw, made and cost."""

    establishment: EstablishmentId
    run: int
    observations: int
    claims_unknown: int
    assets: int
    questions: int
    unreviewed_numbers: int
    timings_s: Mapping[str, float]  # by stage: load, recognise, settle, relate, rank, save


def ignore_progress(stage: str, share: float) -> None:
    """For callers that show no progress."""


async def run_pipeline(
    pool: Pool, establishment: EstablishmentId, on_progress: OnProgress = ignore_progress, *, resettle: bool = True
) -> PipelineReport:
    """Settle all observations anew (unless `resettle` is False) and rank; a problem if a run is under way already."""
    async with run_lock(pool, establishment) as held:
        if not held:
            raise ProblemError(
                Kind.ALREADY_RUNNING, "A run of this establishment is under way. Ask again when it ends."
            )
        run = _Run(pool, establishment, on_progress)
        with run.stopping():
            settled = await run.settle() if resettle else await run.read_settled()
            report = await run.rank(settled)
    log.info("pipeline_done", establishment=establishment, run=report.run, **report.timings_s)
    return report


class _Stopped(Exception):  # noqa: N818 - an order, not an error
    """Ends the computation in its thread once nobody waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settled:
    """What station 5 needs of what stands before it."""

    assets: Sequence[Asset]
    links: Sequence[ObservedLink]
    observations: int
    claims_unknown: int
    observed_until: datetime | None


@dataclass(slots=True)
class _Run:
    """One run: where it is, and what its stages took."""

    pool: Pool
    establishment: EstablishmentId
    on_progress: OnProgress
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    timings_s: dict[str, float] = field(default_factory=dict)
    _told: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    @contextmanager
    def stopping(self) -> Iterator[None]:
        """Whatever ends us also ends our thread, at its next progress report."""
        try:
            yield
        finally:
            self._stop.set()

    async def settle(self) -> _Settled:
        """Stations 3 and 4, saved in one transaction."""
        async with self._stage("load"), scope(self.pool, self.establishment) as connection:
            heard = await observations.load(connection, self.establishment)
            known = await settlements.known_keys(connection, self.establishment)
            locked = await settlements.locked(connection, self.establishment)
            rooms = await places.rooms(connection, self.establishment)
            ports = await places.ports(connection, self.establishment)
        async with self._stage("recognise"):
            sightings = await asyncio.to_thread(self._recognise, heard)
        async with self._stage("settle"):
            settlement: Settlement = await asyncio.to_thread(
                settle,
                sightings,
                establishment=self.establishment,
                known=known,
                ports=ports,
                rooms=rooms,
                locked=locked,
            )
        claims: dict[ObservationId, Claim] = {s.observation.id: s.claim for s in sightings}
        async with self._stage("save"), scope(self.pool, self.establishment) as connection:
            await settlements.save(connection, self.establishment, settlement, claims, recorded_at=datetime.now(UTC))
        return _Settled(
            assets=settlement.assets,
            links=settlement.links,
            observations=len(heard),
            claims_unknown=sum(claim.is_unknown for claim in claims.values()),
            observed_until=max((o.seen_at for o in heard), default=None),
        )

    async def read_settled(self) -> _Settled:
        """The last settlement, as it was saved."""
        async with self._stage("load"), scope(self.pool, self.establishment) as connection:
            return _Settled(
                assets=await assets.all_current(connection, self.establishment),
                links=await assets.links(connection, self.establishment),
                observations=await observations.count(connection, self.establishment),
                claims_unknown=await assets.count_unknown_claims(connection, self.establishment),
                observed_until=await observations.newest_seen_at(connection, self.establishment),
            )

    async def rank(self, settled: _Settled) -> PipelineReport:
        """Stations 5 to 7, saved in one transaction."""
        async with scope(self.pool, self.establishment) as connection:
            units = await places.units(connection, self.establishment)
            declared = await places.declared_links(connection, self.establishment)
            hospital = await establishments.get(connection, self.establishment)
        pack = load_pack()
        async with self._stage("relate"):
            built = await asyncio.to_thread(
                build_graph,
                pack=pack,
                assets=settled.assets,
                units=units,
                links=settled.links,
                declared=declared,
                beds=None if hospital is None else hospital.beds,
            )
        async with self._stage("rank"):
            ranking = await asyncio.to_thread(self._rank, built)
        number = await self._save(ranking, built, pack=pack, observed_until=settled.observed_until)
        return PipelineReport(
            establishment=self.establishment,
            run=number,
            observations=settled.observations,
            claims_unknown=settled.claims_unknown,
            assets=len(settled.assets),
            questions=len(built.questions),
            unreviewed_numbers=built.unreviewed_numbers,
            timings_s=self.timings_s,
        )

    async def _save(self, ranking: Ranking, built: BuiltGraph, *, pack: Pack, observed_until: datetime | None) -> int:
        run = RankingRun(
            horizon=ranking.horizon,
            pack_version=pack.version,
            started_at=self.started_at,
            finished_at=datetime.now(UTC),
            observed_until=observed_until,
        )
        document = await asyncio.to_thread(graph_document, built.graph)
        async with self._stage("save"), scope(self.pool, self.establishment) as connection:
            return await rankings.save(
                connection, self.establishment, run=run, ranking=ranking, built=built, graph=document
            )

    def _recognise(self, heard: Sequence[Observation]) -> list[Sighting]:
        cards = load_cards()  # the first time some 0.3 s, so not in the loop
        sightings = []
        for index, observation in enumerate(heard):
            if index % PROGRESS_EVERY == 0:
                self._tell("recognise", index / len(heard))
            sightings.append(Sighting(observation=observation, claim=recognise(observation, cards)))
        return sightings

    def _rank(self, built: BuiltGraph) -> Ranking:
        return rank(
            compile(built.graph),
            horizon=DEFAULT_HORIZON,
            limit=rankings.RUN_ROWS_MAX,
            on_progress=lambda done, of: self._tell("rank", done / of),
        )

    def _tell(self, stage: str, share: float) -> None:
        """Report from the thread; here it also learns that it should stop."""
        if self._stop.is_set():
            raise _Stopped
        if 0 < share < 1 and share - self._told < PROGRESS_STEP:
            return
        self._told = share
        self._loop.call_soon_threadsafe(self.on_progress, stage, share)

    @asynccontextmanager
    async def _stage(self, name: str) -> AsyncIterator[None]:
        self._told = 0.0
        self.on_progress(name, 0.0)
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.timings_s[name] = round(self.timings_s.get(name, 0.0) + time.perf_counter() - begun, 4)
        self.on_progress(name, 1.0)


PROGRESS_STEP = 0.01  # of a stage; the loop has better to do than to hear of every node
PROGRESS_EVERY = 256  # observations; some 20 ms of work
