"""What changes between a permit and its packet: a class, a clock, a switch thrown - and what a whole segment hears."""

import asyncio
import itertools
import os
from collections.abc import Iterable
from datetime import timedelta
from ipaddress import IPv4Interface
from pathlib import Path

import pytest

from discovery.ledger import Entry, Ledger, Row
from discovery.rules import Refusal
from discovery.safety import KILL_NAME, Gate, Heard, Silence
from riskdb.model.claim import Claim
from riskdb.model.ids import AgentId, EstablishmentId
from riskdb.model.observation import Protocol, observe
from riskdb.model.policy import Plan, Target
from tests.unit.discovery.at_the_gate import (
    DAY_S,
    ONE_PRINTER,
    PRINTER,
    answering,
    ask,
    falling_silent,
    gate_of,
    question,
    rows,
)
from tests.unit.discovery.simulated import (
    MORNING,
    VENTILATOR,
    MemoryNetwork,
    SimulatedClock,
    decision,
    plan,
    simulate,
)


def test_the_kill_file_of_another_user_is_left_as_it_is(tmp_path: Path) -> None:
    switch = tmp_path / KILL_NAME
    switch.touch()
    os.utime(switch, (1, 1))
    heard = ask(ONE_PRINTER, tmp_path, MemoryNetwork(), [question()])
    assert [h.rule for h in heard if isinstance(h, Refusal)] == ["kill_switch"]
    assert switch.stat().st_mtime == 1
    assert [row.rule for row in rows(tmp_path, Entry.ALERT)] == ["kill_switch"]


class StallingLedger(Ledger):
    """A disk so slow that a person throws the kill switch while the group's rows are written."""

    def append(self, rows: Iterable[Row], *, memory: Iterable[tuple[str, str, str]] = ()) -> None:
        written = list(rows)
        super().append(written, memory=memory)
        if any(row.entry is Entry.SENT for row in written):
            (self._path.parent / KILL_NAME).touch()


def test_a_packet_whose_row_took_long_to_write_does_not_outrun_the_kill_switch(tmp_path: Path) -> None:
    network = MemoryNetwork({PRINTER: answering()})

    async def main() -> Heard:
        with StallingLedger(tmp_path) as book:
            async with Gate(ONE_PRINTER, tmp_path, book=book, clock=SimulatedClock(), network=network) as gate:
                return await gate.exchange(question())

    heard = simulate(main())
    assert isinstance(heard, Refusal)
    assert network.sent == []
    assert [row.target for row in rows(tmp_path, Entry.NOT_SENT)] == [PRINTER]


def a_ventilator_after_all(gate: Gate) -> None:
    """Listening hears that the listed printer is a ventilator."""
    observation = observe(
        establishment=EstablishmentId(1),
        agent=AgentId("a"),
        seen_at=MORNING,
        address=PRINTER,
        mac=None,
        protocol=Protocol.MDNS,
        facts={"mdns.service": "_vent._tcp"},
    )
    gate.learn(observation, Claim(observation=observation.id, device_type=VENTILATOR))


@pytest.mark.parametrize(("learnt_after_s", "packets"), [(0.002, 0), (0.5, 1)])
def test_a_class_learnt_between_permit_and_packet_or_before_the_retry_stops_it(
    tmp_path: Path, learnt_after_s: float, packets: int
) -> None:
    network = MemoryNetwork()

    async def main() -> Heard:
        async with gate_of(ONE_PRINTER, tmp_path, network) as gate:
            asyncio.get_running_loop().call_later(learnt_after_s, a_ventilator_after_all, gate)
            return await gate.exchange(question())

    heard = simulate(main())
    assert isinstance(heard, Refusal)
    assert heard.rule == "passive_class"
    assert len(network.sent) == len(rows(tmp_path, Entry.SENT)) == packets


@pytest.mark.parametrize("set_by", [timedelta(days=2), timedelta(days=-400)])
def test_a_clock_that_is_set_neither_ends_nor_stretches_the_rest_of_a_device(tmp_path: Path, set_by: timedelta) -> None:
    network, clock = MemoryNetwork({PRINTER: falling_silent(1)}), SimulatedClock()

    async def main() -> list[Heard]:
        async with gate_of(ONE_PRINTER, tmp_path, network, clock=clock) as gate:
            heard = [await gate.exchange(question()) for _ in range(2)]
            clock.set_by = set_by
            heard.append(await gate.exchange(question()))
        async with gate_of(ONE_PRINTER, tmp_path, network, clock=clock) as gate:  # the clock stays as it was set
            await asyncio.sleep(DAY_S - 60)
            heard.append(await gate.exchange(question()))
            await asyncio.sleep(60)
            return [*heard, await gate.exchange(question())]

    *_, stopped, still_stopped, next_day = simulate(main())
    assert [h.rule for h in (stopped, still_stopped) if isinstance(h, Refusal)] == ["breaker_device"] * 2
    assert isinstance(next_day, Silence)
    assert "clock_set" in [row.rule for row in rows(tmp_path, Entry.ALERT)]


def test_a_run_after_one_with_a_clock_in_the_future_waits_a_second_and_not_a_year(tmp_path: Path) -> None:
    network = MemoryNetwork({PRINTER: answering()})

    async def main() -> float:
        async with gate_of(ONE_PRINTER, tmp_path, network, clock=SimulatedClock(timedelta(days=365))) as gate:
            await gate.exchange(question())
        begun = asyncio.get_running_loop().time()
        async with gate_of(ONE_PRINTER, tmp_path, network) as gate:
            await gate.exchange(question())
        return asyncio.get_running_loop().time() - begun

    assert 1.0 <= simulate(main()) < 2.0


def test_a_segment_question_is_ledgered_like_any_packet(tmp_path: Path) -> None:
    network = MemoryNetwork()
    segment = "127.9.1.0/24"

    async def main() -> tuple[Refusal | None, Refusal | None]:
        async with gate_of(plan(mdns_query=(decision(Target.RANGE, segment),)), tmp_path, network) as gate:
            listener = gate.listen(lambda *_: None)
            assert listener is not None
            asked = await gate.ask_segment(segment, b"who is there?", listener=listener, probe="mdns_query")
            refused = await gate.ask_segment("127.9.2.0/24", b"and there?", listener=listener, probe="mdns_query")
            return asked, refused

    asked, refused = simulate(main())
    assert asked is None
    assert refused is not None
    assert [(row.target, row.rule) for row in rows(tmp_path, Entry.SENT)] == [
        ("224.0.0.251", "mdns_query:Anne Leclerc")
    ]
    assert len(network.sent) == 1


def ask_segment(a_plan: Plan, directory: Path, network: MemoryNetwork, segment: str, times: int = 1) -> list[str]:
    """The rules that refused each question to a segment; empty for one that was asked."""

    async def main() -> list[str]:
        async with gate_of(a_plan, directory, network) as gate:
            listener = gate.listen(lambda *_: None)
            assert listener is not None
            asked = [await gate.ask_segment(segment, b"?", listener=listener, probe="mdns_query") for _ in range(times)]
            return ["" if refusal is None else refusal.rule for refusal in asked]

    return simulate(main())


@pytest.mark.parametrize(
    ("interface", "rule"),
    [
        ("10.1.2.5/24", ""),
        ("10.1.2.5/25", ""),
        ("10.1.3.5/24", "not_on_segment"),  # the question would go out there, where nobody decided anything
        ("10.1.2.5/16", "not_on_segment"),  # it would reach sixteen thousand devices, not the decided few
    ],
)
def test_a_segment_is_asked_only_by_an_agent_that_stands_on_it(tmp_path: Path, interface: str, rule: str) -> None:
    segment = "10.1.2.0/24"
    network = MemoryNetwork(interface=IPv4Interface(interface))
    marked = plan(ranges=("10.1.0.0/16",), mdns_query=(decision(Target.RANGE, segment),))
    assert ask_segment(marked, tmp_path, network, segment) == [rule]
    assert len(network.sent) == (not rule)


def test_a_segment_gets_one_question_a_second_for_each_device_hears_them_all(tmp_path: Path) -> None:
    segment, network = "127.9.1.0/24", MemoryNetwork()
    assert ask_segment(plan(mdns_query=(decision(Target.RANGE, segment),)), tmp_path, network, segment, 4) == [""] * 4
    assert all(later - earlier >= 1.0 for earlier, later in itertools.pairwise(at for at, _, _ in network.sent))
