"""Units, rooms, and which devices stand in them: the first step of making a hospital.

Pure: blueprint and seed in, places and drafts out. Wires, addresses and banners come later.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from discovery.sim.draft import Draft, between, draws
from discovery.sim.hospital import Room, Unit
from discovery.sim.models import Kind, Offer, blueprint, kinds

SERVER_ROOM = "datacentre"
# What stands in the wiring closets and the server room, with its kind; wiring.py makes the access switches.
_FIRST_SITE_ONLY = frozenset({"portal", "network_controller", "vendor_gateway"})
ALWAYS_OFFERED = ("lvp_pump", "syringe_pump", "infusion_server")  # one line of each can be opted in, in every hospital


@dataclass(slots=True, kw_only=True)
class Ground:
    """Places and drafts of a hospital in the making."""

    seed: int
    units: list[Unit] = field(default_factory=list)
    rooms: list[Room] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)

    def rooms_of(self, unit: str) -> list[Room]:
        """The rooms of a unit."""
        return [r for r in self.rooms if r.unit == unit]

    def add(self, kind: Kind, *, unit: Unit, room: str | None, random: Random, bought: "Contracts") -> Draft:
        """One more device of a kind, of a line this site buys."""
        offer = bought.offer(kind, random)
        draft = Draft(
            id=f"d-{len(self.drafts) + 1:05d}",
            kind=kind,
            offer=offer,
            model=offer.model(random.choice(offer.models)),
            firmware=random.choice(offer.firmware),
            site=unit.site,
            floor=unit.floor,
            unit=unit.id,
            unit_type=unit.unit_type,
            room=room,
        )
        self.drafts.append(draft)
        return draft


class Contracts:
    """Which lines a site buys: one, sometimes two of a type, as tenders go; with one model in general use."""

    def __init__(self, random: Random) -> None:
        self._offers = {kind.name: self._tender(kind, random) for kind in kinds().values()}
        pumps = self._offers["lvp_pump"][0].voice  # who sells the pumps sells the server
        self._offers["infusion_server"] = [o for o in kinds()["infusion_server"].offers if o.voice is pumps]

    @staticmethod
    def _tender(kind: Kind, random: Random) -> list[Offer]:
        bought = random.sample(list(kind.offers), min(len(kind.offers), random.choice([1, 1, 2])))
        if kind.name in ALWAYS_OFFERED and not any(o.opt_in for o in bought):
            bought.append(random.choice([o for o in kind.offers if o.opt_in]))
        return bought

    def offer(self, kind: Kind, random: Random) -> Offer:
        """The line of the next device: mostly the first choice."""
        offers = self._offers[kind.name]
        return offers[0] if random.random() < 0.7 else random.choice(offers)


def lay_out(seed: int, size: int) -> Ground:
    """The sites of a hospital: their units, rooms and devices, network gear excepted."""
    ground = Ground(seed=seed)
    for site in range(1, size + 1):
        for unit in _units(draws(seed, "units", site), site=site):
            ground.units.append(unit)
            ground.rooms.extend(_rooms(unit))
        bought = contracts(seed, site)
        _furnish(ground, site=site, bought=bought)
        _serve(ground, site=site, bought=bought)
    return ground


def contracts(seed: int, site: int) -> Contracts:
    """What a site buys."""
    return Contracts(draws(seed, "contracts", site))


def _units(random: Random, *, site: int) -> Iterator[Unit]:
    for unit_type, plan in blueprint()["units"].items():
        count = between(random, plan["count"])
        for number in range(1, count + 1):
            suffix = f"-{number}" if count > 1 else ""
            yield Unit(
                id=f"s{site}-{unit_type.replace('_', '-')}{suffix}",
                name=f"{plan['name']}{' ' + str(number) if count > 1 else ''}, site {site}",
                unit_type=unit_type,
                beds=between(random, plan["beds"]),
                site=site,
                floor=plan["floors"][(number - 1) % len(plan["floors"])],
            )


def _rooms(unit: Unit) -> Iterator[Room]:
    plan = blueprint()
    count = round(unit.beds * plan["rooms_per_bed"]) or plan["rooms_without_beds"]
    for number in range(1, count + 1):
        yield Room(id=f"{unit.id}-{number:02d}", name=f"{unit.name}, room {number}", unit=unit.id)


def _furnish(ground: Ground, *, site: int, bought: Contracts) -> None:
    random = draws(ground.seed, "furnish", site)
    plan: Mapping[str, Any] = blueprint()["units"]
    for unit in [u for u in ground.units if u.site == site]:
        rooms = ground.rooms_of(unit.id)
        for name, count in plan[unit.unit_type]["devices"].items():
            for _ in range(between(random, count)):
                kind = kinds()[name]
                ground.add(kind, unit=unit, room=random.choice(rooms).id, random=random, bought=bought)


def _serve(ground: Ground, *, site: int, bought: Contracts) -> None:
    random = draws(ground.seed, "servers", site)
    in_room = {u.unit_type: u for u in ground.units if u.site == site}
    cabinet = ground.rooms_of(in_room[SERVER_ROOM].id)[0].id
    hosts = [d for d in ground.drafts if d.site == site and d.kind.name == "virtualisation"]
    for name, count in blueprint()["servers"].items():
        if site > 1 and name in _FIRST_SITE_ONLY:
            continue
        for _ in range(count):
            server = ground.add(kinds()[name], unit=in_room[SERVER_ROOM], room=cabinet, random=random, bought=bought)
            server.host = random.choice(hosts).id
    for (
        draft
    ) in ground.drafts:  # a machine that care in a unit needs, drawn with that unit, runs in the server room too
        if draft.site == site and draft.kind.virtual and draft.host is None:
            draft.host = random.choice(hosts).id
