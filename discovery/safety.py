"""May this packet be sent? The one gate between the agent and every socket, with the ledger.

`Gate.exchange` is the only way to a device: it waits for the pace, asks the rules, writes the ledger, sends, and waits
for the answer. Every packet has its row on the disk before it leaves. It never sends what `rules.decide` refuses.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from ipaddress import IPv4Interface
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from discovery import breaker, ledger
from discovery.budget import Paces
from discovery.clock import Clock, JumpWatch, SystemClock, sleep_until
from discovery.ledger import Entry, Ledger, LedgerError, Row
from discovery.placing import Register
from discovery.rules import (
    DeviceState,
    GateState,
    Permit,
    Placement,
    Refusal,
    Source,
    canonical,
    closing_word,
    decide,
    decide_multicast,
    in_any,
    is_within,
    network,
    subnet_of,
)
from discovery.sockets import Endpoint, Network, UdpNetwork
from riskdb.model.claim import Category, Claim
from riskdb.model.observation import Observation
from riskdb.model.policy import Credential, Plan

IN_FLIGHT_MAX = 50  # above it a loaded loop loses answers in time and invents absent devices
PATIENCE_S = (1.0, 2.0)  # one retry, with more patience; an answer to the first packet is taken until the end of both
SWEEP_PATIENCE_S = (1.0,)  # for an address where no list and no table has seen anything: one packet, no retry
GROUP_WINDOW_S = 0.005  # permits that share one commit
GROUP_ROWS_MAX = 200
COMMIT_S = 0.25  # a packet leaves this long after its row's time, on a slow disk
LATENESS_MAX_S = 0.05  # a slot missed by more is given back: a stalled loop must not catch up in a burst
KILL_POLL_S = 0.25
KILL_NAME = "kill"  # the file in the state directory that stops everything
MULTICAST_DNS = ("224.0.0.251", 5353)  # RFC 6762 section 3

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """A question to one device, and how to know its answer from anything else."""

    address: str
    port: int
    payload: bytes
    probe: str
    accepts: Callable[[bytes], bool]  # whether a datagram from this address is the answer; must not raise


@dataclass(frozen=True, slots=True)
class Answer:
    """The datagram that answered, and when it came."""

    payload: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing came, the retry included."""


Heard = Answer | Silence | Refusal


@dataclass(slots=True)
class Counts:
    """What happened in this run."""

    sent: Counter[str] = field(default_factory=Counter)  # by probe
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)  # by address and rule
    asked: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    strays: int = 0  # datagrams that nobody waited for: late, from elsewhere, or uninvited
    foreign: int = 0  # from a device that was asked, but no answer to the question
    alerts: int = 0


@dataclass(slots=True)
class _Waiting:
    packet: Packet
    answer: asyncio.Future[Answer]


@dataclass(slots=True)
class _Permitted:
    """A packet on its way through the ledger; `sent` gives the moment, or why it did not leave."""

    row: Row
    packet: Packet
    endpoint: Endpoint
    verdict: Callable[[], Permit | Refusal]  # asked again when the moment has come
    sent: asyncio.Future[float | Refusal]


class Gate:
    """The gate of one run. Use it as an async context; the ledger must be open."""

    def __init__(
        self, plan: Plan, directory: Path, *, book: Ledger, clock: Clock | None = None, network: Network | None = None
    ) -> None:
        self.plan = plan
        self.state = GateState()
        self.counts = Counts()
        self.killed = asyncio.Event()
        self._register = Register(self.state.subjects)
        self._book = book
        self._clock: Clock = clock or SystemClock()
        self._network: Network = network or UdpNetwork()
        self._paces = Paces(plan.budget)
        self._kill_file = directory / KILL_NAME
        self._turns: dict[str, asyncio.Lock] = {}
        self._in_flight = asyncio.Semaphore(IN_FLIGHT_MAX)
        self._waiting: dict[str, _Waiting] = {}
        self._group: list[_Permitted] = []
        self._notes: list[Row] = []
        self._memory: dict[tuple[str, str], str] = {}
        self._flush_timer: asyncio.TimerHandle | None = None
        self._poll_timer: asyncio.TimerHandle | None = None
        self._broken: LedgerError | None = None
        self._cold_until_s = 0.0
        self._heard_on: IPv4Interface | None = None

    async def __aenter__(self) -> Self:
        memory = self._book.recall()
        self.state.devices.update(memory.devices)
        self.state.stopped_subnets.update(memory.stopped_subnets)
        self._credentials = {**_listed_credentials(self.plan), **memory.credentials}
        self._register.take_list(self.plan.known)
        self._closed = set(memory.closed)
        for address, word in memory.closed.items():
            self._register.restore(address, _read_word(word))
        self._endpoint = self._network.open_unicast(self._receive)
        now, last = self._clock.now(), self._book.last_sent_at()
        self._watch = JumpWatch(now, self._clock.monotonic_s())
        if last is not None:  # the run before may have asked anybody a moment ago
            # A last row in the future is one of a clock that was wrong: a whole pause is enough.
            since_s = max(0.0, (now - last).total_seconds())
            pause_s = 1.0 / self.plan.budget.device_packets_per_s + COMMIT_S - since_s
            self._cold_until_s = self._clock.monotonic_s() + max(0.0, pause_s)
        self._book.append([Row(at=now, entry=Entry.STARTED, note=f"ranges {' '.join(self.plan.ranges)}")])
        self._poll_kill_file()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for timer in (self._poll_timer, self._flush_timer):
            if timer is not None:
                timer.cancel()
        self._endpoint.close()
        if self._broken is not None:
            return
        now = self._clock.now()
        again = [
            Row(at=now, entry=Entry.REFUSED_AGAIN, target=address, rule=rule, count=count - 1)
            for (address, rule), count in self.counts.refused.items()
            if count > 1
        ]
        ended = Row(at=now, entry=Entry.ENDED, note=f"strays {self.counts.strays}, foreign {self.counts.foreign}")
        self._book.append([*self._notes, *again, ended], memory=self._take_memory())

    def kill(self) -> None:
        """The kill switch: from now on nothing leaves, in this run or a later one, until a person removes the file."""
        if self.state.killed:
            return
        self.state.killed = True
        self.killed.set()
        self._note(Entry.ALERT, target="", rule="kill_switch", note="the kill switch was thrown")
        if not self._kill_file.exists():  # a person's file, perhaps of another user, is not ours to touch
            self._kill_file.touch()

    def credentials_of(self, address: str) -> tuple[Credential, ...]:
        """The credentials that may be tried on an address, in their order; one that was answered stands alone."""
        held = tuple(c for c in self.plan.credentials if not c.ranges or in_any(c.ranges, address))
        proven = self._credentials.get(address)
        return tuple(c for c in held if c.name == proven) or held

    def remember_credential(self, address: str, credential: Credential) -> None:
        """The address answered to this one: others are not tried on it again."""
        self._credentials[address] = credential.name
        self._memory["credential", address] = credential.name

    def disregard_reply(self, address: str) -> None:
        """It spoke, but refused the credential: if it stays silent to the next one, that is no illness."""
        device = self.state.devices.get(address, DeviceState())
        self._remember(address, replace(device, replied_at=None))

    def verdict(self, address: str) -> Permit | Refusal:
        """What the rules would say of a packet to this address now; nothing is sent or written."""
        return decide(canonical(address), self.plan, self.state, self._now())

    def refuse(self, address: str, refusal: Refusal, *, probe: str) -> None:
        """Write that an address was not asked: once by address and rule, then counted."""
        self.counts.refused[address, refusal.rule] += 1
        if self.counts.refused[address, refusal.rule] == 1:
            self._note(Entry.REFUSED, target=address, rule=refusal.rule, note=refusal.reason, probe=probe)

    def learn(self, observation: Observation, claim: Claim) -> None:
        """Take over what was seen. An address that turns out to be of a passive class is closed at once, for good."""
        for address in self._register.hear(observation, claim):
            subject = self.state.subjects.get(address)
            word = None if subject is None else closing_word(subject, self.plan)
            if word is None or address in self._closed:
                continue
            self._closed.add(address)
            self._memory["closed", address] = json.dumps(asdict(word))
            self._note(Entry.CLOSED, target=address, rule="passive_class", note=f"{word.source}: {word.device_type}")

    async def exchange(self, packet: Packet, *, patience_s: tuple[float, ...] = PATIENCE_S) -> Heard:
        """Send a question, once more if nothing comes, and return the answer, the silence, or the gate's refusal."""
        turn = self._turns.setdefault(packet.address, asyncio.Lock())
        async with turn:  # one request in flight per device
            for timeout_s in patience_s:
                heard = await self._one_packet(packet, timeout_s)
                if isinstance(heard, Refusal):
                    self.refuse(packet.address, heard, probe=packet.probe)
                if not isinstance(heard, Silence):
                    return heard
            return Silence()

    async def ask_segment(self, segment: str, payload: bytes, *, listener: Endpoint, probe: str) -> Refusal | None:
        """Send one multicast DNS question to a segment that a person marked as queryable."""
        group, port = MULTICAST_DNS
        # Every device of the segment gets it: one question a second, as to any single device.
        await sleep_until(max(self._paces.device_ready_s(group), self._cold_until_s), self._clock)
        await self._take_slots(group)
        verdict = self._verdict_of_segment(segment)
        if isinstance(verdict, Permit):
            packet = Packet(address=group, port=port, payload=payload, probe=probe, accepts=lambda _: False)
            sent = await self._ledgered(packet, verdict, listener, lambda: self._verdict_of_segment(segment))
            self._paces.after_exchange(group, verdict.safety_class, self._clock.monotonic_s())
            if not isinstance(sent, Refusal):
                return None
            verdict = sent
        self.refuse(segment, verdict, probe=probe)
        return verdict

    def _verdict_of_segment(self, segment: str) -> Permit | Refusal:
        """A multicast packet reaches the whole network of our interface, so that is what must be the segment."""
        here = self._heard_on
        if here is None or not (here.is_loopback or is_within(here.network, network(segment))):
            return Refusal("not_on_segment", f"the agent's interface is on {here and here.network}, not on the segment")
        return decide_multicast(segment, self.plan, self.state, self._now())

    def listen(self, receiver: Callable[[bytes, str, datetime], None]) -> Endpoint | None:
        """A receive-only member of the multicast DNS group on the interface of the plan's ranges; None without one.

        Only `ask_segment` can send through it.
        """
        group, port = MULTICAST_DNS
        loopback = any(network(r).is_loopback for r in self.plan.ranges)
        interface = self._network.interface_within(
            lambda address: address == "127.0.0.1" if loopback else in_any(self.plan.ranges, address)
        )
        self._heard_on = interface
        if interface is None:
            return None
        return self._network.open_multicast(
            group,
            port,
            interface=str(interface.ip),
            receiver=lambda payload, source: receiver(payload, source, self._now()),
        )

    async def _one_packet(self, packet: Packet, timeout_s: float) -> Heard:
        verdict = self._verdict_of(packet)
        if isinstance(verdict, Refusal):
            return verdict
        address = packet.address
        await sleep_until(max(self._paces.device_ready_s(address), self._cold_until_s), self._clock)
        async with self._in_flight:
            await self._take_slots(address)
            verdict = self._verdict_of(packet)  # much may have changed while we waited
            if isinstance(verdict, Refusal):
                return verdict
            waiting = _Waiting(packet, asyncio.get_running_loop().create_future())
            self._waiting[address] = waiting
            try:
                sent = await self._ledgered(packet, verdict, self._endpoint, lambda: self._verdict_of(packet))
                if isinstance(sent, Refusal):
                    return sent
                return await self._answer(waiting, until_s=sent + timeout_s)
            finally:
                del self._waiting[address]
                self._paces.after_exchange(address, verdict.safety_class, self._clock.monotonic_s())

    async def _answer(self, waiting: _Waiting, *, until_s: float) -> Heard:
        """The answer, or silence once the time since our own sending is over and the socket is empty."""
        address = waiting.packet.address
        try:
            async with asyncio.timeout_at(until_s):
                await asyncio.shield(waiting.answer)
        except TimeoutError:
            self._endpoint.drain()
        device = self.state.devices.get(address, DeviceState())
        if waiting.answer.done():
            self.counts.answered.add(address)
            self._remember(address, breaker.after_reply(device, self._now()))
            return waiting.answer.result()
        self._fell_silent(address, device, self._now())
        return Silence()

    def _fell_silent(self, address: str, device: DeviceState, now: datetime) -> None:
        allowed = breaker.PACKETS_PER_CREDENTIAL * max(1, len(self.credentials_of(address)))
        after = breaker.after_timeout(device, now, packets_allowed=allowed)
        self._remember(address, after)
        if after.stopped_until is None or after.stopped_until == device.stopped_until:
            return
        self._note(Entry.ALERT, target=address, rule="breaker_device", note="it fell silent after a reply")
        subnet = subnet_of(address)
        devices = {a: d for a, d in self.state.devices.items() if subnet_of(a) == subnet}
        if breaker.subnet_has_had_enough(devices, now):
            self._stop_subnet(subnet, now + breaker.SUBNET_STOP)
            self._note(Entry.ALERT, target=subnet, rule="breaker_subnet", note="several of its devices fell silent")

    async def _take_slots(self, address: str) -> None:
        """Wait for a slot of the subnet, then of the establishment; a slot missed by a stalled loop is given back."""
        for take in (
            lambda now_s: self._paces.take_subnet_slot_s(address, now_s),
            self._paces.take_establishment_slot_s,
        ):
            while True:
                slot_s = take(self._clock.monotonic_s())
                await sleep_until(slot_s, self._clock)
                if self._clock.monotonic_s() - slot_s <= LATENESS_MAX_S:
                    break

    def _verdict_of(self, packet: Packet) -> Permit | Refusal:
        if packet.port != self.plan.snmp_port:
            return Refusal("port", f"port {packet.port} is not the plan's port")
        return self.verdict(packet.address)

    async def _ledgered(
        self, packet: Packet, permit: Permit, endpoint: Endpoint, verdict: Callable[[], Permit | Refusal]
    ) -> float | Refusal:
        """Put the packet into the next group; returns when it left, or why it did not."""
        if self._broken is not None:
            raise self._broken
        row = Row(
            at=self._now(),
            entry=Entry.SENT,
            target=packet.address,
            port=packet.port,
            probe=packet.probe,
            packet_bytes=len(packet.payload),
            rule=permit.rule,
        )
        permitted = _Permitted(row, packet, endpoint, verdict, asyncio.get_running_loop().create_future())
        self._group.append(permitted)
        self._schedule_flush()
        return await permitted.sent

    def _schedule_flush(self) -> None:
        if self._flush_timer is None:
            self._flush_timer = asyncio.get_running_loop().call_later(GROUP_WINDOW_S, self._flush)

    def _flush(self) -> None:
        """Commit the rows of a group, then send its packets: in this order, and nothing if the commit fails."""
        self._flush_timer = None
        self._look_at_kill_file()
        # Who was cancelled while waiting sends nothing, so it gets no row.
        group = [p for p in self._group[:GROUP_ROWS_MAX] if not p.sent.done() and _still_permitted(p)]
        self._group = self._group[GROUP_ROWS_MAX:]
        notes, self._notes = self._notes, []
        memory = self._take_memory()
        if not (notes or group or memory):
            return
        try:
            self._book.append([*notes, *(p.row for p in group)], memory=memory)
        except LedgerError as error:
            self._broken = error
            for permitted in [*group, *(p for p in self._group if not p.sent.done())]:
                permitted.sent.set_exception(error)
            return
        self._look_at_kill_file()  # the commit may have taken a while
        for permitted in group:
            if _still_permitted(permitted):
                self._send(permitted)
            else:
                self._take_back(permitted.packet, "no longer permitted when the row was written")
        if self._group:
            self._schedule_flush()

    def _send(self, permitted: _Permitted) -> None:
        packet, now_s = permitted.packet, self._clock.monotonic_s()
        self.counts.sent[packet.probe] += 1
        try:
            permitted.endpoint.send(packet.payload, packet.address, packet.port)
        except OSError as error:  # no route, a firewall of our own: the ledger says that this one did not leave
            self.counts.sent[packet.probe] -= 1
            self._take_back(packet, f"{error}")
            permitted.sent.set_result(Refusal("not_sent", f"the system refused the packet: {error}"))
            return
        permitted.sent.set_result(now_s)
        if permitted.endpoint is self._endpoint:  # a segment is no device: it has no breaker
            self.counts.asked.add(packet.address)
            device = self.state.devices.get(packet.address, DeviceState())
            self._remember(packet.address, breaker.after_packet(device, self._now()))

    def _take_back(self, packet: Packet, why: str) -> None:
        self._note(Entry.NOT_SENT, target=packet.address, probe=packet.probe, note=why)

    def _receive(self, payload: bytes, source: str) -> None:
        """Match by address and by the question's own test; what belongs to nobody is counted and dropped."""
        waiting = self._waiting.get(source)
        if waiting is None or waiting.answer.done():
            self.counts.strays += 1
        elif not waiting.packet.accepts(payload):
            self.counts.foreign += 1
        else:
            waiting.answer.set_result(Answer(payload, self._now()))

    def _remember(self, address: str, device: DeviceState) -> None:
        self.state.devices[address] = device
        kind, key, value = ledger.remember_device(address, device)
        self._memory[kind, key] = value

    def _take_memory(self) -> list[tuple[str, str, str]]:
        taken, self._memory = self._memory, {}
        return [(kind, key, value) for (kind, key), value in taken.items()]

    def _note(self, entry: Entry, *, target: str, rule: str = "", note: str = "", probe: str = "") -> None:
        if entry is Entry.ALERT:
            self.counts.alerts += 1
            log.warning("alert", rule=rule, target=target, note=note)
        self._notes.append(Row(at=self._now(), entry=entry, target=target, rule=rule, note=note, probe=probe))
        self._schedule_flush()

    def _now(self) -> datetime:
        """The wall clock. When somebody sets it, stops move along: a jump forward ends none of them early."""
        now = self._clock.now()
        jump = self._watch.jump(now, self._clock.monotonic_s())
        if jump:
            for address, device in list(self.state.devices.items()):
                self._remember(address, breaker.moved(device, jump))
            for subnet, until in list(self.state.stopped_subnets.items()):
                self._stop_subnet(subnet, until + jump)
            self._note(Entry.ALERT, target="", rule="clock_set", note=f"the clock was set by {jump.total_seconds()} s")
        return now

    def _stop_subnet(self, subnet: str, until: datetime) -> None:
        self.state.stopped_subnets[subnet] = until
        self._memory["subnet", subnet] = until.isoformat()

    def _look_at_kill_file(self) -> None:
        if not self.state.killed and self._kill_file.exists():
            self.kill()

    def _poll_kill_file(self) -> None:
        """A switch thrown while nobody sends is seen too."""
        self._look_at_kill_file()
        self._poll_timer = asyncio.get_running_loop().call_later(KILL_POLL_S, self._poll_kill_file)


def _still_permitted(permitted: _Permitted) -> bool:
    """Whether the rules say so now; if not, who waits for the packet is told why."""
    verdict = permitted.verdict()
    if isinstance(verdict, Refusal):
        permitted.sent.set_result(verdict)
    return isinstance(verdict, Permit)


def _read_word(value: str) -> Placement:
    fields = json.loads(value)
    category = fields.pop("category")
    return Placement(
        **{**fields, "source": Source(fields["source"]), "category": None if category is None else Category(category)}
    )


def _listed_credentials(plan: Plan) -> dict[str, str]:
    return {canonical(k.address): k.credential for k in plan.known if k.credential is not None}
