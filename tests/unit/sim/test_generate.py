"""A practice hospital is large and mixed enough, the same every time, and wrong only where it means to be."""

import json
import os
import subprocess
import sys
from collections import Counter
from ipaddress import ip_address, ip_network

import pytest

from discovery.sim import practice_document
from discovery.sim.generate import generate
from discovery.sim.handout import policy_plan
from discovery.sim.hospital import Hospital, HospitalError, hospital_document, parse_hospital
from discovery.sim.mib import joined
from riskdb.model.policy import parse_plan

PREFIX = "127.9.0.0/16"


def test_the_shipped_hospital_is_the_one_of_seed_one() -> None:
    assert hospital_document(generate(1, 1)) == practice_document()


def test_a_seed_gives_the_same_bytes_whatever_the_hash_seed_of_the_interpreter() -> None:
    program = (
        "import hashlib; from discovery.sim.generate import generate as g;"
        "from discovery.sim.hospital import hospital_document as d;"
        "print(hashlib.sha256(d(g(5))).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1234")
    }
    assert len(digests) == 1


def test_a_document_survives_the_way_to_json_and_back(hospital: Hospital) -> None:
    assert parse_hospital(hospital_document(hospital)) == hospital


def test_it_is_a_hospital_of_some_five_hundred_beds_and_devices(hospital: Hospital) -> None:
    assert len(hospital.devices) >= 400
    assert len({d.device_type for d in hospital.devices} - {None}) >= 55
    assert 400 <= hospital.beds <= 600
    assert hospital.beds == sum(u.beds for u in hospital.units)


def test_what_the_mission_names_is_there_and_speaks(hospital: Hospital) -> None:
    v3 = [d for d in hospital.devices if d.snmp and d.snmp.version == "3"]
    assert len(v3) >= 12
    for kind in ("lvp_pump", "syringe_pump", "ct_scanner", "mr_scanner", "cloud_gateway"):
        assert any(d.mdns for d in hospital.devices if d.kind == kind), kind
    for kind in ("ct_scanner", "cloud_gateway", "access_switch"):
        assert any(d.snmp for d in hospital.devices if d.kind == kind), kind
    assert any(d.address is None for d in hospital.devices)
    assert any(d.address and not d.snmp and not d.mdns for d in hospital.devices)


def test_two_pump_models_are_opted_in_by_a_named_person_and_are_on_the_list(hospital: Hospital) -> None:
    opted = {rule["value"] for rule in hospital.papers.policy["opted_in"]}
    assert all(rule["decided_by"] and rule["reason"] for rule in hospital.papers.policy["opted_in"])
    pumps = {
        f"{d.manufacturer}/{d.model}" for d in hospital.devices if d.kind in ("lvp_pump", "syringe_pump") and d.snmp
    }
    assert len(opted & pumps) == 2
    listed = {(f"{r['manufacturer']}/{r['model']}", r["address"]) for r in hospital.papers.assets}
    for device in hospital.devices:
        if f"{device.manufacturer}/{device.model}" in opted:
            assert (f"{device.manufacturer}/{device.model}", device.address) in listed


def test_no_sweep_and_no_list_line_leads_to_a_device_that_bears_no_packet(hospital: Hospital) -> None:
    untouchable = {d.address: d for d in hospital.devices if d.fragile and d.fragile.packets_per_h == 0 and d.address}
    plan = parse_plan(json.dumps(policy_plan(hospital, PREFIX, 1)).encode())
    for decision in plan.sweepable:
        swept = ip_network(decision.value)
        assert not [a for a in untouchable if ip_address(joined(a, prefix=9)) in swept]
    for row in hospital.papers.assets:
        device = untouchable.get(row["address"])
        assert device is None or row["device_type"] in (device.device_type, "")


def test_addresses_macs_and_serials_are_each_one_device_s(hospital: Hospital) -> None:
    for name in ("address", "mac", "serial", "id"):
        values = Counter(getattr(d, name) for d in hospital.devices if getattr(d, name) is not None)
        assert values.most_common(1)[0][1] == 1, name


def test_the_papers_are_wrong_where_papers_are(hospital: Hospital) -> None:
    devices = {d.id: d for d in hospital.devices}
    lines = list(zip(hospital.papers.assets, hospital.line_truth["assets.csv"], strict=True))
    about = Counter(truth for _, truth in lines)
    true = [(row, devices[truth]) for row, truth in lines if truth in devices]
    assert sum(count - 1 for truth, count in about.items() if truth in devices) >= 4  # listed twice
    assert sum(truth.startswith("retired") for _, truth in lines) >= 6
    assert sum(row["serial"] != d.serial for row, d in true) >= 4
    assert sum(row["model"] != d.model for row, d in true) >= 3
    assert sum(bool(row["unit_id"]) and row["unit_id"] != d.unit for row, d in true) >= 4  # moved
    assert sum(bool(row["mac"]) and row["mac"] != d.mac for row, d in true) >= 3  # swapped cards, docking stations
    assert len(devices.keys() - about.keys()) >= 10  # nobody listed them
    assert max(Counter(r["hostname"] for r, _ in lines if r["hostname"]).values()) >= 2


def test_the_hospital_itself_has_clones_and_a_docking_station(hospital: Hospital) -> None:
    engines = Counter(d.snmp.engine_id for d in hospital.devices if d.snmp)
    assert engines.most_common(1)[0][1] >= 3
    docked = [d for d in hospital.devices if d.wire_mac]
    assert len(docked) == 1
    assert sum(row["mac"] == docked[0].wire_mac for row in hospital.papers.assets) >= 2
    assert any(d.aged_out for d in hospital.devices)


def test_seeds_differ_in_more_than_names() -> None:
    first, second = generate(1), generate(2)
    bought = [Counter((d.device_type, d.model) for d in h.devices) for h in (first, second)]
    assert sum((bought[0] & bought[1]).values()) < 0.6 * len(first.devices)
    assert [c.above_port for c in first.network.cables] != [c.above_port for c in second.network.cables]


def test_the_largest_hospital_is_twenty_times_as_large_and_whole() -> None:
    large = generate(3, 20)
    assert len(large.devices) >= 8_000
    assert parse_hospital(hospital_document(large)) == large
    assert max(v.id for v in large.network.vlans) <= 250


@pytest.mark.parametrize("size", [0, 21])
def test_a_size_nobody_can_hold_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="is not between 1 and 20"):
        generate(1, size)


def test_a_document_with_an_unknown_key_is_refused_by_name() -> None:
    document = json.loads(practice_document())
    document["devices"][3]["colour"] = "blue"
    with pytest.raises(HospitalError, match=r"devices\.3\.colour"):
        parse_hospital(json.dumps(document).encode())
    with pytest.raises(HospitalError, match="format"):
        parse_hospital(practice_document().replace(b"wardgraph/hospital/1", b"wardgraph/hospital/9"))
