"""Identity on made-up fleets with clones, docks, duplicates and typing errors: order is nothing, trust is all."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdb.identify import settle
from riskdb.model import facts
from riskdb.model.asset import IdentityKey, Settlement, Sighting
from riskdb.model.claim import Category, Claim
from riskdb.model.ids import AgentId, AssetId, CardId, EstablishmentId, ObservationId
from riskdb.model.observation import Observation, Protocol, observe

SITE = EstablishmentId(1)
MONDAY = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MAKERS = ("B. Braun", "Philips", "Dräger")
SWITCH = "10.0.0.1"
CLONED_ENGINE = "80001f8804aabbccddeeff0011"
DOCK = "00:50:b6:00:00:99"


@dataclass
class Fleet:
    """Sightings, and which true device each is of (None: of no device)."""

    sightings: list[Sighting] = field(default_factory=list)
    truth: dict[ObservationId, str | None] = field(default_factory=dict)

    def hear(self, device: str | None, heard: Observation, claim: Claim | None = None) -> None:
        self.sightings.append(Sighting(observation=heard, claim=claim or Claim(observation=heard.id)))
        self.truth[heard.id] = device


def said(
    protocol: Protocol,
    at: datetime,
    *,
    address: str | None = None,
    mac: str | None = None,
    agent: str = "agent-1",
    stated: dict[str, str] | None = None,
) -> Observation:
    return observe(
        establishment=SITE,
        agent=AgentId(agent),
        seen_at=at,
        address=address,
        mac=mac,
        protocol=protocol,
        facts=stated or {},
    )


def mistype(serial: str, random: Random) -> str:
    place = random.randrange(len(serial))
    return serial[:place] + random.choice("0123456789") + serial[place + 1 :]


def make_fleet(seed: int, *, devices: int = 24, days: int = 2) -> Fleet:
    """A ward seen on several days: sequential serials, leases that change hands, lists with mistakes."""
    random, fleet = Random(seed), Fleet()
    switch = said(Protocol.SNMP, MONDAY, address=SWITCH, stated={facts.SNMP_SYS_NAME: "sw1"})
    fleet.hear("switch", switch, Claim(observation=switch.id, category=Category.NETWORK, card=CardId("sw")))
    base = random.randrange(10_000, 90_000)
    addresses = [f"10.0.1.{host}" for host in random.sample(range(10, 200), devices)]
    for number in range(devices):
        _hear_device(fleet, number, random, base=base, addresses=addresses, days=days)
        _list_device(fleet, number, random, base=base, addresses=addresses)
    return fleet


def _serial(base: int, number: int) -> str:
    """Steps of 11: no single wrong digit makes one device's serial another's, which nobody could tell."""
    return f"SN{base + 11 * number}"


def _mac(number: int) -> str:
    return f"00:1a:64:00:{number >> 8:02x}:{number & 255:02x}"


def _hear_device(fleet: Fleet, number: int, random: Random, *, base: int, addresses: list[str], days: int) -> None:
    device = Random(f"{base}/{number}")
    silent, docked = device.random() < 0.3, device.random() < 0.12
    maker = MAKERS[number % len(MAKERS)]
    for day in range(days):
        at = MONDAY + timedelta(days=day, seconds=random.randrange(600))
        mac = DOCK if docked else _mac(number + (500 if day and device.random() < 0.1 else 0))  # a new board
        # On another day leases may have moved on by one.
        address = addresses[(number + day * (base % 2)) % len(addresses)]
        if random.random() < 0.9:
            fleet.hear(
                None if docked else f"d{number}",
                said(Protocol.BRIDGE, at, mac=mac, stated={facts.SEEN_BY_ADDRESS: SWITCH, facts.SEEN_BY_PORT: "gi1"}),
            )
        if random.random() < 0.8:
            arp = said(Protocol.ARP, at, address=address, mac=mac, stated={facts.SEEN_BY_ADDRESS: SWITCH})
            fleet.hear(None if docked else f"d{number}", arp)
        if silent:
            continue
        stated = {facts.SNMP_SYS_NAME: f"h{number}"} if device.random() < 0.7 else {}
        if device.random() < 0.3:
            stated[facts.SNMP_ENGINE_ID] = CLONED_ENGINE if device.random() < 0.5 else f"80000009030000{number:06x}"
        heard = said(Protocol.SNMP, at + timedelta(seconds=30), address=address, stated=stated)
        serial = _serial(base, number) if device.random() < 0.8 else None
        fleet.hear(
            f"d{number}",
            heard,
            Claim(
                observation=heard.id, manufacturer=maker, model="M1", serial=serial, card=CardId("c"), confidence=0.8
            ),
        )


def _list_device(fleet: Fleet, number: int, random: Random, *, base: int, addresses: list[str]) -> None:
    if random.random() < 0.1:
        return
    serial = _serial(base, number)
    mac = _mac(number) if random.random() < 0.7 else None
    address = addresses[number] if random.random() < 0.5 else None
    stated = {
        facts.IMPORT_ASSET_TAG: f"T{number}",
        facts.IMPORT_MANUFACTURER: MAKERS[number % len(MAKERS)].upper(),
        facts.IMPORT_MODEL: "M1",
        facts.IMPORT_SERIAL: mistype(serial, random) if random.random() < 0.1 else serial,
    }
    stated |= {facts.IMPORT_HOSTNAME: f"h{number}"} if random.random() < 0.5 else {}
    line = said(Protocol.IMPORT, MONDAY, address=address, mac=mac, agent="import:a.csv", stated=stated)
    fleet.hear(f"d{number}", line)
    if random.random() < 0.15:
        again = stated | {facts.IMPORT_ASSET_TAG: f"T{number}-B"}
        fleet.hear(f"d{number}", said(Protocol.IMPORT, MONDAY, mac=mac, agent="import:a.csv", stated=again))


def pairs(groups: Iterable[int]) -> int:
    return sum(n * (n - 1) // 2 for n in groups)


def precision_and_recall(fleet: Fleet, settlement: Settlement) -> tuple[float, float]:
    asset_of = {o: asset.id for asset in settlement.assets for o in asset.observations}
    cells: Counter[tuple[str, str]] = Counter()
    for observation, device in fleet.truth.items():
        if device is not None:
            cells[device, asset_of.get(observation, observation)] += 1
    by_asset: dict[str, int] = defaultdict(int)
    by_device: dict[str, int] = defaultdict(int)
    for (device, asset), count in cells.items():
        by_asset[asset] += count
        by_device[device] += count
    together = pairs(cells.values())
    return together / max(pairs(by_asset.values()), 1), together / max(pairs(by_device.values()), 1)


def known_of(settlement: Settlement) -> dict[IdentityKey, AssetId]:
    return {key: asset.id for asset in settlement.assets for key in asset.keys}


@given(seed=st.integers(0, 2**32), shuffle=st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_hearing_changes_nothing(seed: int, shuffle: Random) -> None:
    fleet = make_fleet(seed)
    shuffled = list(fleet.sightings)
    shuffle.shuffle(shuffled)
    assert settle(shuffled, establishment=SITE) == settle(fleet.sightings, establishment=SITE)


@given(seed=st.integers(0, 2**32), days=st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_settling_again_with_what_is_known_names_every_device_as_before(seed: int, days: int) -> None:
    fleet = make_fleet(seed, days=days)
    first = settle(fleet.sightings, establishment=SITE)
    again = settle(fleet.sightings, establishment=SITE, known=known_of(first))
    assert again == first


@given(seed=st.integers(0, 2**32), split=st.floats(0.2, 0.9))
@settings(max_examples=60, deadline=None)
def test_an_asset_keeps_its_id_while_more_is_learnt_of_it(seed: int, split: float) -> None:
    fleet = make_fleet(seed)
    early = fleet.sightings[: int(len(fleet.sightings) * split)]
    first = settle(early, establishment=SITE)
    known = known_of(first)
    again = settle(early, establishment=SITE, known=known)
    later = settle(fleet.sightings, establishment=SITE, known=known)
    kept = {asset.id for asset in later.assets} & {asset.id for asset in first.assets}
    assert [a.id for a in again.assets] == [a.id for a in first.assets]
    # Ids only vanish where two assets turned out to be one, or one that had nothing but a shared key is nobody now.
    assert len(kept) >= len(first.assets) - sum(len(m.joined) - 1 for m in later.merges) - len(later.demotions)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_a_device_that_shares_nothing_with_others_changes_nothing_else(seed: int) -> None:
    fleet = make_fleet(seed)
    stranger = said(
        Protocol.SNMP, MONDAY + timedelta(minutes=3), address="10.9.9.9", stated={facts.SNMP_SYS_NAME: "x1"}
    )
    before = settle(fleet.sightings, establishment=SITE)
    after = settle(
        [*fleet.sightings, Sighting(observation=stranger, claim=Claim(observation=stranger.id))], establishment=SITE
    )
    new = [asset for asset in after.assets if stranger.id in asset.observations]
    assert len(new) == 1
    assert tuple(asset for asset in after.assets if asset not in new) == before.assets
    assert (after.merges, after.kept_apart, after.demotions, after.links) == (
        before.merges,
        before.kept_apart,
        before.demotions,
        before.links,
    )


@given(seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_each_observation_is_in_one_asset_at_most(seed: int) -> None:
    settlement = settle(make_fleet(seed).sightings, establishment=SITE)
    counted = Counter(o for asset in settlement.assets for o in asset.observations)
    assert max(counted.values()) == 1
    assert len({asset.id for asset in settlement.assets}) == len(settlement.assets)


@pytest.mark.parametrize("seed", range(12))
def test_a_large_fleet_with_mistakes_is_hardly_ever_joined_wrongly(seed: int) -> None:
    fleet = make_fleet(seed, devices=160, days=3)
    precision, recall = precision_and_recall(fleet, settle(fleet.sightings, establishment=SITE))
    assert precision >= 0.999
    assert recall >= 0.75  # clones, docks and moved leases: what nobody can know stays apart
