"""Simulated time and a network in memory: a day of a ward's traffic takes milliseconds, and nothing leaves."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Interface
from typing import Any, TypeVar

from discovery.sockets import Receiver
from discovery.wire.ber import Oid
from discovery.wire.snmp import (
    ABSENT,
    Message,
    PduKind,
    ValueKind,
    VarBind,
    decode_message,
)
from discovery.wire.snmp_reply import encode_response
from riskdb.model.ids import DeviceTypeId, EstablishmentId
from riskdb.model.policy import Credential, Decision, KnownDevice, Plan, SafetyClass, Target

MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PRINTER, VENTILATOR, SWITCH, ULTRASOUND, PUMP = (
    DeviceTypeId(name) for name in ("printer", "ventilator", "access_switch", "ultrasound", "syringe_pump")
)
CLASSES = {
    PRINTER: SafetyClass.ASK,
    VENTILATOR: SafetyClass.PASSIVE,
    SWITCH: SafetyClass.INFRASTRUCTURE,
    ULTRASOUND: SafetyClass.GENTLE,
    PUMP: SafetyClass.PASSIVE,
}
LOOPBACK = IPv4Interface("127.0.0.1/8")
T = TypeVar("T")


class SimulatedLoop(asyncio.SelectorEventLoop):
    """A loop whose time jumps to the next timer whenever nobody has anything to do."""

    def __init__(self) -> None:
        self.moment = 0.0
        super().__init__()

    def time(self) -> float:
        return self.moment

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self.moment = max(self.moment, self._scheduled[0]._when)  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


@dataclass
class SimulatedClock:
    """The ward's clock: the loop's seconds after a morning, and what somebody set it by."""

    set_by: timedelta = timedelta()

    def now(self) -> datetime:
        return MORNING + timedelta(seconds=asyncio.get_running_loop().time()) + self.set_by

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()


def simulate(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end in simulated time."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(main)


Behaviour = Callable[[bytes], Iterable[tuple[float, str | None, bytes]]]
"""A device: what it sends on a datagram, as (after seconds, from which address - None is its own -, octets)."""


@dataclass
class MemoryNetwork:
    """Delivers to behaviours by address; remembers what left and when."""

    devices: dict[str, Behaviour] = field(default_factory=dict)
    sent: list[tuple[float, str, bytes]] = field(default_factory=list)
    before_send: Callable[[str], None] = lambda _address: None
    interface: IPv4Interface = LOOPBACK
    _receiver: Receiver | None = None

    def open_unicast(self, receiver: Receiver) -> "MemoryNetwork":
        self._receiver = receiver
        return self

    def open_multicast(self, group: str, port: int, *, interface: str, receiver: Receiver) -> "MemoryNetwork":
        return self

    def interface_within(self, holds: Callable[[str], bool]) -> IPv4Interface | None:
        return self.interface if holds(str(self.interface.ip)) else None

    def send(self, payload: bytes, address: str, port: int) -> None:
        self.before_send(address)
        loop = asyncio.get_running_loop()
        self.sent.append((loop.time(), address, payload))
        for delay_s, source, reply in self.devices.get(address, lambda _: ())(payload):
            assert self._receiver is not None
            loop.call_later(delay_s, self._receiver, reply, source or address)

    def drain(self) -> None:
        pass

    def close(self) -> None:
        pass

    def times_to(self, address: str) -> list[float]:
        return [at for at, to, _ in self.sent if to == address]


def speaking(
    variables: Mapping[Oid, VarBind | bytes], *, after_s: float = 0.01, community: bytes = b"ward"
) -> Behaviour:
    """A device that answers SNMP v2c like an honest one."""
    rows = {o: v if isinstance(v, VarBind) else VarBind(o, ValueKind.OCTETS, v) for o, v in variables.items()}

    def answer(payload: bytes) -> Iterable[tuple[float, str | None, bytes]]:
        message = decode_message(payload)
        if isinstance(message, Message) and message.community == community:
            found = _answers(message, rows)
            reply = encode_response(community=community, request_id=message.request_id, varbinds=found)
            yield after_s, None, reply

    return answer


def _answers(message: Message, rows: Mapping[Oid, VarBind]) -> list[VarBind]:
    order = sorted(rows)

    def after(oid: Oid) -> VarBind:
        found = next((o for o in order if o > oid), None)
        return VarBind(oid, ValueKind.END_OF_MIB_VIEW, None) if found is None else rows[found]

    asked = [v.oid for v in message.varbinds]
    if message.pdu is PduKind.GET:
        return [rows.get(oid, VarBind(oid, ValueKind.NO_SUCH_OBJECT, None)) for oid in asked]
    once, repetitions = message.error_status, message.error_index
    found = [after(oid) for oid in asked[:once]]
    here = asked[once:]
    for _ in range(repetitions):
        row = [after(oid) for oid in here]
        found += row
        here = [v.oid for v in row]
        if all(v.kind in ABSENT for v in row):
            break
    return found


def printer(name: bytes = b"ward printer") -> Behaviour:
    """A device with a system group."""
    return speaking({(1, 3, 6, 1, 2, 1, 1, 1, 0): b"Laser printer, a test", (1, 3, 6, 1, 2, 1, 1, 5, 0): name})


def known(
    address: str, device_type: DeviceTypeId | None = PRINTER, *, mac: str | None = None, model: str | None = None
) -> KnownDevice:
    """A line of an imported list."""
    maker = None if model is None else "Acme"
    return KnownDevice(address=address, mac=mac, device_type=device_type, manufacturer=maker, model=model)


def decision(target: Target, value: str) -> Decision:
    """What a person decided."""
    return Decision(target=target, value=value, decided_by="Anne Leclerc", reason="tried on the bench")


def plan(**changes: Any) -> Plan:
    """A plan of one ward; keyword arguments replace its parts."""
    parts: dict[str, Any] = {
        "establishment": EstablishmentId(1),
        "ranges": ("127.9.0.0/16",),
        "snmp_port": 16_100,
        "credentials": (Credential(name="read", version="2c", community="ward"),),
        "classes": CLASSES,
        "known": (),
    }
    return Plan(**{**parts, **changes})
