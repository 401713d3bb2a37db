"""Keeps what station 4 decided: the present, refreshed; the past, closed and never rewritten; the change feed.

It decides nothing about identity. Saving the same settlement twice writes no version and no change.
Whatever turns all assets into rows runs in a thread: of a large hospital it takes seconds, and others ask meanwhile.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from pydantic import TypeAdapter

from riskdb.model.asset import (
    Asset,
    Attribute,
    AttributeName,
    IdentityKey,
    KeyKind,
    Settlement,
)
from riskdb.model.claim import Claim
from riskdb.model.ids import AssetId, EstablishmentId, ObservationId
from riskdb.store import changes
from riskdb.store.asset_document import belief, changed_fields, to_document, tokens
from riskdb.store.changes import ChangeKind, Event
from riskdb.store.statements import Connection, statements

SQL = statements(__file__)
_CLAIM: TypeAdapter[Claim] = TypeAdapter(Claim)


async def save(
    connection: Connection,
    establishment: EstablishmentId,
    settlement: Settlement,
    claims: Mapping[ObservationId, Claim],
    *,
    recorded_at: datetime,
) -> tuple[Event, ...]:
    """Keep a settlement, in the caller's transaction, and return what changed. Those of one hospital wait in line."""
    await connection.fetchval(SQL["wait_in_line"], establishment)
    before = {row["id"]: row["belief"] for row in await connection.fetch(SQL["beliefs"], establishment)}
    beliefs = await asyncio.to_thread(_beliefs, settlement.assets)
    changed = await _changes(
        connection,
        establishment,
        [asset for asset in settlement.assets if before.get(asset.id) != beliefs[asset.id]],
        known=before.keys(),
    )
    gone = sorted(before.keys() - beliefs.keys())
    await _put_assets(connection, establishment, settlement.assets, beliefs)
    await _put_versions(connection, establishment, changed, gone=gone, recorded_at=recorded_at)
    await _put_keys(connection, establishment, [c.asset for c in changed], gone=gone)
    await connection.execute(SQL["join_whole_sets"])
    await _put_evidence(connection, establishment, settlement, recorded_at)
    await _put_links(connection, establishment, settlement, recorded_at)
    await connection.execute(SQL["any_join"])
    await _put_claims(connection, establishment, claims.values(), recorded_at)
    events = (
        *(change.event for change in changed),
        *(Event(kind=ChangeKind.ASSET_GONE, subject=asset) for asset in gone),
    )
    await changes.append(connection, establishment, events, at=recorded_at)
    return events


async def known_keys(connection: Connection, establishment: EstablishmentId) -> dict[IdentityKey, AssetId]:
    """The keys that name exactly one asset, so that a recomputation gives devices the ids they had."""
    return {
        IdentityKey(kind=KeyKind(row["kind"]), value=row["value"]): AssetId(row["asset_id"])
        for row in await connection.fetch(SQL["known_keys"], establishment)
    }


async def locked(
    connection: Connection, establishment: EstablishmentId
) -> dict[AssetId, dict[AttributeName, Attribute]]:
    """What people have said of which field of which asset."""
    said: dict[AssetId, dict[AttributeName, Attribute]] = {}
    for row in await connection.fetch(SQL["locked"], establishment):
        said.setdefault(AssetId(row["asset_id"]), {})[AttributeName(row["field"])] = Attribute(
            value=row["value"], source=row["source"], observation=None, seen_at=row["set_at"], locked=True
        )
    return said


async def lock_attribute(
    connection: Connection,
    establishment: EstablishmentId,
    asset: AssetId,
    *,
    field: AttributeName,
    value: str,
    person: str,
    at: datetime,
) -> None:
    """A person's value of a field; it shows from the next settlement on."""
    await connection.execute(SQL["lock_attribute"], establishment, asset, field.value, value, f"human:{person}", at)


async def unlock_attribute(
    connection: Connection, establishment: EstablishmentId, asset: AssetId, field: AttributeName
) -> bool:
    """Let the sources decide again; False if nobody had said anything."""
    return await connection.fetchval(SQL["unlock_attribute"], establishment, asset, field.value) is not None


@dataclass(frozen=True, slots=True)
class _Changed:
    """An asset that is new, or that is believed to be other than before in these fields."""

    asset: Asset
    fields: tuple[AttributeName, ...] | None  # None: it is new

    @property
    def event(self) -> Event:
        if self.fields is None:
            return Event(kind=ChangeKind.ASSET_APPEARED, subject=self.asset.id)
        return Event(kind=ChangeKind.ASSET_CHANGED, subject=self.asset.id, detail={"fields": list(self.fields)})

    @property
    def so_since(self) -> datetime:
        """A new asset was so since it was first seen, another since the newest statement of what changed."""
        if self.fields is None:
            return self.asset.first_seen_at
        stated = [self.asset.attributes[name].seen_at for name in self.fields if name in self.asset.attributes]
        return max(stated, default=self.asset.last_seen_at)


async def _changes(
    connection: Connection, establishment: EstablishmentId, changed: Sequence[Asset], *, known: Iterable[str]
) -> list[_Changed]:
    old = set(known)
    rows = await connection.fetch(SQL["documents"], establishment, [a.id for a in changed if a.id in old])
    documents = {row["id"]: row["document"] for row in rows}
    return await asyncio.to_thread(_compared, changed, documents)


def _compared(changed: Sequence[Asset], documents: Mapping[str, str]) -> list[_Changed]:
    return [
        _Changed(asset, changed_fields(documents[asset.id], asset) if asset.id in documents else None)
        for asset in sorted(changed, key=lambda a: a.id)
    ]


def _beliefs(assets: Iterable[Asset]) -> dict[AssetId, bytes]:
    return {asset.id: belief(asset) for asset in assets}


async def _put_assets(
    connection: Connection,
    establishment: EstablishmentId,
    assets: Sequence[Asset],
    beliefs: Mapping[AssetId, bytes],
) -> None:
    columns = await asyncio.to_thread(_asset_columns, assets, beliefs)
    await connection.execute(SQL["put_assets"], establishment, *columns)


def _asset_columns(assets: Sequence[Asset], beliefs: Mapping[AssetId, bytes]) -> tuple[list[object], ...]:
    return (
        [asset.id for asset in assets],
        [asset.value(AttributeName.NAME) or asset.value(AttributeName.HOSTNAME) for asset in assets],
        [asset.value(AttributeName.DEVICE_TYPE) for asset in assets],
        [asset.value(AttributeName.CATEGORY) for asset in assets],
        [asset.value(AttributeName.UNIT) for asset in assets],
        [asset.value(AttributeName.STATUS) for asset in assets],
        [asset.first_seen_at for asset in assets],
        [asset.last_seen_at for asset in assets],
        [beliefs[asset.id] for asset in assets],
        _documents(assets),
    )


def _documents(assets: Iterable[Asset]) -> list[object]:
    return [to_document(asset) for asset in assets]


async def _put_versions(
    connection: Connection,
    establishment: EstablishmentId,
    changed: Sequence[_Changed],
    *,
    gone: Sequence[str],
    recorded_at: datetime,
) -> None:
    if changed:
        await connection.execute(
            SQL["put_versions"],
            establishment,
            [change.asset.id for change in changed],
            [min(change.so_since, recorded_at) for change in changed],
            await asyncio.to_thread(_documents, [change.asset for change in changed]),
            recorded_at,
        )
    if gone:
        await connection.execute(SQL["remove_assets"], establishment, gone)
        await connection.execute(SQL["end_versions"], establishment, gone, recorded_at)


async def _put_keys(
    connection: Connection, establishment: EstablishmentId, changed: Sequence[Asset], *, gone: Sequence[str]
) -> None:
    touched = [*(asset.id for asset in changed), *gone]
    if not touched:
        return
    await connection.execute(SQL["drop_keys"], establishment, touched)
    await connection.execute(SQL["drop_tokens"], establishment, touched)
    keys = [(asset.id, key.kind.value, key.value) for asset in changed for key in asset.keys]
    found_by = await asyncio.to_thread(_words, changed)
    await connection.execute(SQL["put_keys"], establishment, *_columns(keys, 3))
    await connection.execute(SQL["put_tokens"], establishment, *_columns(found_by, 2))


def _words(assets: Iterable[Asset]) -> list[tuple[object, ...]]:
    return [(asset.id, token) for asset in assets for token in tokens(asset)]


async def _put_evidence(
    connection: Connection, establishment: EstablishmentId, settlement: Settlement, recorded_at: datetime
) -> None:
    rests_on = [(asset.id, observation) for asset in settlement.assets for observation in set(asset.observations)]
    merges = [(m.asset, m.rule.value, _keys(m.evidence), *m.joined) for m in settlement.merges]
    demotions = [(d.key.kind.value, d.key.value, d.reason.value, d.carriers) for d in settlement.demotions]
    apart = [(*k.assets, _keys(k.shared), k.reason) for k in settlement.kept_apart]
    await connection.execute(SQL["put_observations_of_assets"], establishment, *_columns(rests_on, 2), recorded_at)
    await connection.execute(SQL["put_merges"], establishment, *_columns(merges, 5), recorded_at)
    await connection.execute(SQL["put_demotions"], establishment, *_columns(demotions, 4), recorded_at)
    await connection.execute(SQL["put_kept_apart"], establishment, *_columns(apart, 4), recorded_at)


async def _put_links(
    connection: Connection, establishment: EstablishmentId, settlement: Settlement, recorded_at: datetime
) -> None:
    links = [(link.source, link.target, link.port, link.observation) for link in settlement.links]
    await connection.execute(SQL["put_links"], establishment, *_columns(links, 4), recorded_at)


async def _put_claims(
    connection: Connection, establishment: EstablishmentId, claims: Iterable[Claim], recorded_at: datetime
) -> None:
    rows = await asyncio.to_thread(_claim_rows, claims)
    await connection.execute(SQL["put_claims"], establishment, *_columns(rows, 6), recorded_at)


def _claim_rows(claims: Iterable[Claim]) -> list[tuple[object, ...]]:
    return [
        (c.observation, c.card, c.card_version, c.device_type, c.confidence, _CLAIM.dump_json(c).decode())
        for c in claims
    ]


def _keys(keys: Sequence[IdentityKey]) -> str:
    return orjson.dumps(sorted([key.kind.value, key.value] for key in keys)).decode()


def _columns(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    """Rows turned into the arrays that unnest takes."""
    return [[row[index] for row in rows] for index in range(width)]
