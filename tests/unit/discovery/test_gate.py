"""The gate in simulated time: pace, patience, breakers, ledger before packet, and the kill switch."""

import asyncio
import itertools
import sqlite3
from pathlib import Path

import pytest

from discovery.ledger import LEDGER_NAME, Entry, LedgerError, verify
from discovery.rules import Refusal
from discovery.safety import KILL_NAME, Answer, Heard, Silence
from riskdb.model.policy import Budget, Credential
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
    PUMP,
    SWITCH,
    MemoryNetwork,
    SimulatedLoop,
    known,
    plan,
    simulate,
)


def test_an_answer_comes_back_with_its_time(tmp_path: Path) -> None:
    heard = ask(ONE_PRINTER, tmp_path, MemoryNetwork({PRINTER: answering()}), [question()])
    assert isinstance(heard[0], Answer)
    assert heard[0].payload == b"an answer"


def test_a_refused_address_gets_no_packet_and_one_counted_row(tmp_path: Path) -> None:
    network = MemoryNetwork()
    heard = ask(plan(), tmp_path, network, [question()] * 5)
    assert {h.rule for h in heard if isinstance(h, Refusal)} == {"unknown_means_passive"}
    assert network.sent == []
    assert [(r.target, r.count) for r in rows(tmp_path, Entry.REFUSED)] == [(PRINTER, 1)]
    assert [(r.target, r.count) for r in rows(tmp_path, Entry.REFUSED_AGAIN)] == [(PRINTER, 4)]


def test_no_port_but_the_plans_is_ever_spoken_to(tmp_path: Path) -> None:
    network = MemoryNetwork({PRINTER: answering()})
    assert ask(ONE_PRINTER, tmp_path, network, [question(port=9100)]) == [
        Refusal("port", "port 9100 is not the plan's port")
    ]
    assert network.sent == []


def test_every_packet_has_its_row_on_the_disk_before_it_leaves(tmp_path: Path) -> None:
    many = plan(known=tuple(known(f"127.9.1.{n}") for n in range(1, 41)))
    network = MemoryNetwork({f"127.9.1.{n}": answering() for n in range(1, 41)})
    seen_before: list[bool] = []

    def look(address: str) -> None:
        with sqlite3.connect(tmp_path / LEDGER_NAME) as database:
            found = database.execute("SELECT 1 FROM ledger WHERE entry = 'sent' AND target = ?", (address,))
            seen_before.append(found.fetchone() is not None)

    network.before_send = look
    ask(many, tmp_path, network, [question(f"127.9.1.{n}") for n in range(1, 41)])
    assert seen_before == [True] * 40
    assert len(rows(tmp_path, Entry.SENT)) == 40
    assert verify(tmp_path).whole


def test_without_a_ledger_no_packet_leaves(tmp_path: Path) -> None:
    network = MemoryNetwork({PRINTER: answering()})

    async def main() -> None:
        async with gate_of(ONE_PRINTER, tmp_path, network) as gate:
            with sqlite3.connect(tmp_path / LEDGER_NAME) as other:
                other.execute("DROP TABLE ledger")
            await gate.exchange(question())

    with pytest.raises(LedgerError, match="writing the ledger"):
        simulate(main())
    assert network.sent == []


def test_a_device_is_asked_once_a_second_and_one_thing_at_a_time(tmp_path: Path) -> None:
    network = MemoryNetwork({PRINTER: answering(after_s=0.5)})
    ask(ONE_PRINTER, tmp_path, network, [question()] * 4)
    times = network.times_to(PRINTER)
    assert len(times) == 4
    assert all(later - earlier >= 1.5 for earlier, later in itertools.pairwise(times))  # a second after the answer


def test_a_switch_may_be_asked_twenty_times_a_second(tmp_path: Path) -> None:
    network = MemoryNetwork({PRINTER: answering(after_s=0.001)})
    ask(plan(known=(known(PRINTER, SWITCH),)), tmp_path, network, [question()] * 10)
    times = network.times_to(PRINTER)
    assert 0.45 < times[-1] - times[0] < 1.0


def test_a_subnet_gets_no_more_than_its_budget(tmp_path: Path) -> None:
    hosts = [f"127.9.1.{n}" for n in range(1, 61)]
    network = MemoryNetwork({host: answering() for host in hosts})
    ask(plan(known=tuple(map(known, hosts))), tmp_path, network, map(question, hosts))
    times = [at for at, _, _ in network.sent]
    assert all(sum(1 for t in times if start <= t < start + 1) <= 21 for start in times)
    assert times[-1] < 4


def test_a_stalled_agent_does_not_catch_up_in_a_burst(tmp_path: Path) -> None:
    hosts = [f"127.9.1.{n}" for n in range(1, 61)]
    network = MemoryNetwork({host: answering() for host in hosts})

    def stall(address: str) -> None:
        loop = asyncio.get_running_loop()
        if address == hosts[0] and isinstance(loop, SimulatedLoop):
            loop.moment += 1.5

    network.before_send = stall
    ask(plan(known=tuple(map(known, hosts))), tmp_path, network, map(question, hosts))
    times = [at for at, _, _ in network.sent]
    assert {to for _, to, _ in network.sent} == set(hosts)
    # One may have had its slot when all stood still.
    assert all(sum(1 for t in times if start <= t < start + 1) <= 22 for start in times)


def test_an_establishment_gets_no_more_than_its_budget_however_many_subnets_it_has(tmp_path: Path) -> None:
    hosts = [f"127.9.{n}.5" for n in range(1, 101)]
    network = MemoryNetwork({host: answering() for host in hosts})
    budget = Budget(establishment_packets_per_s=10)
    ask(plan(known=tuple(map(known, hosts)), budget=budget), tmp_path, network, map(question, hosts))
    times = [at for at, _, _ in network.sent]
    assert len(times) == 100
    assert all(sum(1 for t in times if start <= t < start + 1) <= 11 for start in times)


def test_no_more_than_fifty_devices_are_asked_at_the_same_time(tmp_path: Path) -> None:
    hosts = [f"127.9.{n}.5" for n in range(1, 121)]
    network = MemoryNetwork()  # nobody answers: each waits its second
    quick = Budget(establishment_packets_per_s=1000)
    ask(plan(known=tuple(map(known, hosts)), budget=quick), tmp_path, network, map(question, hosts))
    times = [at for at, _, _ in network.sent]
    assert all(sum(1 for t in times if start <= t < start + 0.9) <= 50 for start in times)


def test_silence_gets_one_retry_then_rest(tmp_path: Path) -> None:
    network = MemoryNetwork()

    async def main() -> list[Heard]:
        async with gate_of(ONE_PRINTER, tmp_path, network) as gate:
            first = await gate.exchange(question())
            second = await gate.exchange(question())
            await asyncio.sleep(15 * 60)
            third = await gate.exchange(question())
            await asyncio.sleep(16 * 60)
            return [first, second, third, await gate.exchange(question())]

    first, second, third, fourth = simulate(main())
    assert isinstance(first, Silence)
    assert isinstance(second, Refusal)
    assert second.rule == "backing_off"
    assert isinstance(third, Silence)  # a quarter of an hour later once more
    assert isinstance(fourth, Refusal)  # and then half an hour
    assert len(network.sent) == 4


def test_a_late_answer_is_taken_while_its_retry_waits_and_dropped_afterwards(tmp_path: Path) -> None:
    network = MemoryNetwork({PRINTER: answering(after_s=2.5)})

    async def main() -> tuple[Heard, int]:
        async with gate_of(ONE_PRINTER, tmp_path, network) as gate:
            heard = await gate.exchange(question())
            await asyncio.sleep(10)
            return heard, gate.counts.strays

    heard, strays = simulate(main())
    assert isinstance(heard, Answer)
    assert strays == 1  # the answer to the retry came when nobody waited any more


def test_answers_of_others_are_counted_and_dropped(tmp_path: Path) -> None:
    network = MemoryNetwork({PRINTER: lambda _: [(0.1, None, b"to somebody else"), (0.1, "127.9.1.66", b"an answer")]})

    async def main() -> tuple[Heard, int, int]:
        async with gate_of(ONE_PRINTER, tmp_path, network) as gate:
            heard = await gate.exchange(question())
            return heard, gate.counts.foreign, gate.counts.strays

    heard, foreign, strays = simulate(main())
    assert isinstance(heard, Silence)
    assert (foreign, strays) == (2, 2)  # of the packet and of its retry


def test_a_device_that_fell_silent_after_a_reply_rests_for_a_day_even_across_a_restart(tmp_path: Path) -> None:
    network = MemoryNetwork({PRINTER: falling_silent(1)})

    async def main() -> list[Heard]:
        async with gate_of(ONE_PRINTER, tmp_path, network) as gate:
            heard = [await gate.exchange(question()) for _ in range(3)]
        async with gate_of(ONE_PRINTER, tmp_path, network) as gate:
            heard.append(await gate.exchange(question()))
            await asyncio.sleep(DAY_S)
            heard.append(await gate.exchange(question()))
        return heard

    answer, silence, stopped, stopped_again, next_day = simulate(main())
    assert isinstance(answer, Answer)
    assert isinstance(silence, Silence)
    assert [h.rule for h in (stopped, stopped_again) if isinstance(h, Refusal)] == ["breaker_device"] * 2
    assert isinstance(next_day, Silence)
    assert [row.rule for row in rows(tmp_path, Entry.ALERT)] == ["breaker_device"] * 2


def test_three_devices_that_fell_silent_stop_their_subnet_and_no_other(tmp_path: Path) -> None:
    hosts = [f"127.9.1.{n}" for n in range(1, 11)]
    network = MemoryNetwork({host: answering() for host in [*hosts, "127.9.2.1"]})
    network.devices |= {host: falling_silent(1) for host in hosts[:3]}

    async def main() -> tuple[Heard, Heard, Heard]:
        async with gate_of(plan(known=tuple(map(known, [*hosts, "127.9.2.1"]))), tmp_path, network) as gate:
            for _ in range(2):
                await asyncio.gather(*(gate.exchange(question(host)) for host in hosts))
            same, other = await gate.exchange(question(hosts[-1])), await gate.exchange(question("127.9.2.1"))
        async with gate_of(plan(known=(known(hosts[-1]),)), tmp_path, network) as gate:
            return same, other, await gate.exchange(question(hosts[-1]))

    same, other, after_a_restart = simulate(main())
    assert [h.rule for h in (same, after_a_restart) if isinstance(h, Refusal)] == ["breaker_subnet"] * 2
    assert isinstance(other, Answer)


def test_the_kill_file_stops_every_packet_within_a_second_and_in_later_runs(tmp_path: Path) -> None:
    hosts = [f"127.9.1.{n}" for n in range(1, 101)]
    network = MemoryNetwork({host: answering() for host in hosts})
    all_known = plan(known=tuple(map(known, hosts)))

    async def main() -> float:
        async with gate_of(all_known, tmp_path, network) as gate:
            asking = [asyncio.create_task(gate.exchange(question(host))) for host in hosts]
            await asyncio.sleep(2.0)
            (tmp_path / KILL_NAME).touch()
            thrown = asyncio.get_running_loop().time()
            await gate.killed.wait()
            reacted = asyncio.get_running_loop().time() - thrown
            await asyncio.gather(*asking)
            assert not [at for at, _, _ in network.sent if at > thrown + 0.25]
            return reacted

    assert simulate(main()) <= 0.3
    sent = len(network.sent)
    assert 0 < sent < 100
    heard = ask(all_known, tmp_path, network, [question(hosts[-1])])
    assert isinstance(heard[0], Refusal)
    assert len(network.sent) == sent


def test_a_packet_that_the_system_refuses_is_taken_back_in_the_ledger(tmp_path: Path) -> None:
    network = MemoryNetwork()

    def no_route(_address: str) -> None:
        raise OSError(101, "Network is unreachable")

    network.before_send = no_route
    heard = ask(ONE_PRINTER, tmp_path, network, [question()])
    assert isinstance(heard[0], Refusal)
    assert [row.target for row in rows(tmp_path, Entry.NOT_SENT)] == [PRINTER]


def test_a_restarted_agent_does_not_hurry_whom_the_last_one_asked(tmp_path: Path) -> None:
    network = MemoryNetwork({PRINTER: answering()})

    async def main() -> None:
        for _ in range(2):
            async with gate_of(ONE_PRINTER, tmp_path, network) as gate:
                await gate.exchange(question())

    simulate(main())
    first, second = network.times_to(PRINTER)
    assert second - first >= 1.0


def test_credentials_are_tried_only_in_their_ranges_and_the_proven_one_alone(tmp_path: Path) -> None:
    ward = Credential(name="ward", version="2c", community="a", ranges=("127.9.1.0/24",))
    lab = Credential(name="lab", version="2c", community="b", ranges=("127.9.2.0/24",))
    house = Credential(name="house", version="2c", community="c")

    async def main() -> None:
        async with gate_of(plan(credentials=(ward, lab, house)), tmp_path, MemoryNetwork()) as gate:
            assert gate.credentials_of(PRINTER) == (ward, house)
            gate.remember_credential(PRINTER, house)
        async with gate_of(plan(credentials=(ward, lab, house)), tmp_path, MemoryNetwork()) as gate:
            assert gate.credentials_of(PRINTER) == (house,)

    simulate(main())


def test_no_secret_is_in_the_ledger(tmp_path: Path) -> None:
    secret = Credential(name="read", version="2c", community="hush-hush-7")
    network = MemoryNetwork({PRINTER: answering()})
    asked = [question(text=b"public? hush-hush-7"), question("127.9.1.6", text=b"hush-hush-7")]
    ask(plan(known=(known(PRINTER), known("127.9.1.6", PUMP)), credentials=(secret,)), tmp_path, network, asked)
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"hush-hush-7" not in stored
