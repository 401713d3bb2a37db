"""On which port a device hangs, and which way is up."""

from riskdb.identify import settle
from riskdb.model.asset import AttributeName
from riskdb.model.claim import Category
from riskdb.model.ids import EstablishmentId, UnitId
from riskdb.model.place import Room, SwitchPort

SITE = EstablishmentId(1)
PUMP, PRINTER, BASE = "00:1a:64:00:00:01", "00:1b:78:00:00:02", "00:2a:6a:00:00:10"
ACCESS, CORE = "10.0.0.2", "10.0.0.1"
PORTS = [SwitchPort(switch="SW-A.hospital.org", port="Gi1/0/1", room="r12", unit=None)]
ROOMS = [Room(id="r12", name="Room 12", unit=UnitId("icu-a")), Room(id="r13", name="Room 13", unit=UnitId("icu-b"))]


def run(*sightings, **more):
    return settle(sightings, establishment=SITE, **more)


def switches(ward, *, hours: float = 0.0):
    return [
        ward.answer(ACCESS, name="sw-a", maker="Cisco", category=Category.NETWORK, if_mac=BASE, hours=hours),
        ward.answer(CORE, name="core", maker="Cisco", category=Category.NETWORK, hours=hours),
        ward.neighbour(CORE, by=ACCESS, port="Te1/1", remote="Te2/7", name="core", hours=hours),
        ward.neighbour(ACCESS, by=CORE, port="Te2/7", remote="Te1/1", name="sw-a", hours=hours),
    ]


def rows_of_pump(ward, *, hours: float = 0.0):
    return [
        ward.bridge(PUMP, by=ACCESS, port="Gi1/0/1", hours=hours),
        ward.bridge(PUMP, by=CORE, port="Te2/7", hours=hours),
        ward.bridge(PRINTER, by=CORE, port="Te2/7", hours=hours),
    ]


def by_mac(settled, mac: str):
    return next(asset for asset in settled.assets if asset.value(AttributeName.MAC) == mac)


def by_name(settled, name: str):
    return next(asset for asset in settled.assets if asset.value(AttributeName.HOSTNAME) == name)


def test_a_device_hangs_on_the_port_of_the_access_switch_not_on_the_uplink(ward) -> None:
    settled = run(*switches(ward), *rows_of_pump(ward))
    pump = by_mac(settled, PUMP)
    (link,) = [link for link in settled.links if link.source == pump.id]
    assert (link.target, link.port) == (by_name(settled, "sw-a").id, "Gi1/0/1")
    assert pump.value(AttributeName.SWITCH_PORT) == "Gi1/0/1"
    assert pump.value(AttributeName.SWITCH) == link.target


def test_without_neighbours_the_port_with_the_fewest_devices_is_the_access_port(ward) -> None:
    settled = run(*switches(ward)[:2], *rows_of_pump(ward))
    (link,) = [link for link in settled.links if link.source == by_mac(settled, PUMP).id]
    assert link.port == "Gi1/0/1"


def test_the_access_switch_hangs_on_the_core_and_not_the_other_way_round(ward) -> None:
    second = [
        ward.answer("10.0.0.3", name="sw-b", maker="Cisco", category=Category.NETWORK),
        ward.neighbour("10.0.0.3", by=CORE, port="Te2/8", remote="Te1/1", name="sw-b"),
    ]
    settled = run(*switches(ward), *second)
    core = by_name(settled, "core").id
    assert {(link.source, link.target, link.port) for link in settled.links} == {
        (by_name(settled, "sw-a").id, core, "Te2/7"),
        (by_name(settled, "sw-b").id, core, "Te2/8"),
    }


def test_a_switch_with_two_uplinks_has_two_links(ward) -> None:
    settled = run(
        *switches(ward),
        ward.answer("10.0.0.9", name="core-2", maker="Cisco", category=Category.NETWORK),
        ward.neighbour(ACCESS, by="10.0.0.9", port="Te2/7", name="sw-a"),
        ward.neighbour("10.0.0.9", by=CORE, port="Te2/1", name="core-2"),
        *[
            ward.neighbour(f"10.0.1.{n}", by=core, port=f"Te3/{n}", name=f"sw-{n}")
            for core in (CORE, "10.0.0.9")
            for n in range(3)
        ],
        *[ward.answer(f"10.0.1.{n}", name=f"sw-{n}", maker="Cisco", category=Category.NETWORK) for n in range(3)],
    )
    access = by_name(settled, "sw-a").id
    targets = {link.target for link in settled.links if link.source == access}
    assert targets == {by_name(settled, "core").id, by_name(settled, "core-2").id}
    assert not [link for link in settled.links if link.source in targets]


def test_the_second_core_carries_its_switches_even_where_the_first_has_more(ward) -> None:
    cores = {CORE: range(4), "10.0.0.9": range(3)}
    settled = run(
        *switches(ward),
        ward.answer("10.0.0.9", name="core-2", maker="Cisco", category=Category.NETWORK),
        ward.neighbour("10.0.0.9", by=CORE, port="Te2/1", name="core-2"),
        *[
            ward.neighbour(f"10.0.1.{n}", by=core, port=f"Te3/{n}", name=f"sw-{n}")
            for core, below in cores.items()
            for n in below
        ],
        *[ward.answer(f"10.0.1.{n}", name=f"sw-{n}", maker="Cisco", category=Category.NETWORK) for n in range(4)],
    )
    both = {by_name(settled, "core").id, by_name(settled, "core-2").id}
    for n in cores["10.0.0.9"]:
        access = by_name(settled, f"sw-{n}").id
        assert {link.target for link in settled.links if link.source == access} == both


def test_rows_of_an_unknown_speaker_place_nothing(ward) -> None:
    settled = run(ward.bridge(PUMP, by="10.0.0.77", port="Gi1/0/1"))
    assert settled.links == ()


def test_a_device_that_moved_hangs_where_the_last_sweep_saw_it(ward) -> None:
    other = ward.answer("10.0.0.3", name="sw-b", maker="Cisco", category=Category.NETWORK)
    settled = run(
        *switches(ward),
        other,
        ward.bridge(PUMP, by=ACCESS, port="Gi1/0/1"),
        ward.bridge(PRINTER, by=ACCESS, port="Gi1/0/2", hours=1),  # the next sweep no longer shows the pump here
        ward.bridge(PUMP, by="10.0.0.3", port="Gi1/0/9", hours=1),
    )
    (link,) = [link for link in settled.links if link.source == by_mac(settled, PUMP).id]
    assert link.port == "Gi1/0/9"


def test_a_switch_port_says_where_a_device_is_that_no_list_places(ward) -> None:
    settled = run(*switches(ward), *rows_of_pump(ward), ports=PORTS, rooms=ROOMS)
    pump = by_mac(settled, PUMP)
    assert (pump.unit, pump.value(AttributeName.ROOM)) == ("icu-a", "r12")
    assert pump.attributes[AttributeName.UNIT].source == "port"


def test_a_list_places_a_device_before_its_port_and_the_contradiction_shows(ward) -> None:
    line = ward.line(mac=PUMP, asset_tag="T1", unit="icu-b")
    pump = by_mac(run(*switches(ward), *rows_of_pump(ward), line, ports=PORTS, rooms=ROOMS), PUMP)
    assert pump.unit == "icu-b"
    (conflict,) = [c for c in pump.conflicts if c.field == "unit"]
    assert [(other.value, other.source) for other in conflict.others] == [("icu-a", "port")]


def test_a_listed_room_gives_its_unit(ward) -> None:
    (asset,) = run(ward.line(asset_tag="T1", room="r13"), rooms=ROOMS).assets
    assert asset.unit == "icu-b"
    assert asset.attributes[AttributeName.UNIT].source == "import:gmao.csv"


def test_the_macs_of_a_switchs_own_ports_are_no_devices(ward) -> None:
    own_port = BASE[:-2] + "17"
    settled = run(*switches(ward), *rows_of_pump(ward), ward.bridge(own_port, by=CORE, port="Te2/7"))
    assert own_port not in {asset.value(AttributeName.MAC) for asset in settled.assets}


def test_a_device_next_in_number_to_a_switch_is_one_when_an_access_port_shows_it(ward) -> None:
    camera = BASE[:-2] + "17"
    settled = run(*switches(ward), *rows_of_pump(ward), ward.bridge(camera, by=ACCESS, port="Gi1/0/3"))
    assert by_mac(settled, camera)
