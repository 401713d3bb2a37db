"""Asking one device over SNMP: a question goes through the gate, an answer comes back as variables or as a value.

`CommunityAsker` speaks v2c, `usm.UsmAsker` v3; both can ask GET, GETNEXT and GETBULK and nothing else. `walk` reads
columns within limits. No module here holds a socket.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from discovery.rules import Refusal
from discovery.safety import PATIENCE_S, Answer, Gate, Packet, Silence
from discovery.wire.ber import Oid
from discovery.wire.snmp import (
    ABSENT,
    REQUEST_ID_MAX,
    Malformed,
    PduKind,
    Question,
    ValueKind,
    VarBind,
    decode_message,
    encode_request,
)

WALK_VARBINDS_A_PACKET = 200  # some 6 KB; more makes small agents truncate or stall
WALK_REPETITIONS_MAX = 50
WALK_ROWS_MAX = 50_000  # variables of one walk; a core switch's tables have some 30,000
WALK_BYTES_MAX = 8_000_000  # what one device may make us keep
WALK_PACKETS_MAX = 1_000
ENDLESS_PACKETS_MAX = 3  # packets in a row without one new variable


@dataclass(frozen=True, slots=True)
class Reply:
    """A device's answer."""

    varbinds: tuple[VarBind, ...]
    error_status: int  # 0 is none; RFC 3416 section 3
    received_at: datetime
    reply_bytes: int


@dataclass(frozen=True, slots=True)
class Unusable:
    """The device spoke, but this credential gets nothing from it: wrong user, wrong key, or octets that are no SNMP."""

    reason: str


Told = Reply | Unusable | Silence | Refusal


class Asker(Protocol):
    """One device and one way to ask it."""

    @property
    def address(self) -> str:
        """Whom it asks."""

    async def ask(
        self,
        kind: Question,
        oids: tuple[Oid, ...],
        *,
        probe: str,
        non_repeaters: int = 0,
        max_repetitions: int = 0,
    ) -> Told:
        """One question, through the gate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityAsker:
    """SNMP v2c."""

    gate: Gate
    address: str
    community: str
    patience_s: tuple[float, ...] = PATIENCE_S

    async def ask(
        self,
        kind: Question,
        oids: tuple[Oid, ...],
        *,
        probe: str,
        non_repeaters: int = 0,
        max_repetitions: int = 0,
    ) -> Told:
        """One question with a request id of its own; only an answer with the same id is taken."""
        request_id = secrets.randbelow(REQUEST_ID_MAX) + 1
        payload = encode_request(
            kind,
            community=self.community.encode(),
            request_id=request_id,
            oids=oids,
            non_repeaters=non_repeaters,
            max_repetitions=max_repetitions,
        )
        heard = await self.gate.exchange(
            Packet(
                address=self.address,
                port=self.gate.plan.snmp_port,
                payload=payload,
                probe=probe,
                accepts=lambda answer: _answers(answer, request_id),
            ),
            patience_s=self.patience_s,
        )
        if not isinstance(heard, Answer):
            return heard
        message = decode_message(heard.payload)
        if isinstance(message, Malformed):
            return Unusable(message.reason)
        return Reply(message.varbinds, message.error_status, heard.received_at, len(heard.payload))


def _answers(payload: bytes, request_id: int) -> bool:
    message = decode_message(payload)
    return not isinstance(message, Malformed) and message.pdu is PduKind.RESPONSE and message.request_id == request_id


@dataclass(slots=True)
class Walk:
    """What a walk read, and why it ended where it did; `cut_short` is None when every column was read to its end."""

    varbinds: list[VarBind] = field(default_factory=list)
    cut_short: str | None = None
    packets: int = 0
    received_at: datetime | None = None


async def walk(asker: Asker, columns: Iterable[Oid], *, probe: str) -> Walk:
    """Read columns side by side by GETBULK until each ends. Every OID must be larger than the one before it."""
    result, bytes_read, idle = Walk(), 0, 0
    position = {column: column for column in columns}
    while position:
        if result.packets >= WALK_PACKETS_MAX or len(result.varbinds) >= WALK_ROWS_MAX or bytes_read >= WALK_BYTES_MAX:
            result.cut_short = (
                f"more than {WALK_ROWS_MAX} variables, {WALK_BYTES_MAX} bytes or {WALK_PACKETS_MAX} packets"
            )
            break
        asked = tuple(position)
        told = await asker.ask(
            Question.GETBULK,
            tuple(position.values()),
            probe=probe,
            max_repetitions=min(WALK_REPETITIONS_MAX, max(1, WALK_VARBINDS_A_PACKET // len(asked))),
        )
        result.packets += 1
        if not isinstance(told, Reply) or told.error_status:
            result.cut_short = _why(told)
            break
        result.received_at, bytes_read = told.received_at, bytes_read + told.reply_bytes
        before = len(result.varbinds)
        loop = _take_rows(told.varbinds, asked, position, result.varbinds)
        idle = idle + 1 if len(result.varbinds) == before and position else 0
        if loop is not None or idle >= ENDLESS_PACKETS_MAX:
            result.cut_short = loop or "the device answers without getting further"
            if idle >= ENDLESS_PACKETS_MAX:
                break
    return result


def _take_rows(
    varbinds: tuple[VarBind, ...], asked: tuple[Oid, ...], position: dict[Oid, Oid], taken: list[VarBind]
) -> str | None:
    """Sort a GETBULK answer into its columns; a column that ended or ran in a circle leaves `position`."""
    loop = None
    if not varbinds:
        position.clear()
    for index, varbind in enumerate(varbinds):
        column = asked[index % len(asked)]
        if column not in position:
            continue
        if varbind.oid[: len(column)] != column or varbind.kind is ValueKind.END_OF_MIB_VIEW:
            del position[column]
        elif varbind.oid <= position[column]:
            loop = f"the OIDs below {'.'.join(map(str, column))} do not increase"
            del position[column]
        else:
            position[column] = varbind.oid
            if varbind.kind not in ABSENT:
                taken.append(varbind)
    return loop


def _why(told: Told) -> str:
    match told:
        case Reply():
            return f"the device answered error {told.error_status}"
        case Unusable(reason) | Refusal(_, reason):
            return reason
        case Silence():
            return "the device fell silent"
