"""Statements of the ward, written in one line each."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from riskdb.model import facts
from riskdb.model.asset import Asset, Settlement, Sighting
from riskdb.model.claim import Category, Claim
from riskdb.model.ids import AgentId, CardId, DeviceTypeId, EstablishmentId
from riskdb.model.observation import Observation, Protocol, observe

MONDAY = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SITE = EstablishmentId(1)


def _observation(
    protocol: Protocol,
    *,
    address: str | None = None,
    mac: str | None = None,
    hours: float = 0.0,
    agent: str = "agent-1",
    stated: Mapping[str, str] | None = None,
) -> Observation:
    return observe(
        establishment=SITE,
        agent=AgentId(agent),
        seen_at=MONDAY + timedelta(hours=hours),
        address=address,
        mac=mac,
        protocol=protocol,
        facts=dict(stated or {}),
    )


class Ward:
    """Builds sightings: what a switch, a pump or a list says."""

    def answer(
        self,
        address: str,
        *,
        hours: float = 0.0,
        name: str | None = None,
        maker: str | None = None,
        model: str | None = None,
        serial: str | None = None,
        firmware: str | None = None,
        engine: str | None = None,
        if_mac: str | None = None,
        device_type: str | None = None,
        category: Category | None = None,
        confidence: float = 0.85,
    ) -> Sighting:
        """An SNMP answer, with what its card says."""
        stated = {
            facts.SNMP_SYS_DESCR: f"{maker} {model} {firmware}" if model else None,
            facts.SNMP_SYS_NAME: name,
            facts.SNMP_ENGINE_ID: engine,
            facts.SNMP_IF_MAC: if_mac,
        }
        heard = _observation(
            Protocol.SNMP, address=address, hours=hours, stated={k: v for k, v in stated.items() if v is not None}
        )
        known = maker is not None or device_type is not None
        claim = Claim(
            observation=heard.id,
            category=category,
            device_type=DeviceTypeId(device_type) if device_type else None,
            manufacturer=maker,
            model=model,
            firmware=firmware,
            serial=serial,
            card=CardId("card") if known else None,
            confidence=confidence if known else 0.0,
        )
        return Sighting(observation=heard, claim=claim)

    def unclaimed(self, heard: Observation) -> Sighting:
        return Sighting(observation=heard, claim=Claim(observation=heard.id))

    def arp(self, address: str, mac: str, *, hours: float = 0.0, by: str = "10.0.0.1") -> Sighting:
        return self.unclaimed(
            _observation(Protocol.ARP, address=address, mac=mac, hours=hours, stated={facts.SEEN_BY_ADDRESS: by})
        )

    def bridge(self, mac: str, *, by: str, port: str, hours: float = 0.0) -> Sighting:
        stated = {facts.SEEN_BY_ADDRESS: by, facts.SEEN_BY_PORT: port}
        return self.unclaimed(_observation(Protocol.BRIDGE, mac=mac, hours=hours, stated=stated))

    def neighbour(
        self, address: str, *, by: str, port: str, remote: str = "", name: str = "", hours: float = 0.0
    ) -> Sighting:
        stated = {facts.SEEN_BY_ADDRESS: by, facts.SEEN_BY_PORT: port, facts.LLDP_PORT: remote}
        stated |= {facts.LLDP_SYS_NAME: name} if name else {}
        return self.unclaimed(_observation(Protocol.LLDP, address=address, hours=hours, stated=stated))

    def announcement(self, address: str, instance: str, *, host: str = "", hours: float = 0.0) -> Sighting:
        stated = {facts.MDNS_SERVICE: "_pump._tcp", facts.MDNS_INSTANCE: instance}
        stated |= {facts.MDNS_HOST: host} if host else {}
        return self.unclaimed(_observation(Protocol.MDNS, address=address, hours=hours, stated=stated))

    def line(
        self, *, address: str | None = None, mac: str | None = None, list_name: str = "gmao.csv", **columns: str
    ) -> Sighting:
        """A line of an imported list; columns by the end of their fact names."""
        hours = float(columns.pop("hours", "0"))
        stated = {f"import.{column}": value for column, value in columns.items()}
        agent = f"import:{list_name}"
        return self.unclaimed(
            _observation(Protocol.IMPORT, address=address, mac=mac, hours=hours, agent=agent, stated=stated)
        )


@pytest.fixture
def ward() -> Ward:
    return Ward()


@pytest.fixture
def asset_of() -> Callable[[Settlement, Sighting], Asset | None]:
    """Which asset an observation ended in."""

    def find(settlement: Settlement, sighting: Sighting) -> Asset | None:
        holders = [a for a in settlement.assets if sighting.observation.id in a.observations]
        assert len(holders) <= 1, "an observation belongs to one asset at most"
        return holders[0] if holders else None

    return find
