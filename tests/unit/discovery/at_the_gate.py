"""What the tests of the gate share: a gate in simulated time, questions, and devices that answer or fall silent."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from discovery.ledger import Entry, Ledger, Row, read_rows
from discovery.safety import Gate, Heard, Packet
from riskdb.model.policy import Plan
from tests.unit.discovery.simulated import (
    Behaviour,
    MemoryNetwork,
    SimulatedClock,
    known,
    plan,
    simulate,
)

PRINTER = "127.9.1.5"
DAY_S = 24 * 3600.0


@asynccontextmanager
async def gate_of(
    a_plan: Plan, directory: Path, network: MemoryNetwork, *, clock: SimulatedClock | None = None
) -> AsyncIterator[Gate]:
    with Ledger(directory) as book:
        async with Gate(a_plan, directory, book=book, clock=clock or SimulatedClock(), network=network) as gate:
            yield gate


def question(address: str = PRINTER, *, text: bytes = b"who are you?", port: int = 16_100) -> Packet:
    return Packet(address=address, port=port, payload=text, probe="test", accepts=lambda octets: octets == b"an answer")


def answering(*, after_s: float = 0.01, source: str | None = None, octets: bytes = b"an answer") -> Behaviour:
    return lambda _question: [(after_s, source, octets)]


def rows(directory: Path, entry: Entry) -> list[Row]:
    return [row for row in read_rows(directory) if row.entry is entry]


def ask(a_plan: Plan, directory: Path, network: MemoryNetwork, packets: Iterable[Packet]) -> list[Heard]:
    async def main() -> list[Heard]:
        async with gate_of(a_plan, directory, network) as gate:
            return list(await asyncio.gather(*(gate.exchange(packet) for packet in packets)))

    return simulate(main())


ONE_PRINTER = plan(known=(known(PRINTER),))


def falling_silent(after: int) -> Behaviour:
    told = itertools.count()
    return lambda _: [(0.01, None, b"an answer")] if next(told) < after else []
