"""The change feed: numbered without gaps, so whoever has seen number n has seen all before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import orjson

from riskdb.model.ids import EstablishmentId
from riskdb.store.statements import Connection, statements

SQL = statements(__file__)
CHANGES_MAX = 1_000  # rows of one answer; the reader comes again with the last number


class ChangeKind(StrEnum):
    """What can happen that others want to hear of."""

    ASSET_APPEARED = "asset_appeared"
    ASSET_CHANGED = "asset_changed"  # detail: the fields whose value is another
    ASSET_GONE = "asset_gone"  # merged into another, or nothing says any more that it exists
    RANKED = "ranked"  # subject: the run


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a subject."""

    kind: ChangeKind
    subject: str
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An event with its place in the feed."""

    sequence: int
    at: datetime
    event: Event


async def append(
    connection: Connection, establishment: EstablishmentId, events: Sequence[Event], *, at: datetime
) -> None:
    """Add events to the feed, in the caller's transaction."""
    if not events:
        return
    first = await connection.fetchval(SQL["take_numbers"], establishment, len(events))
    await connection.execute(
        SQL["append"],
        establishment,
        first,
        at,
        [event.kind.value for event in events],
        [event.subject for event in events],
        [orjson.dumps(event.detail).decode() for event in events],
    )


async def after(
    connection: Connection, establishment: EstablishmentId, sequence: int, *, limit: int = CHANGES_MAX
) -> list[Change]:
    """The changes that follow a number, in order."""
    return [
        Change(
            sequence=row["sequence"],
            at=row["at"],
            event=Event(kind=ChangeKind(row["kind"]), subject=row["subject"], detail=orjson.loads(row["detail"])),
        )
        for row in await connection.fetch(SQL["after"], establishment, sequence, min(limit, CHANGES_MAX))
    ]
