"""What we believe, what we believed, and what changed: as a hospital asks."""

from dataclasses import replace
from datetime import timedelta
from time import monotonic

from riskdb.model.asset import (
    Attribute,
    AttributeName,
    Demotion,
    DemotionReason,
    IdentityKey,
    KeptApart,
    KeyKind,
    Merge,
    MergeRule,
    Settlement,
)
from riskdb.model.claim import Claim
from riskdb.model.ids import AssetId, CardId, EstablishmentId
from riskdb.model.place import ObservedLink
from riskdb.store import assets, changes, observations, settlements
from riskdb.store.assets import Filters, Sort
from riskdb.store.changes import ChangeKind
from riskdb.store.pool import scope
from riskdb.store.statements import Pool

PUMP = AssetId("a00001")


async def test_an_asset_is_read_as_it_was_settled(
    pool: Pool, hospital: EstablishmentId, heard, parcel, pump, settled, nine
) -> None:
    statements = heard(hospital, 2)
    asset = pump(hospital, 1, statements)
    async with scope(pool, hospital) as connection:
        await observations.ingest(connection, parcel(hospital, statements), received_at=nine, rejected=0)
        await settlements.save(connection, hospital, settled(asset), {}, recorded_at=nine)
        assert await assets.get(connection, hospital, PUMP) == asset
        assert await assets.all_current(connection, hospital) == [asset]
        assert await observations.of_asset(connection, hospital, PUMP) == statements[::-1]
        assert await settlements.known_keys(connection, hospital) == dict.fromkeys(asset.keys, PUMP)


async def test_saving_the_same_settlement_twice_writes_nothing_new(
    pool: Pool, hospital: EstablishmentId, heard, pump, settled, nine
) -> None:
    settlement = settled(*(pump(hospital, i, [o]) for i, o in enumerate(heard(hospital, 5))))
    async with scope(pool, hospital) as connection:
        first = await settlements.save(connection, hospital, settlement, {}, recorded_at=nine)
        second = await settlements.save(connection, hospital, settlement, {}, recorded_at=nine + timedelta(hours=1))
        assert [event.kind for event in first] == [ChangeKind.ASSET_APPEARED] * 5
        assert second == ()
        assert len(await assets.history(connection, hospital, PUMP)) == 1
        assert len(await changes.after(connection, hospital, 0)) == 5


async def test_what_did_we_know_at_nine(
    pool: Pool, hospital: EstablishmentId, heard, parcel, pump, settled, nine
) -> None:
    before, after = heard(hospital, 1), heard(hospital, 1, start=nine + timedelta(minutes=50))
    ten = nine + timedelta(hours=1)
    old, new = pump(hospital, 1, before), pump(hospital, 1, [*before, *after], firmware="2.0")
    async with scope(pool, hospital) as connection:
        await observations.ingest(connection, parcel(hospital, [*before, *after]), received_at=nine, rejected=0)
        await settlements.save(connection, hospital, settled(old), {}, recorded_at=nine)
        await settlements.save(connection, hospital, settled(new), {}, recorded_at=ten)
        assert await assets.get(connection, hospital, PUMP, as_of=nine) == old
        assert await assets.get(connection, hospital, PUMP, as_of=nine + timedelta(minutes=55)) == old
        assert await assets.get(connection, hospital, PUMP, as_of=ten) == new
        assert await assets.get(connection, hospital, PUMP, as_of=nine - timedelta(days=1)) is None


async def test_the_past_is_corrected_by_adding_never_by_rewriting(
    pool: Pool, hospital: EstablishmentId, heard, pump, settled, nine
) -> None:
    before, after = heard(hospital, 1), heard(hospital, 1, start=nine + timedelta(minutes=50))
    ten = nine + timedelta(hours=1)
    async with scope(pool, hospital) as connection:
        await settlements.save(connection, hospital, settled(pump(hospital, 1, before)), {}, recorded_at=nine)
        new = pump(hospital, 1, [*before, *after], firmware="2.0")
        await settlements.save(connection, hospital, settled(new), {}, recorded_at=ten)
        said = {
            (v.asset.value(AttributeName.FIRMWARE), v.valid_from, v.valid_to, v.recorded_from, v.recorded_to)
            for v in await assets.history(connection, hospital, PUMP)
        }
    changed_at = after[0].seen_at
    assert said == {
        ("1.0", before[0].seen_at, None, nine, ten),
        ("1.0", before[0].seen_at, changed_at, ten, None),
        ("2.0", changed_at, None, ten, None),
    }


async def test_seeing_again_refreshes_the_age_without_a_version(
    pool: Pool, hospital: EstablishmentId, heard, pump, settled, nine
) -> None:
    before, after = heard(hospital, 1), heard(hospital, 1, start=nine + timedelta(minutes=50))
    again = pump(hospital, 1, [*before, *after])
    async with scope(pool, hospital) as connection:
        await settlements.save(connection, hospital, settled(pump(hospital, 1, before)), {}, recorded_at=nine)
        assert await settlements.save(connection, hospital, settled(again), {}, recorded_at=nine) == ()
        assert await assets.get(connection, hospital, PUMP) == again
        assert len(await assets.history(connection, hospital, PUMP)) == 1


async def test_an_asset_that_is_gone_is_still_in_the_past(
    pool: Pool, hospital: EstablishmentId, heard, pump, settled, nine
) -> None:
    ten = nine + timedelta(hours=1)
    asset = pump(hospital, 1, heard(hospital, 1))
    async with scope(pool, hospital) as connection:
        await settlements.save(connection, hospital, settled(asset), {}, recorded_at=nine)
        events = await settlements.save(connection, hospital, settled(), {}, recorded_at=ten)
        assert [event.kind for event in events] == [ChangeKind.ASSET_GONE]
        assert await assets.get(connection, hospital, PUMP) is None
        assert await assets.get(connection, hospital, PUMP, as_of=ten) is None
        known = await assets.get(connection, hospital, PUMP, as_of=nine + timedelta(minutes=1))
        assert known == asset
        assert await settlements.known_keys(connection, hospital) == {}
        assert (await assets.page(connection, hospital, filters=Filters(text="gs2"))).assets == ()


async def test_a_key_of_two_assets_names_neither(
    pool: Pool, hospital: EstablishmentId, heard, pump, settled, nine
) -> None:
    shared = IdentityKey(kind=KeyKind.ENGINE_ID, value="80001f88")
    pumps = [pump(hospital, i, [o]) for i, o in enumerate(heard(hospital, 2))]
    cloned = [replace(p, keys=p.keys | {shared}) for p in pumps]
    async with scope(pool, hospital) as connection:
        await settlements.save(connection, hospital, settled(*cloned), {}, recorded_at=nine)
        assert shared not in await settlements.known_keys(connection, hospital)


async def test_pages_hold_every_asset_once_in_every_order(
    pool: Pool, hospital: EstablishmentId, heard, pump, settled, nine
) -> None:
    everything = [pump(hospital, i, [o]) for i, o in enumerate(heard(hospital, 23))]
    async with scope(pool, hospital) as connection:
        await settlements.save(connection, hospital, settled(*everything), {}, recorded_at=nine)
        for sort in Sort:
            found, position, pages = [], None, 0
            while pages == 0 or position is not None:
                page = await assets.page(connection, hospital, after=position, limit=5, sort=sort)
                found += page.assets
                position, pages = page.next, pages + 1
            assert pages == 5
            assert sorted(a.id for a in found) == [a.id for a in everything]
        newest = (await assets.page(connection, hospital, limit=1, sort=Sort.LAST_SEEN)).assets
    assert newest[0].last_seen_at >= everything[-1].last_seen_at - timedelta(seconds=1)


async def test_a_pump_is_found_by_the_beginning_of_its_words(
    pool: Pool, hospital: EstablishmentId, heard, pump, settled, nine
) -> None:
    everything = [pump(hospital, i, [o]) for i, o in enumerate(heard(hospital, 12))]
    async with scope(pool, hospital) as connection:
        await settlements.save(connection, hospital, settled(*everything), {}, recorded_at=nine)

        async def found(text: str) -> set[str]:
            return {a.id for a in (await assets.page(connection, hospital, filters=Filters(text=text))).assets}

        assert await found("Pump 11") == {"a00011"}
        assert await found("pump 1") == {"a00001", "a00010", "a00011"}
        assert await found("00:1a:00:00:00:07") == await found("00-1A-00-00-00-07") == {"a00007"}
        assert len(await found("infus")) == 12
        assert await found("ventilator") == set()


async def test_every_decision_of_a_settlement_is_read_back(
    pool: Pool, hospital: EstablishmentId, heard, pump, nine
) -> None:
    one, two = heard(hospital, 2)
    key = IdentityKey(kind=KeyKind.MAC, value="00:1a:00:00:00:01")
    a, b = pump(hospital, 1, [one]), pump(hospital, 2, [two])
    settlement = Settlement(
        assets=(a, b),
        merges=(Merge(asset=a.id, rule=MergeRule.SAME_STRONG_KEY, evidence=(key,), joined=(one.id, two.id)),),
        demotions=(Demotion(key=key, reason=DemotionReason.SHARED, carriers=9),),
        kept_apart=(KeptApart(assets=(a.id, b.id), shared=(key,), reason="two serials"),),
        links=(ObservedLink(source=a.id, target=b.id, port="Gi1/0/1", observation=one.id),),
    )
    claim = Claim(observation=one.id, card=CardId("acme-pump"), cards=(CardId("acme-pump"),), confidence=0.9)
    async with scope(pool, hospital) as connection:
        for _ in range(2):
            await settlements.save(connection, hospital, settlement, {one.id: claim}, recorded_at=nine)
            assert await assets.merges(connection, hospital) == list(settlement.merges)
            assert await assets.demotions(connection, hospital) == list(settlement.demotions)
            assert await assets.kept_apart(connection, hospital, a.id) == list(settlement.kept_apart)
            for end in (None, a.id, b.id):
                assert await assets.links(connection, hospital, end) == list(settlement.links)
            assert await assets.links(connection, hospital, AssetId("a-stranger")) == []
            assert await assets.claims(connection, hospital, [claim.observation]) == {claim.observation: claim}
        undone = Settlement(assets=(a, b), merges=(), demotions=(), kept_apart=())
        await settlements.save(connection, hospital, undone, {}, recorded_at=nine)
        assert await assets.merges(connection, hospital) == []
        assert await assets.links(connection, hospital) == []


async def test_a_demoted_key_is_told_of_the_assets_that_carry_it(
    pool: Pool, hospital: EstablishmentId, heard, pump, nine
) -> None:
    one, two = heard(hospital, 2)
    a, b = pump(hospital, 1, [one]), pump(hospital, 2, [two])
    (key,) = a.keys
    shared = Demotion(key=key, reason=DemotionReason.SHARED, carriers=9)
    settlement = Settlement(assets=(a, b), merges=(), demotions=(shared,), kept_apart=())
    async with scope(pool, hospital) as connection:
        await settlements.save(connection, hospital, settlement, {}, recorded_at=nine)
        assert await assets.demotions(connection, hospital, a.id) == [shared]
        assert await assets.demotions(connection, hospital, b.id) == []


async def test_a_persons_word_is_kept_and_taken_back(pool: Pool, hospital: EstablishmentId, nine) -> None:
    async with scope(pool, hospital) as connection:
        field = AttributeName.UNIT
        await settlements.lock_attribute(
            connection, hospital, PUMP, field=field, value="icu-a", person="m.roux", at=nine
        )
        said = Attribute(value="icu-a", source="human:m.roux", observation=None, seen_at=nine, locked=True)
        assert await settlements.locked(connection, hospital) == {PUMP: {field: said}}
        assert await settlements.unlock_attribute(connection, hospital, PUMP, field)
        assert await settlements.locked(connection, hospital) == {}


async def test_a_large_hospital_settles_in_seconds(
    pool: Pool, hospital: EstablishmentId, heard, parcel, pump, nine
) -> None:
    statements = heard(hospital, 20_000)
    groups = [statements[i : i + 4] for i in range(0, 20_000, 4)]
    claims = {o.id: Claim(observation=o.id) for o in statements}
    settlement = Settlement(
        assets=tuple(pump(hospital, i, group) for i, group in enumerate(groups)),
        merges=tuple(
            Merge(asset=AssetId(f"a{i:05}"), rule=MergeRule.SAME_INTERFACE, evidence=(), joined=(g[0].id, o.id))
            for i, g in enumerate(groups)
            for o in g[1:]
        ),
        demotions=(),
        kept_apart=(),
    )
    async with scope(pool, hospital) as connection:
        await observations.ingest(connection, parcel(hospital, statements), received_at=nine, rejected=0)
    for expected in (5_000, 0):
        begun = monotonic()
        async with scope(pool, hospital) as connection:
            events = await settlements.save(connection, hospital, settlement, claims, recorded_at=nine)
        assert len(events) == expected
        assert monotonic() - begun < 20
