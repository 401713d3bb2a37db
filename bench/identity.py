"""How long identity resolution takes on practice hospitals, and what it gets right, without a network between.

Every device that may be asked answers once, switches hand over their tables, announcements are heard, lists are read.
"""

import resource
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from discovery.fingerprints import load_cards, recognise
from discovery.fingerprints.engine import further_asks
from discovery.sim.fabric import SWITCHES, Fabric
from discovery.sim.generate import generate
from discovery.sim.handout import papers_csv, prefix_number
from discovery.sim.hospital import Device, Hospital
from discovery.sim.mib import joined, view
from discovery.sim.score import answer_of, score
from discovery.wire.mib import asked_facts, device_facts
from discovery.wire.tables import Teller, neighbours
from riskdb.identify import settle
from riskdb.imports import read_assets, read_ports, read_rooms
from riskdb.model import facts
from riskdb.model.asset import Sighting
from riskdb.model.ids import AgentId, EstablishmentId
from riskdb.model.observation import Observation, Protocol, observe

SIZES = (1, 5, 20)
SEED = 1
PREFIX = "127.9.0.0/16"
SITE, AGENT = EstablishmentId(1), AgentId("bench")
MONDAY = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
PACE = timedelta(milliseconds=50)  # between two devices


def main() -> None:
    """Print one row a size; seconds are of one processor."""
    print("size  devices  observations  settle s  us/obs   assets  precision  recall  type    model   firmware")
    for size in SIZES:
        hospital = generate(SEED, size)
        papers = papers_csv(hospital, PREFIX)
        cards = load_cards()
        heard = [*imported(papers), *looked_at(hospital)]
        sightings = [Sighting(observation=o, claim=recognise(o, cards)) for o in heard]
        rooms, ports = read_rooms(papers["rooms.csv"]).rows, read_ports(papers["ports.csv"]).rows
        begun = time.process_time()
        settlement = settle(sightings, establishment=SITE, rooms=rooms, ports=ports)
        took_s = time.process_time() - begun
        asset_of = {o: asset.id for asset in settlement.assets for o in asset.observations}
        found = score(
            hospital,
            PREFIX,
            observations=heard,
            assets=[answer_of(asset) for asset in settlement.assets],
            asset_of_observation=asset_of,
            claims_unknown=0,
        )["identity"]
        figures = "  ".join(f"{found[name]:.4f}" for name in found)
        print(
            f"{size:>4} {len(hospital.devices):>8} {len(heard):>13} {took_s:>9.2f} {1e6 * took_s / len(heard):>7.0f}"
            f" {len(settlement.assets):>8}  {figures}"
        )
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB, observations included")


def imported(papers: dict[str, bytes]) -> Iterator[Observation]:
    """The asset lists."""
    for name in sorted(papers):
        if name.startswith("assets"):
            yield from read_assets(papers[name], source=name, establishment=SITE, seen_at=MONDAY).rows


def looked_at(hospital: Hospital) -> Iterator[Observation]:
    """What one look at the network brings."""
    fabric, prefix = Fabric(hospital), prefix_number(PREFIX)
    at = MONDAY
    for device in hospital.devices:
        if device.address is None:
            continue
        at += PACE
        address = joined(device.address, prefix=prefix)
        if device.snmp is not None and device.asked != "passive":
            yield from _answers(device, fabric, at=at, address=address, prefix=prefix)
        if device.mdns is not None:
            stated = {facts.MDNS_SERVICE: device.mdns.service, facts.MDNS_INSTANCE: device.mdns.instance}
            stated |= {f"{facts.MDNS_TXT_PREFIX}{key.lower()}": text for key, text in device.mdns.txt.items() if text}
            yield _said(Protocol.MDNS, at, address, stated)


def _answers(device: Device, fabric: Fabric, *, at: datetime, address: str, prefix: int) -> Iterator[Observation]:
    rows = view(device, fabric, prefix=prefix)
    stated = device_facts(rows)
    stated |= asked_facts(rows, further_asks(stated, load_cards()))
    yield _said(Protocol.SNMP, at, address, stated)
    if device.kind in SWITCHES:
        teller = Teller(establishment=SITE, agent=AGENT, seen_at=at, address=address, name=device.hostname)
        yield from neighbours(rows, teller=teller).observations


def _said(protocol: Protocol, at: datetime, address: str, stated: dict[str, str]) -> Observation:
    return observe(
        establishment=SITE, agent=AGENT, seen_at=at, address=address, mac=None, protocol=protocol, facts=stated
    )
