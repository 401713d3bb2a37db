"""Reads what is settled: the assets of now, of then, and the decisions that made them. It writes nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import asyncpg
import orjson
from pydantic import TypeAdapter

from riskdb.model.asset import (
    Asset,
    Demotion,
    DemotionReason,
    IdentityKey,
    KeptApart,
    KeyKind,
    Merge,
    MergeRule,
)
from riskdb.model.claim import Category, Claim
from riskdb.model.ids import AssetId, DeviceTypeId, EstablishmentId, ObservationId, UnitId
from riskdb.model.place import ObservedLink
from riskdb.store.asset_document import from_document, squeezed, terms
from riskdb.store.statements import Connection, statements

SQL = statements(__file__)
PAGE_ROWS_MAX = 1_000
HISTORY_ROWS_MAX = 200  # versions shown of one asset; one that has more changes name by the hour
SEARCH_TERMS_MAX = 8
_CLAIM: TypeAdapter[Claim] = TypeAdapter(Claim)


class Sort(StrEnum):
    """The orders a page can have; what is not known comes last."""

    ID = "id"
    NAME = "name"
    DEVICE_TYPE = "device_type"
    UNIT = "unit"
    LAST_SEEN = "last_seen"  # the newest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What an asset must be to be listed; None asks nothing."""

    device_type: DeviceTypeId | None = None
    category: Category | None = None
    unit: UnitId | None = None
    appeared_since: datetime | None = None
    text: str | None = None  # every term of it begins a word of the asset


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a page ended: the next one goes on behind it, whatever came or went meanwhile."""

    sort_key: str
    id: AssetId


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some assets, and where to go on; None at the end."""

    assets: tuple[Asset, ...]
    next: Position | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetVersion:
    """From `valid_from` to `valid_to` the asset was so; we said so from `recorded_from` to `recorded_to`."""

    valid_from: datetime
    valid_to: datetime | None
    recorded_from: datetime
    recorded_to: datetime | None
    asset: Asset  # without its observations


async def get(
    connection: Connection, establishment: EstablishmentId, asset: AssetId, *, as_of: datetime | None = None
) -> Asset | None:
    """The asset as we know it now, or as we knew it at `as_of`; None if we knew none.

    Of a past moment, the attributes' times are those of when we first said so; `last_seen_at` is exact.
    """
    if as_of is None:
        row = await connection.fetchrow(SQL["get"], establishment, asset)
        return None if row is None else from_document(row["document"], row["observations"])
    row = await connection.fetchrow(SQL["get_as_of"], establishment, asset, as_of)
    if row is None:
        return None
    found = from_document(row["document"], row["observations"])
    return replace(found, last_seen_at=row["last_seen_at"] or found.last_seen_at)


async def history(connection: Connection, establishment: EstablishmentId, asset: AssetId) -> list[AssetVersion]:
    """What we have said of an asset, the newest first; it outlives the asset."""
    return [
        AssetVersion(
            valid_from=row["valid_from"],
            valid_to=row["valid_to"],
            recorded_from=row["recorded_from"],
            recorded_to=row["recorded_to"],
            asset=from_document(row["document"], ()),
        )
        for row in await connection.fetch(SQL["history"], establishment, asset, HISTORY_ROWS_MAX)
    ]


async def all_current(connection: Connection, establishment: EstablishmentId) -> list[Asset]:
    """Every asset, by id."""
    rows = await connection.fetch(SQL["all_current"], establishment)
    return await asyncio.to_thread(_all_of, rows)  # seconds of parsing for a large hospital


async def page(
    connection: Connection,
    establishment: EstablishmentId,
    *,
    after: Position | None = None,
    limit: int = 100,
    filters: Filters = Filters(),
    sort: Sort = Sort.ID,
) -> Page:
    """Some assets in order. `after` is the `next` of the page before, under the same filters and sort."""
    limit = max(1, min(limit, PAGE_ROWS_MAX))
    rows = await connection.fetch(
        SQL["page"],
        establishment,
        sort.value,
        filters.device_type,
        None if filters.category is None else filters.category.value,
        filters.unit,
        filters.appeared_since,
        None if not filters.text else await _found_by(connection, establishment, filters.text),
        None if after is None else after.sort_key,
        None if after is None else after.id,
        limit + 1,
    )
    shown = rows[:limit]
    return Page(
        assets=tuple(from_document(row["document"], row["observations"]) for row in shown),
        next=Position(sort_key=shown[-1]["sort_key"], id=shown[-1]["id"]) if len(rows) > limit else None,
    )


async def _found_by(connection: Connection, establishment: EstablishmentId, text: str) -> list[str]:
    found: set[str] | None = None
    for term in terms(text)[:SEARCH_TERMS_MAX]:
        named: set[str] = set()
        for begins in {term, squeezed(term)} - {""}:
            rows = await connection.fetch(SQL["found_by"], establishment, begins, begins + chr(0x10FFFF))
            named |= {row["asset_id"] for row in rows}
        found = named if found is None else found & named
    return sorted(found or ())


async def count(connection: Connection, establishment: EstablishmentId) -> int:
    """How many assets there are."""
    return int(await connection.fetchval(SQL["total"], establishment))


async def count_by_type(connection: Connection, establishment: EstablishmentId) -> Mapping[DeviceTypeId | None, int]:
    """How many assets of each device type; None counts those of unknown type."""
    rows = await connection.fetch(SQL["count_by_type"], establishment)
    return {None if row["device_type"] is None else DeviceTypeId(row["device_type"]): row["number"] for row in rows}


async def merges(connection: Connection, establishment: EstablishmentId, asset: AssetId | None = None) -> list[Merge]:
    """Which observations were joined, by which rule, on which evidence."""
    return [
        Merge(
            asset=AssetId(row["asset_id"]),
            rule=MergeRule(row["rule"]),
            evidence=_keys(row["evidence"]),
            joined=(ObservationId(row["joined_a"]), ObservationId(row["joined_b"])),
        )
        for row in await connection.fetch(SQL["merges"], establishment, asset)
    ]


async def demotions(
    connection: Connection, establishment: EstablishmentId, asset: AssetId | None = None
) -> list[Demotion]:
    """The keys that are believed less than their kind; those of one asset, if it is named."""
    return [
        Demotion(
            key=IdentityKey(kind=KeyKind(row["kind"]), value=row["value"]),
            reason=DemotionReason(row["reason"]),
            carriers=row["carriers"],
        )
        for row in await connection.fetch(SQL["demotions"], establishment, asset)
    ]


async def kept_apart(
    connection: Connection, establishment: EstablishmentId, asset: AssetId | None = None
) -> list[KeptApart]:
    """The pairs of assets that share a key and are still two: a person may have to look."""
    return [
        KeptApart(
            assets=(AssetId(row["asset_a"]), AssetId(row["asset_b"])),
            shared=_keys(row["shared"]),
            reason=row["reason"],
        )
        for row in await connection.fetch(SQL["kept_apart"], establishment, asset)
    ]


async def links(
    connection: Connection, establishment: EstablishmentId, asset: AssetId | None = None
) -> list[ObservedLink]:
    """What hangs on which switch port; of one asset, if it is named, as either end."""
    return [
        ObservedLink(
            source=AssetId(row["source"]),
            target=AssetId(row["target"]),
            port=row["port"],
            observation=ObservationId(row["observation_id"]),
        )
        for row in await connection.fetch(SQL["links"], establishment, asset)
    ]


async def claims(
    connection: Connection, establishment: EstablishmentId, observations: Sequence[ObservationId]
) -> dict[ObservationId, Claim]:
    """What these observations say the devices are; nothing of one that no settlement has read yet."""
    rows = await connection.fetch(SQL["claims"], establishment, observations)
    return {claim.observation: claim for claim in map(_claim, rows)}


async def count_unknown_claims(connection: Connection, establishment: EstablishmentId) -> int:
    """How many observations no card knew."""
    return int(await connection.fetchval(SQL["count_unknown"], establishment))


def _all_of(rows: Sequence[asyncpg.Record]) -> list[Asset]:
    return [from_document(row["document"], row["observations"]) for row in rows]


def _claim(row: asyncpg.Record) -> Claim:
    return _CLAIM.validate_json(row["document"])


def _keys(document: str) -> tuple[IdentityKey, ...]:
    return tuple(IdentityKey(kind=KeyKind(kind), value=value) for kind, value in orjson.loads(document))
