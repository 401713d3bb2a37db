"""The catalogue, the knowledge pack and the cards speak of the same devices."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from discovery.fingerprints import load_cards
from discovery.fingerprints.engine import CardSet, recognise
from discovery.sim.hospital import Device, Hospital
from discovery.sim.models import blueprint, kinds
from riskdb.knowledge import load_pack
from riskdb.model import facts
from riskdb.model.claim import Claim
from riskdb.model.ids import AgentId, EstablishmentId
from riskdb.model.observation import Protocol, observe

Made = Callable[..., Hospital]


@pytest.fixture(scope="module")
def cards() -> CardSet:
    return load_cards()


def test_every_device_and_unit_type_is_a_word_of_the_pack() -> None:
    pack = load_pack()
    assert not {k.device_type for k in kinds().values() if k.device_type} - set(pack.device_types)
    assert not set(blueprint()["units"]) - set(pack.unit_types)


def test_the_catalogue_s_safety_classes_are_the_pack_s() -> None:
    pack = load_pack()
    differ = {
        k.name: k.asked for k in kinds().values() if k.device_type and pack.safety_class(k.device_type) != k.asked
    }
    assert not differ


def test_everything_in_the_catalogue_stands_somewhere() -> None:
    placed = {kind for unit in blueprint()["units"].values() for kind in unit["devices"]} | set(blueprint()["servers"])
    network = {"access_switch", "core_switch", "access_point", *blueprint()["network"]["core"]}
    assert set(kinds()) == placed | network


def test_every_practice_card_says_that_it_is_drafted(cards: CardSet) -> None:
    practice = [c for c in cards.cards if c.id.startswith("practice-")]
    assert len(practice) > 100
    assert {c.maturity.value for c in practice} == {"drafted"}


def claim(cards: CardSet, protocol: Protocol, stated: dict[str, str]) -> Claim:
    return recognise(
        observe(
            establishment=EstablishmentId(1),
            agent=AgentId("a"),
            seen_at=datetime(2026, 1, 1, tzinfo=UTC),
            address="127.9.1.1",
            mac=None,
            protocol=protocol,
            facts=stated,
        ),
        cards,
    )


def truth(device: Device) -> tuple[str | None, ...]:
    return (device.category, device.device_type, device.manufacturer, device.model, device.firmware)


def told(c: Claim) -> tuple[str | None, ...]:
    return (c.category, c.device_type, c.manufacturer, c.model, c.firmware)


@pytest.mark.parametrize("seed", [1, 2, 3, 11])
def test_every_snmp_banner_is_known_by_its_card(cards: CardSet, seed: int, made: Made) -> None:
    for device in made(seed).devices:
        if device.snmp is None:
            continue
        stated = {facts.SNMP_SYS_DESCR: device.snmp.descr, facts.SNMP_SYS_OBJECT_ID: device.snmp.object_id}
        if device.snmp.serial_oid:
            stated[f"snmp.oid.{device.snmp.serial_oid}"] = device.serial
        found = claim(cards, Protocol.SNMP, stated)
        assert told(found) == truth(device)
        assert device.snmp.serial_oid is None or found.serial == device.serial


@pytest.mark.parametrize("seed", [1, 2, 3, 11])
def test_every_announcement_is_known_by_its_card(cards: CardSet, seed: int, made: Made) -> None:
    for device in made(seed).devices:
        if device.mdns is None:
            continue
        stated = {facts.MDNS_SERVICE: device.mdns.service, facts.MDNS_INSTANCE: device.mdns.instance}
        stated |= {facts.MDNS_TXT_PREFIX + key.lower(): value for key, value in device.mdns.txt.items()}
        found = claim(cards, Protocol.MDNS, stated)
        assert told(found) == truth(device)
        assert found.serial == device.serial


def test_service_names_are_what_rfc_6335_allows() -> None:
    services = {o.voice.service for k in kinds().values() for o in k.offers if o.voice.service}
    assert services
    for service in services:
        assert re.fullmatch(r"_[a-z][a-z0-9-]{0,14}\._(tcp|udp)", service), service
