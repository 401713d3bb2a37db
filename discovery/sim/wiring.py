"""Switches, cables, access points and ports: who hangs where.

Pure: drafts in, switches and cables out, and every networked draft knows its switch and port. The tree of active cables
is rooted at the first core switch; `tables.py` derives what each switch has learned from it.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import count
from random import Random

from discovery.sim.draft import Draft, draws
from discovery.sim.hospital import Cable, Unit
from discovery.sim.models import blueprint, kinds
from discovery.sim.populate import SERVER_ROOM, Contracts, Ground, contracts

_BY_NAME = {"cisco": "Gi1/0/{}", "aruba": "1/1/{}", "extreme": "1:{}", "ale": "1/1/{}"}
_CORE_PORTS = {"cisco": "Ethernet1/{}", "aruba": "1/1/{}", "extreme": "1/{}"}
_UPLINKS = {"cisco": "Te1/1/{}", "aruba": "1/1/{}", "extreme": "1:{}", "ale": "1/1/{}"}
UPLINKS = 4  # ports of an access switch beyond the numbered ones


def port_name(switch: Draft, number: int) -> str:
    """The ifName of the n-th port of a switch, as its vendor counts; past the last come the uplinks."""
    vendor = switch.offer.voice.name
    if switch.kind.name == "core_switch":
        return _CORE_PORTS[vendor].format(number)
    if number <= switch.ports:
        return _BY_NAME[vendor].format(number)
    return _UPLINKS[vendor].format(number - switch.ports if vendor == "cisco" else number)


def wire(ground: Ground, size: int) -> list[Cable]:
    """Add the network to a furnished hospital and connect everything."""
    cables: list[Cable] = []
    first: list[Draft] = []
    for site in range(1, size + 1):
        bought = contracts(ground.seed, site)
        random = draws(ground.seed, "wiring", site)
        room = _server_room(ground, site)
        cores = [_add(ground, "core_switch", unit=room, random=random, bought=bought) for _ in range(2)]
        downlinks = {core.id: count(1) for core in cores}
        cables.append(_cable(cores[1], 48, cores[0], 48))
        if first:
            cables.append(_cable(cores[0], 47, first[0], 100 + 2 * site))
            cables.append(_cable(cores[1], 47, first[1], 101 + 2 * site, active=False))
        else:
            first = cores
            for name, number in blueprint()["network"]["core"].items():
                for _ in range(number):
                    _add(ground, name, unit=room, random=random, bought=bought)
        _add_access_points(ground, site=site, random=random, bought=bought)
        for floor in sorted({u.floor for u in ground.units if u.site == site}):
            switches = _wire_floor(ground, site=site, floor=floor, random=random, bought=bought)
            cables.extend(_uplink(switches, cores, downlinks, random))
    _join_wireless(ground)
    _place_virtual(ground)
    return cables


def _server_room(ground: Ground, site: int) -> Unit:
    return next(u for u in ground.units if u.site == site and u.unit_type == SERVER_ROOM)


def _add(ground: Ground, kind: str, *, unit: Unit, random: Random, bought: Contracts) -> Draft:
    room = ground.rooms_of(unit.id)[0].id
    draft = ground.add(kinds()[kind], unit=unit, room=room, random=random, bought=bought)
    if kind == "core_switch":
        draft.ports = 160
    return draft


def is_wired(draft: Draft) -> bool:
    """Whether it has a cable of its own: not wireless, not virtual, not off the network, not itself a switch."""
    return (
        draft.kind.zone is not None
        and not draft.offer.wifi
        and not draft.kind.virtual
        and draft.kind.name not in ("core_switch", "access_switch")
    )


def _add_access_points(ground: Ground, *, site: int, random: Random, bought: Contracts) -> None:
    for floor in sorted({u.floor for u in ground.units if u.site == site}):
        here = [u for u in ground.units if u.site == site and u.floor == floor and u.unit_type != SERVER_ROOM]
        wireless = sum(d.site == site and d.floor == floor and d.offer.wifi for d in ground.drafts)
        for _ in range(max(1, -(-wireless // blueprint()["network"]["devices_per_access_point"]))):
            unit = random.choice(here)
            ground.add(
                kinds()["access_point"], unit=unit, room=ground.rooms_of(unit.id)[0].id, random=random, bought=bought
            )


def _wire_floor(ground: Ground, *, site: int, floor: int, random: Random, bought: Contracts) -> list[Draft]:
    """Plug the wired devices of a floor into as many access switches as they fill, server room apart."""
    on_floor = [d for d in ground.drafts if d.site == site and d.floor == floor and is_wired(d)]
    plan = blueprint()["network"]
    switches: list[Draft] = []
    servers = [d for d in on_floor if d.unit_type == SERVER_ROOM]  # on two switches, so that one may fail
    for waiting in ([d for d in on_floor if d.unit_type != SERVER_ROOM], servers[0::2], servers[1::2]):
        while waiting:
            unit = next(u for u in ground.units if u.id == waiting[0].unit)
            switch = _add(ground, "access_switch", unit=unit, random=random, bought=bought)
            switch.ports = 48 if re.search("48", switch.model) else 24
            switches.append(switch)
            take = int(switch.ports * plan["fill"])
            used = sorted(random.sample(range(1, switch.ports + 1), min(take, len(waiting))))
            for device, number in zip(waiting[:take], used, strict=True):
                device.switch, device.port = switch.id, port_name(switch, number)
            waiting = waiting[take:]
    return switches


def _uplink(
    switches: list[Draft], cores: list[Draft], downlinks: Mapping[str, Iterator[int]], random: Random
) -> Iterator[Cable]:
    plan = blueprint()["network"]
    for index, switch in enumerate(switches):
        serving = switch.unit_type == SERVER_ROOM
        if index and not serving and random.random() < plan["chain_share"]:
            neighbour = switches[index - 1]
            yield _cable(switch, switch.ports + 1, neighbour, neighbour.ports + 2)
            continue
        main = random.choice(cores)
        other = cores[1] if main is cores[0] else cores[0]
        yield _cable(switch, switch.ports + 1, main, next(downlinks[main.id]))
        if serving or random.random() < plan["second_uplink_share"]:
            yield _cable(switch, switch.ports + 3, other, next(downlinks[other.id]), active=False)


def _cable(below: Draft, below_port: int, above: Draft, above_port: int, *, active: bool = True) -> Cable:
    return Cable(
        below=below.id,
        below_port=port_name(below, below_port),
        above=above.id,
        above_port=port_name(above, above_port),
        active=active,
    )


def _join_wireless(ground: Ground) -> None:
    """A wireless device is seen behind the switch port of an access point of its floor."""
    points: dict[tuple[int, int], list[Draft]] = {}
    for draft in ground.drafts:
        if draft.kind.name == "access_point":
            points.setdefault((draft.site, draft.floor), []).append(draft)
    for index, draft in enumerate(d for d in ground.drafts if d.offer.wifi and d.kind.zone is not None):
        near = points[draft.site, draft.floor]
        roam(draft, near[index % len(near)])


def roam(draft: Draft, point: Draft) -> None:
    """Let a device talk through an access point."""
    draft.access_point, draft.switch, draft.port = point.id, point.switch, point.port


def _place_virtual(ground: Ground) -> None:
    by_id = {d.id: d for d in ground.drafts}
    for draft in ground.drafts:
        if draft.host is not None:
            draft.switch, draft.port = by_id[draft.host].switch, by_id[draft.host].port
