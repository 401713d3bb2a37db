"""The agent's flow in a simulated ward: switches first, passive devices untouched, nothing twice."""

from pathlib import Path
from typing import Any

import pytest

from discovery import breaker
from discovery.agent import Agent
from discovery.fingerprints import CardSet
from discovery.fingerprints.card import parse_cards
from discovery.ledger import Entry, Ledger, read_rows
from discovery.outbox import Spool
from discovery.rules import DeviceState
from discovery.safety import Gate
from discovery.wire.ber import Oid
from discovery.wire.snmp import ValueKind, VarBind
from riskdb.model.observation import Observation, Protocol
from riskdb.model.policy import Credential, Plan, Target
from tests.unit.discovery.simulated import (
    MORNING,
    PRINTER,
    PUMP,
    SWITCH,
    VENTILATOR,
    Behaviour,
    MemoryNetwork,
    SimulatedClock,
    decision,
    known,
    plan,
    printer,
    simulate,
    speaking,
)

MIB2 = (1, 3, 6, 1, 2, 1)
DESCR, SERVICES = (*MIB2, 1, 1, 0), (*MIB2, 1, 7, 0)
SWITCH_AT, PRINTER_AT, VENTILATOR_AT, STRANGER_AT = "127.9.1.1", "127.9.1.5", "127.9.1.6", "127.9.1.7"
PRINTER_MAC, VENTILATOR_MAC = "00:1a:2b:00:00:05", "00:1a:2b:00:00:06"

CARDS = CardSet(
    parse_cards(
        """
id: test-ventilator
category: medical
device_type: ventilator
maturity: drafted
source: invented for this test
match: {snmp.sys_descr: '^Breathing machine (?P<model>[A-Z0-9]+)$'}
asks: ['1.3.6.1.4.1.99999.1.0']
reads: {'snmp.oid.1.3.6.1.4.1.99999.1.0': '^(?P<serial>[0-9]+)$'}
examples:
  - given: {snmp.sys_descr: 'Breathing machine B7'}
    gives: {model: B7}
---
id: test-printer
category: printer
device_type: printer
maturity: drafted
source: invented for this test
match: {snmp.sys_descr: '^Laser printer'}
asks: ['1.3.6.1.4.1.99999.2.0', '1.3.6.1.4.1.99999.3.*', '1.3.6.1.4.1.99999.4.7']
reads:
  - {'snmp.oid.1.3.6.1.4.1.99999.2.0': '^(?P<serial>[0-9]+)$'}
  - {'snmp.oid.1.3.6.1.4.1.99999.3': '^(?P<firmware>[0-9.]+)$'}
  - {'snmp.oid.1.3.6.1.4.1.99999.4.7': '^(?P<model>[A-Z]+)$'}
examples:
  - given: {snmp.sys_descr: 'Laser printer'}
    gives: {}
""",
        origin="test",
    ),
    "test",
)


def core_switch(arp: dict[str, str]) -> Behaviour:
    rows: dict[Oid, VarBind | bytes] = {
        DESCR: b"Core switch",
        SERVICES: VarBind(SERVICES, ValueKind.INTEGER, 6),
    }
    for address, mac in arp.items():
        oid = (*MIB2, 4, 22, 1, 2, 7, *map(int, address.split(".")))
        rows[oid] = bytes.fromhex(mac.replace(":", ""))
    return speaking(rows)


def look_around(a_plan: Plan, directory: Path, network: MemoryNetwork) -> list[Observation]:
    async def main() -> list[Observation]:
        with Ledger(directory) as book, Spool(directory) as spool:
            async with Gate(a_plan, directory, book=book, clock=SimulatedClock(), network=network) as gate:
                await Agent(gate, spool, CARDS).look_around(listen_s=0)
            batch = spool.next_batch()
            return [] if batch is None else list(batch.observations)

    return simulate(main())


def asked(network: MemoryNetwork) -> list[str]:
    return list(dict.fromkeys(address for _, address, _ in network.sent))


def test_switches_are_asked_first_and_their_tables_place_the_rest(tmp_path: Path) -> None:
    arp = {PRINTER_AT: PRINTER_MAC, VENTILATOR_AT: VENTILATOR_MAC, STRANGER_AT: "00:99:99:00:00:07"}
    listed = (
        known("127.9.0.9"),  # first on the list, but no switch
        known(SWITCH_AT, SWITCH),
        known("127.9.8.8", PRINTER, mac=PRINTER_MAC),  # it moved: only the switch knows where it is
        known("127.9.8.9", VENTILATOR, mac=VENTILATOR_MAC),
    )
    network = MemoryNetwork({SWITCH_AT: core_switch(arp), PRINTER_AT: printer()})
    found = look_around(plan(known=listed), tmp_path, network)
    assert asked(network)[0] == SWITCH_AT
    assert min(network.times_to("127.9.0.9")) > max(network.times_to(SWITCH_AT))
    assert PRINTER_AT in asked(network)
    assert not {VENTILATOR_AT, STRANGER_AT, "127.9.8.9"} & set(asked(network))
    stated = {(o.protocol, o.address) for o in found}
    assert {(Protocol.ARP, VENTILATOR_AT), (Protocol.ARP, STRANGER_AT), (Protocol.SNMP, PRINTER_AT)} <= stated


def test_a_listed_printer_that_turns_out_to_be_a_ventilator_gets_one_packet_ever(tmp_path: Path) -> None:
    network = MemoryNetwork({PRINTER_AT: speaking({DESCR: b"Breathing machine B7"})})
    a_plan = plan(known=(known(PRINTER_AT),))
    found = look_around(a_plan, tmp_path, network)
    assert [o.facts["snmp.sys_descr"] for o in found] == ["Breathing machine B7"]
    assert len(network.sent) == 1
    look_around(a_plan, tmp_path, network)
    assert len(network.sent) == 1
    assert [row.target for row in read_rows(tmp_path) if row.entry is Entry.CLOSED] == [PRINTER_AT]


def test_a_device_costs_two_packets_and_one_more_for_an_odd_question(tmp_path: Path) -> None:
    own = (1, 3, 6, 1, 4, 1, 99999)
    rows = {DESCR: b"Laser printer", (*own, 2, 0): b"4711", (*own, 3, 1, 9): b"1.2", (*own, 4, 7): b"LP"}
    network = MemoryNetwork({PRINTER_AT: speaking({**rows, (*MIB2, 47, 1, 1, 1, 1, 11, 1): b"SN-1"})})
    found = look_around(plan(known=(known(PRINTER_AT),)), tmp_path, network)
    assert len(network.sent) == 3
    facts = found[0].facts
    assert facts["snmp.oid.1.3.6.1.4.1.99999.2.0"] == "4711"
    assert facts["snmp.oid.1.3.6.1.4.1.99999.3"] == "1.2"
    assert facts["snmp.oid.1.3.6.1.4.1.99999.4.7"] == "LP"
    assert facts["snmp.ent_serial"] == "SN-1"


def test_a_sweep_asks_each_address_once_and_leaves_out_what_a_router_would_know(tmp_path: Path) -> None:
    swept = plan(known=(known(SWITCH_AT, SWITCH),), sweepable=(decision(Target.RANGE, "127.9.2.0/28"),))
    network = MemoryNetwork({SWITCH_AT: core_switch({}), "127.9.2.3": printer()})
    found = look_around(swept, tmp_path / "whole", network)
    assert {a for a in asked(network) if a.startswith("127.9.2.")} == {f"127.9.2.{n}" for n in range(1, 15)}
    assert len(network.times_to("127.9.2.9")) == 1  # nobody there: no retry
    assert any(o.address == "127.9.2.3" for o in found)

    arp = {f"127.9.2.{n}": f"00:1a:2b:00:01:{n:02x}" for n in range(1, 9)}
    covered = MemoryNetwork({SWITCH_AT: core_switch(arp), "127.9.2.3": printer()})
    look_around(swept, tmp_path / "covered", covered)
    assert {a for a in asked(covered) if a.startswith("127.9.2.")} == set(arp)


@pytest.fixture(autouse=True)
def directories(tmp_path: Path) -> None:
    for name in ("whole", "covered"):
        (tmp_path / name).mkdir()


def test_a_wrong_credential_is_followed_by_the_next_and_the_right_one_is_kept(tmp_path: Path) -> None:
    both = tuple(Credential(name=n, version="2c", community=n) for n in ("wrong", "ward"))
    network = MemoryNetwork({PRINTER_AT: printer()})
    a_plan = plan(known=(known(PRINTER_AT),), credentials=both)
    look_around(a_plan, tmp_path, network)
    first = len(network.sent)
    assert first == 5  # two with the wrong one, two with the right one, the odd question
    look_around(a_plan, tmp_path, network)
    assert len(network.sent) == first + 3


def test_a_neighbour_outside_the_plan_is_not_believed(tmp_path: Path) -> None:
    network = MemoryNetwork({SWITCH_AT: core_switch({"10.1.2.3": "00:99:99:00:00:01", PRINTER_AT: PRINTER_MAC})})
    found = look_around(plan(known=(known(SWITCH_AT, SWITCH),)), tmp_path, network)
    assert [o.address for o in found if o.protocol is Protocol.ARP] == [PRINTER_AT]


def test_a_defect_met_at_one_device_spares_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Agent._read_device

    async def stumbling(self: Agent, asker: Any, told: Any) -> None:
        if asker.address == "127.9.1.10":
            raise ZeroDivisionError
        await honest(self, asker, told)

    monkeypatch.setattr(Agent, "_read_device", stumbling)
    hosts = [f"127.9.1.{n}" for n in range(10, 15)]
    network = MemoryNetwork({host: printer() for host in hosts})
    found = look_around(plan(known=tuple(map(known, hosts))), tmp_path, network)
    assert {o.address for o in found} == set(hosts[1:])


def test_pumps_on_a_list_are_refused_with_a_row_each(tmp_path: Path) -> None:
    hosts = [f"127.9.1.{n}" for n in range(10, 15)]
    network = MemoryNetwork()
    look_around(plan(known=tuple(known(host, PUMP) for host in hosts)), tmp_path, network)
    assert network.sent == []
    refused = [(row.target, row.rule) for row in read_rows(tmp_path) if row.entry is Entry.REFUSED]
    assert refused == [(host, "passive_class") for host in hosts]


def test_an_address_refused_at_first_is_asked_once_a_later_table_places_it(tmp_path: Path) -> None:
    swept = (decision(Target.ADDRESS, SWITCH_AT),)  # nobody listed the switch
    listed = (known("127.9.8.8", PRINTER, mac=PRINTER_MAC), known(PRINTER_AT, None))
    network = MemoryNetwork({SWITCH_AT: core_switch({PRINTER_AT: PRINTER_MAC}), PRINTER_AT: printer()})
    found = look_around(plan(known=listed, sweepable=swept), tmp_path, network)
    assert any(o.address == PRINTER_AT and o.protocol is Protocol.SNMP for o in found)
    assert next(r.rule for r in read_rows(tmp_path) if r.target == PRINTER_AT) == "unknown_means_passive"


def test_a_device_that_refuses_one_credential_is_not_ill_when_silent_to_the_next(tmp_path: Path) -> None:
    async def main() -> DeviceState:
        network = MemoryNetwork({PRINTER_AT: printer()})
        with Ledger(tmp_path) as book, Spool(tmp_path) as spool:
            gate = Gate(plan(known=(known(PRINTER_AT),)), tmp_path, book=book, clock=SimulatedClock(), network=network)
            async with gate:
                await Agent(gate, spool, CARDS).look_around(listen_s=0)
                gate.disregard_reply(PRINTER_AT)
                return gate.state.devices[PRINTER_AT]

    device = simulate(main())
    silent = breaker.after_timeout(
        breaker.after_timeout(device, MORNING, packets_allowed=2), MORNING, packets_allowed=2
    )
    assert silent.stopped_until is None
    assert silent.backing_off_until is not None
