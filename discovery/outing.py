"""One outing of the agent: lock the state directory, open ledger and gate, look around, and report what it cost.

It ends early on a stop or on the kill switch; what was seen until then is in the spool.
"""

import asyncio
import fcntl
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from discovery.agent import Agent
from discovery.fingerprints import CardSet
from discovery.ledger import Ledger, Verification, verify
from discovery.outbox import Spool
from discovery.safety import Gate
from riskdb.model.policy import Plan

LOCK_NAME = "agent.lock"
WHOLE_LEDGER_ROWS_MAX = 100_000  # verified in a second; a longer one is verified from this outing's first row on


class BusyError(OSError):
    """Another agent works in the same state directory: two would double every budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outing:
    """What one outing did."""

    observations: int
    packets_by_probe: dict[str, int]
    refused_by_rule: dict[str, int]  # addresses, not attempts
    addresses_asked: int
    addresses_answered: int
    alerts: int
    strays: int
    foreign: int
    personal: int
    killed: bool
    ledger: Verification
    duration_s: float


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the state directory; BusyError if another agent does."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (directory / LOCK_NAME).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(f"another agent works in {directory}") from error
        yield


async def go_out(
    plan: Plan,
    directory: Path,
    *,
    spool: Spool,
    cards: CardSet,
    listen_s: float,
    stops: Sequence[asyncio.Event],
    kill: asyncio.Event,
) -> Outing:
    """Look around once. Any of `stops` ends it now; `kill` throws the kill switch, which outlives the process."""
    started = time.monotonic()
    with Ledger(directory) as book:
        since = (book.rows, book.head) if book.rows > WHOLE_LEDGER_ROWS_MAX else None
        async with Gate(plan, directory, book=book) as gate:
            agent = Agent(gate, spool, cards)
            looking = asyncio.create_task(agent.look_around(listen_s=listen_s), name="look around")
            events = {asyncio.create_task(e.wait(), name="end") for e in (*stops, kill, gate.killed)}
            try:
                await asyncio.wait({looking, *events}, return_when=asyncio.FIRST_COMPLETED)
                if kill.is_set():
                    gate.kill()
            finally:
                for task in events:
                    task.cancel()
                if not looking.done():
                    looking.cancel()
                await asyncio.gather(looking, *events, return_exceptions=True)
            if not looking.cancelled() and (error := looking.exception()) is not None:
                raise _innermost(error)
    return Outing(
        observations=agent.observations,
        packets_by_probe=dict(sorted((+gate.counts.sent).items())),
        refused_by_rule=dict(sorted(Counter(rule for _, rule in gate.counts.refused).items())),
        addresses_asked=len(gate.counts.asked),
        addresses_answered=len(gate.counts.answered),
        alerts=gate.counts.alerts,
        strays=gate.counts.strays,
        foreign=gate.counts.foreign,
        personal=agent.personal,
        killed=gate.state.killed,
        ledger=verify(directory, since=since),
        duration_s=round(time.monotonic() - started, 3),
    )


def _innermost(error: BaseException) -> BaseException:
    """The trouble itself, out of the groups that task groups wrap it in; the first of several."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
