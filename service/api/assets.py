"""The inventory: pages of assets, one asset with the sources of each field, and the evidence it rests on."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import orjson
from pydantic import Field

from riskdb.model.asset import Asset, Attribute, AttributeName, Demotion, IdentityKey, KeptApart, Merge
from riskdb.model.claim import Category, Claim
from riskdb.model.ids import AssetId, DeviceTypeId, ObservationId, UnitId
from riskdb.model.observation import Observation
from riskdb.model.place import ObservedLink
from riskdb.store import assets, changes, observations
from riskdb.store.assets import Filters, Position, Sort
from riskdb.store.changes import Change
from service.auth import PEOPLE
from service.errors import Kind, Place, ProblemError
from service.reading import refusal, strict
from service.routes import Answer, Route, SiteCall
from service.views import AssetSummary, asset_summary, name_of

AssetAt = Annotated[str, Field(min_length=1, max_length=128, description="the asset's id")]
Limit = Annotated[int, Field(ge=1, le=assets.PAGE_ROWS_MAX, description="rows of a page")]
Cursor = Annotated[str | None, Field(max_length=2_000, description="`next` of the page before")]


@strict
@dataclass(frozen=True, slots=True, kw_only=True)
class AssetsQuery:
    """Which assets, in which order."""

    type: Annotated[str | None, Field(max_length=128, description="a device type of the knowledge pack")] = None
    category: Category | None = None
    unit: Annotated[str | None, Field(max_length=128)] = None
    appeared_since: datetime | None = None
    q: Annotated[str | None, Field(max_length=200, description="each word begins a word of the asset")] = None
    sort: Sort = Sort.NAME
    after: Cursor = None
    limit: Limit = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetPage:
    """Some assets; `next` is None on the last page."""

    items: tuple[AssetSummary, ...]
    next: str | None


async def list_assets(call: SiteCall[AssetsQuery, None]) -> Answer[AssetPage]:
    """The assets that answer the filters, page by page."""
    asked = call.parameters
    filters = Filters(
        device_type=None if asked.type is None else DeviceTypeId(asked.type),
        category=asked.category,
        unit=None if asked.unit is None else UnitId(asked.unit),
        appeared_since=_aware(asked.appeared_since),
        text=asked.q,
    )
    async with call.database() as connection:
        page = await assets.page(
            connection,
            call.establishment,
            after=_position(asked.after, asked.sort),
            limit=asked.limit,
            filters=filters,
            sort=asked.sort,
        )
    following = None if page.next is None else _cursor(page.next, asked.sort)
    return Answer(value=AssetPage(items=tuple(asset_summary(asset) for asset in page.assets), next=following))


YEARS = range(1900, 3000)  # beyond, another time zone or the database may have no such moment


def _aware(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    wrong = "a moment needs its time zone, such as Z" if moment.tzinfo is None else ""
    if moment.year not in YEARS:
        wrong = f"a moment lies between the years {YEARS.start} and {YEARS[-1]}"
    if wrong:
        raise refusal(Kind.INVALID_PARAMETERS, [Place(where="parameters", reason=wrong)])
    return moment


def _cursor(position: Position, sort: Sort) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([sort.value, position.sort_key, position.id])).decode().rstrip("=")


def _position(cursor: str | None, sort: Sort) -> Position | None:
    if cursor is None:
        return None
    try:
        kind, key, identifier = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, binascii.Error):
        kind = key = identifier = None
    if kind != sort.value or not isinstance(key, str) or not isinstance(identifier, str) or "\x00" in key + identifier:
        raise refusal(
            Kind.INVALID_PARAMETERS, [Place(where="parameters.after", reason="not a cursor of a page in this order")]
        )
    return Position(sort_key=key, id=AssetId(identifier))


@strict
@dataclass(frozen=True, slots=True, kw_only=True)
class AssetQuery:
    """Which asset, as known when."""

    asset: AssetAt
    as_of: Annotated[datetime | None, Field(description="as we knew it then")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldView:
    """One field: its value, who says so, and who says otherwise."""

    name: AttributeName
    chosen: Attribute
    others: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetDetail:
    """One asset with all that is known of it and why."""

    summary: AssetSummary
    fields: tuple[FieldView, ...]
    keys: tuple[IdentityKey, ...]
    demotions: tuple[Demotion, ...]  # those of the keys that are believed less, and why
    merges: tuple[Merge, ...]
    kept_apart: tuple[KeptApart, ...]
    links: tuple[ObservedLink, ...]  # to the switch it hangs on; of a switch, also from what hangs on it


async def get_asset(call: SiteCall[AssetQuery, None]) -> Answer[AssetDetail]:
    """One asset: each field with its source, conflicts, keys, why it was joined or kept apart, where it hangs.

    With `as_of`, summary, fields and keys are those of then; the decisions and links are always those of now.
    """
    identifier, as_of = AssetId(call.parameters.asset), _aware(call.parameters.as_of)
    async with call.database() as connection:
        asset = await assets.get(connection, call.establishment, identifier, as_of=as_of)
        if asset is None:
            raise unknown_asset()
        merges = await assets.merges(connection, call.establishment, identifier)
        apart = await assets.kept_apart(connection, call.establishment, identifier)
        demotions = await assets.demotions(connection, call.establishment, identifier)
        links = await assets.links(connection, call.establishment, identifier)
    return Answer(
        value=AssetDetail(
            summary=asset_summary(asset),
            fields=_fields(asset),
            keys=tuple(sorted(asset.keys)),
            demotions=tuple(demotions),
            merges=tuple(merges),
            kept_apart=tuple(apart),
            links=tuple(links),
        )
    )


def unknown_asset() -> ProblemError:
    """There is none of this id; one of another establishment looks the same."""
    return ProblemError(Kind.UNKNOWN_ASSET, "The establishment has no asset of this id.")


def _fields(asset: Asset) -> tuple[FieldView, ...]:
    others = {conflict.field: conflict.others for conflict in asset.conflicts}
    return tuple(
        FieldView(name=name, chosen=asset.attributes[name], others=others.get(name.value, ()))
        for name in AttributeName
        if name in asset.attributes
    )


@strict
@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceQuery:
    """The evidence of which asset."""

    asset: AssetAt
    after: Annotated[str | None, Field(max_length=64, description="`next` of the page before")] = None
    limit: Limit = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """An observation and what the cards made of it."""

    observation: Observation
    claim: Claim | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePage:
    """Statements, the newest first; `total` counts all the asset rests on."""

    asset: AssetId
    name: str
    total: int
    items: tuple[Statement, ...]
    next: str | None


async def list_evidence(call: SiteCall[EvidenceQuery, None]) -> Answer[EvidencePage]:
    """What an asset rests on: observations as they were received, and the claims of the cards."""
    asked, identifier = call.parameters, AssetId(call.parameters.asset)
    async with call.database() as connection:
        asset = await assets.get(connection, call.establishment, identifier)
        if asset is None:
            raise unknown_asset()
        after = _statement(asked.after, asset)
        heard = await observations.of_asset(
            connection, call.establishment, identifier, after=after, limit=asked.limit + 1
        )
        shown = heard[: asked.limit]
        claims = await assets.claims(connection, call.establishment, [o.id for o in shown])
    return Answer(
        value=EvidencePage(
            asset=identifier,
            name=name_of(asset),
            total=len(asset.observations),
            items=tuple(Statement(observation=o, claim=claims.get(o.id)) for o in shown),
            next=shown[-1].id if len(heard) > len(shown) else None,
        )
    )


def _statement(cursor: str | None, asset: Asset) -> ObservationId | None:
    if cursor is None:
        return None
    if cursor not in asset.observations:
        raise refusal(
            Kind.INVALID_PARAMETERS, [Place(where="parameters.after", reason="not a statement about this asset")]
        )
    return ObservationId(cursor)


@strict
@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesQuery:
    """Changes behind which number."""

    after: Annotated[int, Field(ge=0, le=2**62)] = 0
    limit: Annotated[int, Field(ge=1, le=changes.CHANGES_MAX)] = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePage:
    """Changes in order; ask again after the last number."""

    items: tuple[Change, ...]


async def list_changes(call: SiteCall[ChangesQuery, None]) -> Answer[ChangePage]:
    """What appeared, changed, vanished or was ranked, in order and without gaps."""
    asked = call.parameters
    async with call.database() as connection:
        found = await changes.after(connection, call.establishment, asked.after, limit=asked.limit)
    return Answer(value=ChangePage(items=tuple(found)))


ROUTES = (
    Route(
        method="GET",
        path="/v1/assets",
        handler=list_assets,
        summary="Assets",
        roles=PEOPLE,
        tag="inventory",
    ),
    Route(
        method="GET",
        path="/v1/assets/{asset}",
        handler=get_asset,
        summary="One asset",
        roles=PEOPLE,
        tag="inventory",
        problems=(Kind.UNKNOWN_ASSET,),
    ),
    Route(
        method="GET",
        path="/v1/assets/{asset}/evidence",
        handler=list_evidence,
        summary="What an asset rests on",
        roles=PEOPLE,
        tag="inventory",
        problems=(Kind.UNKNOWN_ASSET,),
    ),
    Route(
        method="GET",
        path="/v1/changes",
        handler=list_changes,
        summary="The change feed",
        roles=PEOPLE,
        tag="inventory",
    ),
)
