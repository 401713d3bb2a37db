"""A small hospital to store: observations, a claim each, and settlements of them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from riskdb.model.asset import Asset, Attribute, AttributeName, IdentityKey, KeyKind, Settlement
from riskdb.model.batch import Batch
from riskdb.model.ids import AgentId, AssetId, BatchId, EstablishmentId, ObservationId
from riskdb.model.observation import Observation, Protocol, observe

NINE = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)


@pytest.fixture
def nine() -> datetime:
    """09:00 on a day."""
    return NINE


@pytest.fixture
def heard() -> Callable[..., list[Observation]]:
    """n devices answering one after the other."""

    def make(hospital: EstablishmentId, n: int, *, start: datetime = NINE) -> list[Observation]:
        return [
            observe(
                establishment=hospital,
                agent=AgentId("north"),
                seen_at=start + timedelta(milliseconds=i),
                address=f"127.5.{i // 250}.{i % 250}",
                mac=None,
                protocol=Protocol.SNMP,
                facts={"snmp.sys_descr": f"Pump no. {i}", "snmp.sys_name": f"pump-{i}"},
            )
            for i in range(n)
        ]

    return make


@pytest.fixture
def parcel() -> Callable[..., Batch]:
    """Observations in a batch."""

    def make(hospital: EstablishmentId, observations: list[Observation], *, name: str = "batch-01") -> Batch:
        return Batch(id=BatchId(name), establishment=hospital, agent=AgentId("north"), observations=tuple(observations))

    return make


@pytest.fixture
def pump() -> Callable[..., Asset]:
    """A pump, by its number, firmware and the observations it rests on."""

    def make(
        hospital: EstablishmentId,
        number: int,
        observations: list[Observation],
        *,
        firmware: str = "1.0",
    ) -> Asset:
        newest = observations[-1]

        def said(value: str) -> Attribute:
            return Attribute(value=value, source="acme-pump", observation=newest.id, seen_at=newest.seen_at)

        return Asset(
            id=AssetId(f"a{number:05}"),
            establishment=hospital,
            attributes={
                AttributeName.NAME: said(f"Pump {number}"),
                AttributeName.DEVICE_TYPE: said("infusion_pump"),
                AttributeName.MODEL: said("GS2"),
                AttributeName.FIRMWARE: said(firmware),
                AttributeName.MAC: said(f"00:1a:00:00:{number // 256:02x}:{number % 256:02x}"),
            },
            keys=frozenset({IdentityKey(kind=KeyKind.SERIAL, value=f"acme/{number}")}),
            observations=tuple(sorted(ObservationId(o.id) for o in observations)),
            conflicts=(),
            first_seen_at=observations[0].seen_at,
            last_seen_at=newest.seen_at,
        )

    return make


@pytest.fixture
def settled() -> Callable[..., Settlement]:
    """A settlement of nothing but assets."""

    def make(*assets: Asset) -> Settlement:
        return Settlement(assets=assets, merges=(), demotions=(), kept_apart=())

    return make
