"""A practice hospital from a seed and a size: the same document on every machine, another hospital for every seed.

The steps in order: lay out, wire, name, teach to speak, spoil as reality does, write the papers. Pure.
"""

from dataclasses import replace
from typing import Any

from discovery.sim.draft import Draft, between, draws
from discovery.sim.hospital import FORMAT, Hospital, Network, Papers
from discovery.sim.links import relate
from discovery.sim.models import Asked, blueprint
from discovery.sim.naming import name_all
from discovery.sim.papers import (
    AssetList,
    asset_list,
    declared_links,
    place_rows,
    port_list,
    pump_server_list,
)
from discovery.sim.permissions import choose_opted, may_be_asked, policy
from discovery.sim.populate import Ground, lay_out
from discovery.sim.speech import UNTOUCHABLE, teach
from discovery.sim.wiring import roam, wire

SIZE_MAX = 20
SNMP_PORT = 16_161  # unprivileged; the simulator takes another when it is taken
ASSETS, PUMP_SERVER = "assets.csv", "assets-pump-server.csv"
_NOTE = "addresses are written x.a.b and mean 127.x.a.b: any 127.x.0.0/16 of a machine can hold the hospital"


def generate(seed: int, size: int = 1) -> Hospital:
    """The hospital of a seed; ValueError for a size outside 1 to 20."""
    if not 1 <= size <= SIZE_MAX:
        raise ValueError(f"making a hospital: size {size} is not between 1 and {SIZE_MAX}")
    ground = lay_out(seed, size)
    cables = wire(ground, size)
    vlans = name_all(ground, size)
    teach(ground)
    _spoil(ground, size)
    opted = choose_opted(ground)
    for draft in ground.drafts:
        if draft.kind.asked is Asked.PASSIVE and draft.fragile and (draft.offer.manufacturer, draft.model) not in opted:
            draft.fragile = UNTOUCHABLE
    links = relate(ground, cables)
    listed, pumps = asset_list(ground, vlans, opted=opted), pump_server_list(ground)
    rules = policy(ground, vlans, opted, snmp_port=SNMP_PORT)
    _note_what_is_stated(ground, listed, pumps, rules, opted)
    units, rooms = place_rows(ground)
    return Hospital(
        format=FORMAT,
        name=f"Practice hospital {seed}, size {size}",
        seed=seed,
        size=size,
        beds=sum(u.beds for u in ground.units),
        network=Network(prefix_note=_NOTE, snmp_port=SNMP_PORT, vlans=tuple(vlans), cables=tuple(cables)),
        units=tuple(ground.units),
        rooms=tuple(ground.rooms),
        devices=tuple(d.freeze() for d in ground.drafts),
        links=tuple(links),
        papers=Papers(
            units=tuple(units),
            rooms=tuple(rooms),
            ports=tuple(port_list(ground)),
            assets=tuple(listed.rows),
            pump_server=tuple(pumps.rows),
            links=tuple(declared_links(ground, links, listed)),
            policy=rules,
        ),
        line_truth={ASSETS: tuple(listed.truth), PUMP_SERVER: tuple(pumps.truth)},
    )


def _spoil(ground: Ground, size: int) -> None:
    """What is wrong in the hospital itself, not in its papers: clones, docking stations, entries aged out."""
    plan = blueprint()["mistakes"]
    for site in range(1, size + 1):
        random = draws(ground.seed, "spoil", site)
        here = [d for d in ground.drafts if d.site == site]
        machines = [d for d in here if d.kind.virtual and d.snmp is not None]
        _clone(random.sample(machines, between(random, plan["cloned_engine_ids"])))
        laptops = [d for d in here if d.kind.name == "clinical_pc"]
        points = [d for d in here if d.kind.name == "access_point"]
        docked = random.sample(laptops, between(random, plan["docked_laptops"]))
        dock = f"0c:c4:7a:{random.randrange(256):02x}:{random.randrange(256):02x}:{random.randrange(256):02x}"
        for index, draft in enumerate(docked):
            draft.dock_mac = dock
            if index == 0:
                draft.wire_mac = (
                    dock  # it sits on the docking station now; the others are about, on the wireless network
                )
            else:
                roam(draft, random.choice(points))
        for draft in here:
            plugged = draft.port is not None and draft.host is None and draft.access_point is None
            draft.aged_out = plugged and draft.kind.category == "medical" and random.random() < plan["aged_out"]


def _clone(machines: list[Draft]) -> None:
    """Virtual machines made from one template without a new SNMP engine."""
    for draft in machines[1:]:
        if draft.snmp is not None and machines[0].snmp is not None:
            draft.snmp = replace(draft.snmp, engine_id=machines[0].snmp.engine_id)


def _note_what_is_stated(
    ground: Ground, listed: AssetList, pumps: AssetList, rules: dict[str, Any], opted: frozenset[tuple[str, str]]
) -> None:
    """For each device, the fields that at least one source states truly: what discovery can be held to."""
    lines: dict[str, list[dict[str, str]]] = {}
    for source in (listed, pumps):
        for row, about in zip(source.rows, source.truth, strict=True):
            lines.setdefault(about, []).append(row)
    for draft in ground.drafts:
        rows = lines.get(draft.id, [])
        says = draft.mdns is not None or (
            draft.snmp is not None and may_be_asked(draft, rules, opted, listed=any(r["address"] for r in rows))
        )
        truth = {"device_type": draft.kind.name, "model": draft.model, "firmware": draft.firmware}
        draft.stated = tuple(name for name, value in truth.items() if says or any(row[name] == value for row in rows))
