"""The agent's main flow: plan, ask the gate, probe, decode, spool; `handover` then takes the spool to the service.

Switches first, for their tables know every device without touching one; then what lists and tables place; last what a
person let us sweep. A device known only from tables or listening is stated without a packet.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

import structlog

from discovery.asking import Asker, CommunityAsker, Reply, Unusable
from discovery.fingerprints import CardSet, further_asks, recognise
from discovery.outbox import Spool
from discovery.passive.mdns import Ear
from discovery.probes.snmp_device import SYSTEM_PROBE, ask_details, ask_system
from discovery.probes.snmp_tables import ask_tables, has_tables
from discovery.rules import Permit, Refusal, Subject, in_any, network, subnet_of
from discovery.safety import PATIENCE_S, SWEEP_PATIENCE_S, Gate
from discovery.sockets import Endpoint
from discovery.usm import Engines, UsmAsker
from discovery.wire.mib import Asked, asked_facts, device_facts
from discovery.wire.rows import Rows
from discovery.wire.snmp import VarBind
from discovery.wire.tables import Teller, neighbours
from riskdb.model import facts
from riskdb.model.claim import Claim
from riskdb.model.observation import Observation, Protocol, observe
from riskdb.model.policy import Credential, SafetyClass

AT_ONCE_MAX = 256  # devices in hand; most of them wait for their second to pass, the gate bounds what is in flight
COVERING_ROWS_MIN = 8  # ARP rows of one router in one subnet: then its table knows who is there, and no sweep is needed
HEARD_PAUSE_S = 0.5  # announcements share a commit
SEGMENT_ROUNDS = 3  # questions to a segment: the types, their instances, what was left undescribed
SEGMENT_PAUSE_S = 1.0  # RFC 6762 section 5.2: a second between questions

log = structlog.get_logger()


@dataclass(slots=True)
class Agent:
    """One look at a network, within the gate's plan."""

    gate: Gate
    spool: Spool
    cards: CardSet
    observations: int = 0
    personal: int = 0  # statements about somebody's own device: counted, never stored
    _engines: Engines = field(default_factory=Engines)
    _asked: set[str] = field(default_factory=set)
    _looked_at: dict[str, Subject | None] = field(default_factory=dict)  # what was known of an address at its turn
    _covered: set[str] = field(default_factory=set)  # subnets whose ARP table was read
    _heard: list[Observation] = field(default_factory=list)

    async def look_around(self, *, listen_s: float) -> None:
        """Ask everything that may be asked, listen meanwhile, and for at least this long."""
        ends_s = asyncio.get_running_loop().time() + listen_s
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(self._listen(), name="listen")
            while addresses := self._next_addresses():
                await self._look_at_each(addresses)
            await asyncio.sleep(max(0.0, ends_s - asyncio.get_running_loop().time()))
            listening.cancel()
        self._keep_heard()

    def _next_addresses(self) -> list[str]:
        """The most preferred addresses whose turn it is: infrastructure, then all that is known, then the sweep.

        One that was refused gets another turn when a table or an answer says something new about it.
        """
        subjects = self.gate.state.subjects
        known = [a for a, s in subjects.items() if a not in self._asked and self._looked_at.get(a) is not s]
        switches = [a for a in known if _is_infrastructure(self.gate.verdict(a))]
        swept = (a for a in self._sweep() if a not in self._looked_at)
        addresses = switches or known or [a for a in swept if subnet_of(a) not in self._covered]
        self._looked_at.update((a, subjects.get(a)) for a in addresses)
        return addresses

    async def _look_at_each(self, addresses: Sequence[str]) -> None:
        """A bounded number of devices at once; a defect met at one device does not end the look at the others."""
        waiting = iter(addresses)

        async def work() -> None:
            for address in waiting:
                try:
                    await self._look_at(address)
                except OSError:  # ledger or spool: nothing may go on without them
                    raise
                except Exception:  # the task guard
                    log.exception("device_failed", address=address)

        async with asyncio.TaskGroup() as tasks:
            for number in range(min(AT_ONCE_MAX, len(addresses))):
                tasks.create_task(work(), name=f"look-{number}")

    async def _look_at(self, address: str) -> None:
        """Ask the gate, then the device, with the credentials that the plan declares for it, one after the other."""
        verdict = self.gate.verdict(address)
        if not isinstance(verdict, Refusal) and not self.gate.credentials_of(address):
            verdict = Refusal("no_credential", "the plan declares no credential for this address")
        if isinstance(verdict, Refusal):
            self.gate.refuse(address, verdict, probe=SYSTEM_PROBE)
            return
        self._asked.add(address)
        for credential in self.gate.credentials_of(address):
            asker = self._asker(address, credential)
            told = await ask_system(asker)
            match told:
                case Reply():
                    self.gate.remember_credential(address, credential)
                    await self._read_device(asker, told)
                    return
                case Refusal():
                    return
                case Unusable(reason):
                    log.info("credential_useless", address=address, reason=reason)
                    self.gate.disregard_reply(address)

    def _asker(self, address: str, credential: Credential) -> Asker:
        seen = address in self.gate.state.subjects
        patience_s = PATIENCE_S if seen else SWEEP_PATIENCE_S
        if credential.version == "3":
            return UsmAsker(
                gate=self.gate, engines=self._engines, address=address, credential=credential, patience_s=patience_s
            )
        return CommunityAsker(
            gate=self.gate, address=address, community=credential.community or "", patience_s=patience_s
        )

    async def _read_device(self, asker: Asker, told: Reply) -> None:
        """From a first answer to an observation; the gate hears of it before a second question is put."""
        varbinds = list(told.varbinds)
        observation, claim = self._state(asker.address, varbinds, (), told.received_at)
        if isinstance(self.gate.verdict(asker.address), Permit):
            asked = further_asks(observation.facts, self.cards)
            varbinds += await ask_details(asker, asked)
            observation, claim = self._state(asker.address, varbinds, asked, told.received_at)
        self._keep([observation])
        services = observation.facts.get(facts.SNMP_SYS_SERVICES, "")
        if has_tables(claim, services) and isinstance(self.gate.verdict(asker.address), Permit):
            await self._read_tables(asker, observation)

    def _state(
        self, address: str, varbinds: Iterable[VarBind], asked: Sequence[Asked], seen_at: datetime
    ) -> tuple[Observation, Claim]:
        rows = Rows(varbinds)
        observation = observe(
            establishment=self.gate.plan.establishment,
            agent=self.spool.agent,
            seen_at=seen_at,
            address=address,
            mac=None,
            protocol=Protocol.SNMP,
            facts={**device_facts(rows), **asked_facts(rows, asked)},
        )
        claim = recognise(observation, self.cards)
        self.gate.learn(observation, claim)
        return observation, claim

    async def _read_tables(self, asker: Asker, switch: Observation) -> None:
        """The neighbours that a switch or router knows: stated, and placed for the gate."""
        walked = await ask_tables(asker)
        if walked.cut_short is not None:
            log.warning("walk_cut_short", address=asker.address, reason=walked.cut_short)
        teller = Teller(
            establishment=switch.establishment,
            agent=switch.agent,
            seen_at=walked.received_at or switch.seen_at,
            address=asker.address,
            name=switch.facts.get(facts.SNMP_SYS_NAME),
        )
        found = neighbours(Rows(walked.varbinds), teller=teller)
        self.personal += found.personal
        kept = [o for o in found.observations if o.address is None or self._is_within(o.address)]
        for observation in kept:
            self._learn(observation)
        seen = [subnet_of(o.address) for o in kept if o.protocol is Protocol.ARP and o.address is not None]
        self._covered.update(s for s in set(seen) if seen.count(s) >= COVERING_ROWS_MIN)
        self._keep(kept)

    async def _listen(self) -> None:
        """Hear announcements until cancelled; put questions only to segments that a person marked."""
        if not self.gate.plan.mdns_listen:
            return
        ear = Ear(establishment=self.gate.plan.establishment, agent=self.spool.agent, believes=self._is_within)

        def hear(payload: bytes, _source: str, received_at: datetime) -> None:
            for observation in ear.hear(payload, received_at):
                self._learn(observation)
                self._heard.append(observation)

        listener = self.gate.listen(hear)
        if listener is None:
            log.warning("no_interface_to_listen_on", ranges=self.gate.plan.ranges)
            return
        try:
            with suppress(asyncio.CancelledError):
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._ask_segments(ear, listener), name="ask segments")
                    while True:
                        await asyncio.sleep(HEARD_PAUSE_S)
                        self._keep_heard()
        finally:
            listener.close()
            self.personal += ear.personal

    async def _ask_segments(self, ear: Ear, listener: Endpoint) -> None:
        for decision in self.gate.plan.mdns_query:
            for _ in range(SEGMENT_ROUNDS):
                for payload in ear.questions():
                    if await self.gate.ask_segment(decision.value, payload, listener=listener, probe="mdns_query"):
                        break
                await asyncio.sleep(SEGMENT_PAUSE_S)

    def _learn(self, observation: Observation) -> None:
        """Show the gate an observation, with what the cards make of it where it carries text."""
        silent = observation.protocol in (Protocol.ARP, Protocol.BRIDGE)
        self.gate.learn(
            observation, Claim(observation=observation.id) if silent else recognise(observation, self.cards)
        )

    def _keep(self, observations: Sequence[Observation]) -> None:
        self.spool.keep(observations)
        self.observations += len(observations)

    def _keep_heard(self) -> None:
        heard, self._heard = self._heard, []
        self._keep(heard)

    def _is_within(self, address: str) -> bool:
        return in_any(self.gate.plan.ranges, address)

    def _sweep(self) -> Iterator[str]:
        """The addresses of the ranges that a person marked as sweepable."""
        return chain.from_iterable(map(str, network(d.value).hosts()) for d in self.gate.plan.sweepable)


def _is_infrastructure(verdict: Permit | Refusal) -> bool:
    return isinstance(verdict, Permit) and verdict.safety_class is SafetyClass.INFRASTRUCTURE
