"""An asset survives its document, and seeing it again is not believing something else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from riskdb.model.asset import Asset, Attribute, AttributeName, Conflict, IdentityKey, KeyKind
from riskdb.model.ids import AssetId, EstablishmentId, ObservationId
from riskdb.store.asset_document import belief, changed_fields, from_document, terms, to_document, tokens

MOMENTS = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
ATTRIBUTES = st.builds(
    Attribute,
    value=TEXTS,
    source=TEXTS,
    observation=st.none() | st.text("0123456789abcdef", min_size=32, max_size=32).map(ObservationId),
    seen_at=MOMENTS,
    locked=st.booleans(),
)
ASSETS = st.builds(
    Asset,
    id=st.just(AssetId("a1")),
    establishment=st.just(EstablishmentId(1)),
    attributes=st.dictionaries(st.sampled_from(AttributeName), ATTRIBUTES),
    keys=st.frozensets(st.builds(IdentityKey, kind=st.sampled_from(KeyKind), value=TEXTS), max_size=5),
    observations=st.just((ObservationId("o1"), ObservationId("o2"))),
    conflicts=st.lists(
        st.builds(
            Conflict,
            field=TEXTS,
            chosen=ATTRIBUTES,
            others=st.lists(ATTRIBUTES, max_size=2).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
    first_seen_at=MOMENTS,
    last_seen_at=MOMENTS,
)


@given(ASSETS)
def test_an_asset_survives_its_document(asset: Asset) -> None:
    assert from_document(to_document(asset), asset.observations) == asset


@given(ASSETS, st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=900)))
def test_seen_again_later_it_is_believed_the_same(asset: Asset, later: timedelta) -> None:
    again = replace(
        asset,
        attributes={
            name: replace(attribute, seen_at=attribute.seen_at + later, observation=ObservationId("f" * 32))
            for name, attribute in reversed(asset.attributes.items())
        },
        observations=(*asset.observations, ObservationId("o3")),
        last_seen_at=asset.last_seen_at + later,
    )
    assert belief(again) == belief(asset)
    assert changed_fields(to_document(asset), again) == ()


@given(ASSETS, st.sampled_from(AttributeName), ATTRIBUTES)
def test_another_value_is_another_belief(asset: Asset, name: AttributeName, attribute: Attribute) -> None:
    other = replace(asset, attributes={**asset.attributes, name: attribute})
    same_value = asset.value(name) == attribute.value
    assert changed_fields(to_document(asset), other) == (() if same_value else (name,))
    assert same_value or belief(other) != belief(asset)


@given(ASSETS)
def test_an_asset_is_found_by_every_term_of_its_name(asset: Asset) -> None:
    assert set(terms(asset.value(AttributeName.NAME) or "")) <= set(tokens(asset))
