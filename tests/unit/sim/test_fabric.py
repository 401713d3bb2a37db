"""What switches have learned is what the wiring makes them learn."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from discovery.sim.fabric import VRRP, Fabric
from discovery.sim.hospital import Device, Hospital
from discovery.sim.mib import view
from discovery.wire.mib import device_facts
from discovery.wire.tables import Teller, neighbours
from riskdb.model import facts
from riskdb.model.ids import AgentId, EstablishmentId
from riskdb.model.observation import Observation, Protocol

PREFIX = 9

Made = Callable[..., Hospital]


def switches(hospital: Hospital, kind: str) -> list[Device]:
    return [d for d in hospital.devices if d.kind == kind]


def read(hospital: Hospital, switch: Device) -> tuple[Observation, ...]:
    teller = Teller(
        establishment=EstablishmentId(1),
        agent=AgentId("a"),
        seen_at=datetime(2026, 1, 1, tzinfo=UTC),
        address=switch.address,
        name=switch.hostname,
    )
    return neighbours(view(switch, Fabric(hospital), prefix=PREFIX), teller=teller).observations


def test_every_plugged_device_is_on_its_own_port_of_its_own_switch(hospital: Hospital) -> None:
    fabric = Fabric(hospital)
    learned = {s.id: fabric.learned(s) for s in switches(hospital, "access_switch")}
    for device in hospital.devices:
        if device.switch in learned and device.seen_mac and not device.aged_out:
            rows = [r for r in learned[device.switch] if r.mac == device.seen_mac]
            assert [r.port for r in rows] == [device.port]


def test_a_core_switch_knows_everybody_who_talked(hospital: Hospital) -> None:
    fabric = Fabric(hospital)
    expected = {d.seen_mac for d in hospital.devices if d.switch and d.seen_mac and not d.aged_out}
    for core in switches(hospital, "core_switch"):
        assert expected <= {r.mac for r in fabric.learned(core)}


def test_what_aged_out_is_in_no_bridge_table(hospital: Hospital) -> None:
    fabric = Fabric(hospital)
    gone = {d.mac for d in hospital.devices if d.aged_out}
    everywhere = {
        r.mac for d in hospital.devices if d.kind in ("access_switch", "core_switch") for r in fabric.learned(d)
    }
    assert gone
    assert not gone & everywhere


def test_an_access_switch_hears_strangers_on_its_uplink_only(hospital: Hospital) -> None:
    fabric = Fabric(hospital)
    homes = {d.seen_mac: d.switch for d in hospital.devices if d.seen_mac}
    trunks = {(c.below, c.below_port) for c in hospital.network.cables if c.active}
    trunks |= {(c.above, c.above_port) for c in hospital.network.cables if c.active}
    strangers = 0
    for switch in switches(hospital, "access_switch"):
        for row in fabric.learned(switch):
            if homes.get(row.mac) != switch.id:
                strangers += 1
                assert (switch.id, row.port) in trunks
    assert strangers


def test_no_port_holds_a_cable_and_a_device(hospital: Hospital) -> None:
    trunks = [(c.below, c.below_port) for c in hospital.network.cables]
    trunks += [(c.above, c.above_port) for c in hospital.network.cables]
    plugged = [(d.switch, d.port) for d in hospital.devices if d.switch and d.host is None and d.access_point is None]
    assert len(set(trunks)) == len(trunks)
    assert len(set(plugged)) == len(plugged)
    assert not set(trunks) & set(plugged)


@pytest.mark.parametrize("kind", ["access_switch", "core_switch"])
def test_our_own_decoder_reads_the_tables_as_they_were_meant(hospital: Hospital, kind: str) -> None:
    fabric = Fabric(hospital)
    for switch in switches(hospital, kind):
        seen = read(hospital, switch)
        bridged = {(o.mac, o.facts[facts.SEEN_BY_PORT]) for o in seen if o.protocol is Protocol.BRIDGE}
        assert bridged == {(r.mac, r.port) for r in fabric.learned(switch)}
        lldp = {(o.mac, o.facts[facts.SEEN_BY_PORT]) for o in seen if o.protocol is Protocol.LLDP}
        assert lldp == {(n.device.mac, n.port) for n in fabric.neighbours(switch)}
        arp = {(o.address, o.mac) for o in seen if o.protocol is Protocol.ARP}
        assert bool(arp) == (kind == "core_switch")


def test_the_gateways_share_a_mac_as_gateways_do(made: Made) -> None:
    hospital = made(1)
    for core in switches(hospital, "core_switch"):
        arp = {o.address: o.mac for o in read(hospital, core) if o.protocol is Protocol.ARP}
        for vlan in hospital.network.vlans:
            assert arp[f"127.{PREFIX}.{vlan.id}.1"] == VRRP.format(vlan.id)


def test_a_device_says_of_itself_what_the_truth_says(hospital: Hospital) -> None:
    fabric = Fabric(hospital)
    for device in hospital.devices:
        if device.snmp is None:
            continue
        said = device_facts(view(device, fabric, prefix=PREFIX))
        assert said[facts.SNMP_SYS_DESCR] == device.snmp.descr
        assert said[facts.SNMP_SYS_NAME] == device.hostname
        if device.snmp.entity:
            assert said[facts.SNMP_ENT_SERIAL] == device.serial
        if device.snmp.printer:
            assert said[facts.SNMP_PRT_SERIAL] == device.serial
        if device.snmp.ups:
            assert said[facts.SNMP_UPS_MODEL] == device.model


def test_a_hospital_of_many_sites_is_one_tree(made: Made) -> None:
    hospital = made(1, 3)
    fabric = Fabric(hospital)
    site = {u.id: u.site for u in hospital.units}
    core = switches(hospital, "core_switch")[-1]
    known = {r.mac for r in fabric.learned(core)}
    at_home = {d.seen_mac for d in hospital.devices if d.switch and d.seen_mac and not d.aged_out and site[d.unit] == 3}
    elsewhere = {d.seen_mac for d in hospital.devices if d.switch and site[d.unit] != 3}
    assert at_home <= known
    assert not elsewhere & known  # VLANs end at a site
    assert switches(hospital, "core_switch")[0].mac in known  # but the first site's core is its neighbour
    upwards = [c.below for c in hospital.network.cables if c.active]
    assert len(set(upwards)) == len(upwards)


def test_pairs_in_the_server_room_hang_on_two_switches_with_two_uplinks_each(hospital: Hospital) -> None:
    for kind in ("virtualisation", "dns_dhcp", "firewall"):
        behind = {d.switch for d in switches(hospital, kind)}
        assert len(behind) == 2, kind
        for switch in behind:
            assert len({c.above for c in hospital.network.cables if c.below == switch}) == 2
