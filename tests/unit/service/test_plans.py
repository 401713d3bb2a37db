"""What the inventory may tell an agent: people's words open an address, what was only heard may close it."""

from datetime import UTC, datetime

from riskdb.knowledge import load_pack
from riskdb.model.asset import Asset, Attribute, AttributeName
from riskdb.model.ids import AssetId, EstablishmentId
from service.plans import Policy, make_plan

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def stated(value: str, source: str) -> Attribute:
    return Attribute(value=value, source=source, observation=None, seen_at=NOW)


def printer(*, type_from: str, address_from: str = "arp") -> Asset:
    return Asset(
        id=AssetId("a-1"),
        establishment=EstablishmentId(1),
        attributes={
            AttributeName.ADDRESS: stated("10.1.0.7", address_from),
            AttributeName.DEVICE_TYPE: stated("office_printer", type_from),
        },
        keys=frozenset(),
        observations=(),
        conflicts=(),
        first_seen_at=NOW,
        last_seen_at=NOW,
    )


def is_inferred(asset: Asset) -> bool:
    policy = Policy(ranges=("10.0.0.0/8",))
    plan = make_plan(policy, establishment=EstablishmentId(1), pack=load_pack(), assets=[asset], imported=[])
    (known,) = plan.known
    return known.inferred


def test_a_type_from_a_list_or_a_person_may_open_an_address() -> None:
    assert not is_inferred(printer(type_from="import:assets.csv"))
    assert not is_inferred(printer(type_from="human:a.leclerc"))


def test_a_type_from_a_card_or_from_listening_opens_nothing() -> None:
    assert is_inferred(printer(type_from="practice-printer"))
    assert is_inferred(printer(type_from="mdns"))


def test_a_listed_device_that_only_announced_its_address_is_not_opened_there() -> None:
    assert is_inferred(printer(type_from="import:assets.csv", address_from="mdns"))
