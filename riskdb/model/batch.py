"""What an agent hands over: observations in a numbered parcel (format wardgraph/observations/1).

Reading is row by row: a bad observation is rejected with its reason and costs its neighbours nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import orjson

from riskdb.model.facts import is_fact_name
from riskdb.model.ids import AgentId, BatchId, EstablishmentId
from riskdb.model.observation import (
    FACT_VALUE_CHARS_MAX,
    FACTS_MAX,
    Observation,
    Protocol,
    observe,
)

FORMAT = "wardgraph/observations/1"
BATCH_ROWS_MAX = 2_000  # one transaction; an agent that has more sends more batches
FUTURE_MAX = timedelta(minutes=5)  # how far an agent's clock may run ahead before its statements are refused
SEEN_AT_MIN = datetime(2000, 1, 1, tzinfo=UTC)  # older is a clock that was never set: a date to settle by it is not
_KEYS = frozenset({"format", "id", "observations"})
_ROW_KEYS = frozenset({"seen_at", "address", "mac", "protocol", "facts"})


class BatchError(ValueError):
    """The parcel as a whole cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One parcel of observations by one agent of one establishment."""

    id: BatchId
    establishment: EstablishmentId
    agent: AgentId
    observations: tuple[Observation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """A row that was not taken, and why."""

    row: int  # counted from 0
    reason: str


def encode_batch(batch: Batch) -> bytes:
    """The JSON document of a batch."""
    rows = [
        {
            "seen_at": o.seen_at.isoformat(),
            "address": o.address,
            "mac": o.mac,
            "protocol": o.protocol.value,
            "facts": dict(o.facts),
        }
        for o in batch.observations
    ]
    return orjson.dumps({"format": FORMAT, "id": batch.id, "observations": rows})


def decode_batch(
    document: bytes, *, establishment: EstablishmentId, agent: AgentId, now: datetime
) -> tuple[Batch, tuple[Reject, ...]]:
    """The batch and the rows that were refused; BatchError if the document itself cannot be read.

    Establishment and agent come from the token that sent it, never from the document.
    """
    try:
        parsed = orjson.loads(document)
    except orjson.JSONDecodeError as error:
        raise BatchError(f"reading a batch: not JSON: {error}") from error
    if not isinstance(parsed, dict) or parsed.get("format") != FORMAT:
        raise BatchError(f"reading a batch: format is not {FORMAT}")
    unknown = sorted(set(parsed) - _KEYS)
    if unknown:
        raise BatchError(f"reading a batch: unknown key {unknown[0][:80]!r}")
    identifier, rows = parsed.get("id"), parsed.get("observations")
    if not isinstance(identifier, str) or not 8 <= len(identifier) <= 64 or not identifier.isprintable():
        raise BatchError("reading a batch: id must be a text of 8 to 64 printable characters")
    if not isinstance(rows, list) or len(rows) > BATCH_ROWS_MAX:
        raise BatchError(f"reading a batch: observations must be a list of at most {BATCH_ROWS_MAX}")
    taken: list[Observation] = []
    rejects: list[Reject] = []
    for index, row in enumerate(rows):
        try:
            taken.append(_observation(row, establishment=establishment, agent=agent, now=now))
        except (ValueError, TypeError) as error:
            rejects.append(Reject(row=index, reason=str(error)))
    batch = Batch(id=BatchId(identifier), establishment=establishment, agent=agent, observations=tuple(taken))
    return batch, tuple(rejects)


def _observation(row: Any, *, establishment: EstablishmentId, agent: AgentId, now: datetime) -> Observation:
    if not isinstance(row, dict):
        raise TypeError("not an object")
    unknown = sorted(set(row) - _ROW_KEYS)
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}")
    seen_at = _seen_at(row.get("seen_at"), now=now)
    address, mac = _address(row.get("address")), _mac(row.get("mac"))
    protocol = Protocol(str(row.get("protocol")))
    if protocol is Protocol.IMPORT:
        raise ValueError("lists are imported by people, not observed by agents")
    if address is None and mac is None:
        raise ValueError("neither address nor mac")
    return observe(
        establishment=establishment,
        agent=agent,
        seen_at=seen_at,
        address=address,
        mac=mac,
        protocol=protocol,
        facts=_facts(row.get("facts")),
    )


def _seen_at(value: Any, *, now: datetime) -> datetime:
    if not isinstance(value, str):
        raise TypeError("seen_at is missing")
    seen_at = datetime.fromisoformat(value)
    if seen_at.tzinfo is None:
        raise ValueError("seen_at has no time zone")
    if seen_at > now + FUTURE_MAX:
        raise ValueError("seen_at lies in the future: check the agent's clock")
    if seen_at < SEEN_AT_MIN:
        raise ValueError("seen_at lies before the year 2000: check the agent's clock")
    return seen_at.astimezone(UTC)


def _address(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError("address is not a text")
    return str(ip_address(value))


def _mac(value: Any) -> str | None:
    if value is None:
        return None
    parts: Sequence[str] = value.lower().split(":") if isinstance(value, str) else ()
    if len(parts) != 6 or any(len(p) != 2 or not set(p) <= set("0123456789abcdef") for p in parts):
        raise ValueError("mac is not of the form 00:11:22:33:44:55")
    return ":".join(parts)


def _facts(value: Any) -> Mapping[str, str]:
    if not isinstance(value, dict) or len(value) > FACTS_MAX:
        raise ValueError(f"facts must be an object of at most {FACTS_MAX} entries")
    for name, text in value.items():
        if not is_fact_name(name):
            raise ValueError(f"unknown fact {name[:80]!r}")
        if not isinstance(text, str) or len(text) > FACT_VALUE_CHARS_MAX:
            raise ValueError(f"fact {name!r} is not a text of at most {FACT_VALUE_CHARS_MAX} characters")
        if "\x00" in text:
            raise ValueError(f"fact {name!r} holds a NUL character")
    return value
