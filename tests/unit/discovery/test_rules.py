"""Who may be asked: unknown means passive, the strictest word counts, and a person's no is a no."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from discovery import rules
from discovery.placing import Register
from discovery.rules import (
    DeviceState,
    GateState,
    Permit,
    Placement,
    Refusal,
    Source,
    Subject,
    decide,
    decide_multicast,
)
from riskdb.model import facts
from riskdb.model.claim import Category, Claim
from riskdb.model.ids import AgentId, AssetId, EstablishmentId, ObservationId, UnitId
from riskdb.model.observation import Observation, Protocol
from riskdb.model.policy import KnownDevice, Plan, SafetyClass, Target, Window
from tests.unit.discovery.simulated import (
    MORNING,
    PRINTER,
    PUMP,
    SWITCH,
    ULTRASOUND,
    VENTILATOR,
    decision,
    known,
    plan,
)

HERE = "127.9.1.5"
MAC, OTHER_MAC = "00:1a:2b:00:00:01", "00:1a:2b:00:00:02"


def state_of(a_plan: Plan, *observations: tuple[Observation, Claim]) -> GateState:
    state = GateState()
    register = Register(state.subjects)
    register.take_list(a_plan.known)
    for observation, claim in observations:
        register.hear(observation, claim)
    return state


def verdict(a_plan: Plan, *observations: tuple[Observation, Claim], at: datetime = MORNING) -> Permit | Refusal:
    return decide(HERE, a_plan, state_of(a_plan, *observations), at)


def seen(
    protocol: Protocol,
    *,
    address: str | None = HERE,
    mac: str | None = None,
    stated: dict[str, str] | None = None,
    **claim: object,
) -> tuple[Observation, Claim]:
    observation = Observation(
        id=ObservationId("0" * 32),
        establishment=EstablishmentId(1),
        agent=AgentId("a"),
        seen_at=MORNING,
        address=address,
        mac=mac,
        protocol=protocol,
        facts=stated or {},
    )
    return observation, Claim(observation=observation.id, **claim)  # type: ignore[arg-type]


def refused(found: Permit | Refusal, rule: str) -> bool:
    return isinstance(found, Refusal) and found.rule == rule and found.reason != ""


def test_an_address_that_nobody_knows_is_never_asked() -> None:
    assert refused(verdict(plan()), "unknown_means_passive")


def test_a_listed_printer_is_asked() -> None:
    assert verdict(plan(known=(known(HERE),))) == Permit("import:ask:printer", SafetyClass.ASK)


def test_a_line_without_a_device_type_places_nothing() -> None:
    assert refused(verdict(plan(known=(known(HERE, None),))), "unknown_means_passive")


def test_a_type_that_the_plan_has_no_class_for_is_passive() -> None:
    assert refused(verdict(plan(known=(known(HERE),), classes={})), "passive_class")


def test_a_persons_sweep_opens_an_unknown_address_gently() -> None:
    found = verdict(plan(sweepable=(decision(Target.RANGE, "127.9.1.0/24"),)))
    assert found == Permit("sweepable:127.9.1.0/24:Anne Leclerc", SafetyClass.GENTLE)


def test_a_sweep_opens_no_ventilator() -> None:
    swept = plan(known=(known(HERE, VENTILATOR),), sweepable=(decision(Target.RANGE, "127.9.1.0/24"),))
    assert refused(verdict(swept), "passive_class")


def test_only_the_pump_model_that_an_engineer_opted_in_is_asked() -> None:
    opted = (decision(Target.MODEL, "ACME/Perfusor  Two"),)
    assert isinstance(verdict(plan(known=(known(HERE, PUMP, model="Perfusor Two"),), opted_in=opted)), Permit)
    assert refused(verdict(plan(known=(known(HERE, PUMP, model="Perfusor One"),), opted_in=opted)), "passive_class")
    assert refused(verdict(plan(known=(known(HERE, PUMP),), opted_in=opted)), "passive_class")


def test_an_answer_without_a_model_does_not_contradict_the_list() -> None:
    pump = plan(known=(known(HERE, PUMP, model="Two"),), opted_in=(decision(Target.MODEL, "Acme/Two"),))
    assert isinstance(verdict(pump, seen(Protocol.SNMP, device_type=PUMP)), Permit)


def test_an_answer_that_shows_a_ventilator_closes_a_listed_printer() -> None:
    found = verdict(plan(known=(known(HERE),)), seen(Protocol.SNMP, device_type=VENTILATOR))
    assert refused(found, "passive_class")


def test_an_answer_that_shows_something_medical_and_unknown_closes_a_swept_address() -> None:
    swept = plan(sweepable=(decision(Target.RANGE, "127.9.1.0/24"),))
    assert refused(verdict(swept, seen(Protocol.SNMP, category=Category.MEDICAL)), "passive_class")


def test_listening_closes_but_never_opens() -> None:
    assert refused(verdict(plan(), seen(Protocol.MDNS, device_type=PRINTER)), "unknown_means_passive")
    assert refused(verdict(plan(known=(known(HERE),)), seen(Protocol.MDNS, device_type=VENTILATOR)), "passive_class")


@pytest.mark.parametrize("mac", [None, MAC])
def test_what_the_inventory_worked_out_from_listening_opens_nothing(mac: str | None) -> None:
    inferred = plan(known=(replace(known(HERE, PRINTER, mac=mac), inferred=True),))
    assert refused(verdict(inferred, seen(Protocol.ARP, mac=MAC)), "unknown_means_passive")
    ventilator = plan(known=(known(HERE, PRINTER), replace(known(HERE, VENTILATOR), inferred=True)))
    assert refused(verdict(ventilator), "passive_class")


def test_listening_does_not_hasten_a_sweep() -> None:
    swept = plan(sweepable=(decision(Target.RANGE, "127.9.1.0/24"),))
    heard = verdict(swept, seen(Protocol.MDNS, device_type=SWITCH))
    assert isinstance(heard, Permit)
    assert heard.safety_class is SafetyClass.GENTLE


def test_a_switch_table_places_an_address_by_the_mac_of_a_list() -> None:
    listed = plan(known=(known("127.9.7.7", ULTRASOUND, mac=MAC),))
    assert verdict(listed, seen(Protocol.ARP, mac=MAC)) == Permit("table:gentle:ultrasound", SafetyClass.GENTLE)


def test_a_ventilator_that_took_over_a_printers_address_is_not_asked() -> None:
    both = plan(known=(known(HERE, mac=OTHER_MAC), known("127.9.7.7", VENTILATOR, mac=MAC)))
    assert refused(verdict(both, seen(Protocol.ARP, mac=MAC)), "passive_class")


def test_a_stranger_at_a_listed_address_is_not_asked() -> None:
    assert refused(verdict(plan(known=(known(HERE, mac=OTHER_MAC),)), seen(Protocol.ARP, mac=MAC)), "changed_hands")


def test_a_ventilator_behind_a_router_that_answers_for_it_stays_closed() -> None:
    listed = (known(HERE, VENTILATOR, mac=OTHER_MAC), known("127.9.7.1", SWITCH, mac=MAC))
    swept = (decision(Target.RANGE, "127.9.1.0/24"),)
    found = verdict(plan(known=listed, sweepable=swept), seen(Protocol.ARP, mac=MAC))
    assert refused(found, "passive_class")


@pytest.mark.parametrize(
    "address",
    [
        "127.9.1.255",  # broadcast of a /24, in the middle of the /16 that is swept
        "127.9.2.0",
        "127.9.255.255",
        "127.9.3.63",  # broadcast of a range that the plan names
        "224.0.0.251",
        "255.255.255.255",
        "0.0.0.0",
        "240.0.0.1",
        "ff02::1",
        "fd00:9::",  # anycast of all routers of a subnet, RFC 4291 section 2.6.1
        "::ffff:127.9.1.5",  # a packet to it is a packet to 127.9.1.5
    ],
)
def test_what_may_reach_more_than_one_device_is_not_asked(address: str) -> None:
    everything = ("0.0.0.0/0", "::/0", "127.9.3.0/26")
    swept = plan(ranges=everything, sweepable=(decision(Target.RANGE, "127.9.0.0/16"),), known=(known(address),))
    state = state_of(swept)
    assert refused(decide(address, swept, state, MORNING), "not_one_device")


def test_a_device_that_a_table_shows_at_an_odd_address_is_asked() -> None:
    swept = plan(sweepable=(decision(Target.RANGE, "127.9.0.0/16"),))
    state = state_of(swept, seen(Protocol.ARP, address="127.9.1.255", mac=MAC))
    assert isinstance(decide("127.9.1.255", swept, state, MORNING), Permit)


def test_an_address_of_which_too_much_is_said_is_left_alone() -> None:
    babble = [seen(Protocol.MDNS, device_type=PRINTER, model=f"Laser {n}") for n in range(40)]
    last = seen(Protocol.MDNS, device_type=VENTILATOR)  # there is no room left to remember it
    assert refused(verdict(plan(known=(known(HERE),)), *babble, last), "crowded")


def test_when_memory_is_full_only_remembered_addresses_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    swept = plan(sweepable=(decision(Target.RANGE, "127.9.1.0/24"),), known=(known("127.9.1.6"), known("127.9.1.7")))
    monkeypatch.setattr(rules, "SUBJECTS_MAX", 2)
    assert refused(verdict(swept), "crowded")
    assert isinstance(decide("127.9.1.6", swept, state_of(swept), MORNING), Permit)


def test_a_neighbour_that_lldp_describes_is_placed() -> None:
    found = verdict(plan(), seen(Protocol.LLDP, mac=MAC, device_type=SWITCH))
    assert found == Permit("table:infrastructure:access_switch", SafetyClass.INFRASTRUCTURE)


LISTED = KnownDevice(
    address=HERE,
    mac=MAC,
    device_type=ULTRASOUND,
    manufacturer="Acme",
    model="Sono 3",
    unit=UnitId("icu"),
    asset=AssetId("as-1"),
    vlan="310",
)


@pytest.mark.parametrize(
    ("target", "value"),
    [
        (Target.ADDRESS, HERE),
        (Target.RANGE, "127.9.1.0/28"),
        (Target.VLAN, "310"),
        (Target.MAC_PREFIX, "00:1a:2b"),
        (Target.DEVICE_TYPE, "ultrasound"),
        (Target.MODEL, "acme/sono 3"),
        (Target.ASSET, "as-1"),
        (Target.UNIT, "icu"),
    ],
)
def test_what_a_person_spared_is_spared_whatever_else_allows_it(target: Target, value: str) -> None:
    swept = (decision(Target.RANGE, "127.9.0.0/16"),)
    assert isinstance(verdict(plan(known=(LISTED,), sweepable=swept)), Permit)
    spared = plan(known=(LISTED,), sweepable=swept, do_not_probe=(decision(target, value),))
    assert refused(verdict(spared), "do_not_probe")


@pytest.mark.parametrize(("target", "value"), [(Target.VLAN, "310"), (Target.MAC_PREFIX, "00:1a:2b")])
def test_a_sweep_spares_addresses_until_a_table_shows_where_they_are(target: Target, value: str) -> None:
    swept = plan(sweepable=(decision(Target.RANGE, "127.9.1.0/24"),), do_not_probe=(decision(target, value),))
    assert refused(verdict(swept), "scope_unknown")
    elsewhere = (
        seen(Protocol.ARP, mac="00:99:99:00:00:01"),
        seen(Protocol.BRIDGE, address=None, mac="00:99:99:00:00:01", stated={facts.BRIDGE_VLAN: "20"}),
    )
    assert isinstance(verdict(swept, *elsewhere), Permit)


@pytest.mark.parametrize(("target", "value"), [(Target.VLAN, "310"), (Target.MAC_PREFIX, "00:99:99")])
def test_a_listed_printer_of_unknown_vlan_or_maker_waits_for_a_table_and_a_switch_does_not(
    target: Target, value: str
) -> None:
    spared = (decision(target, value),)
    assert refused(verdict(plan(known=(known(HERE),), do_not_probe=spared)), "scope_unknown")
    assert isinstance(verdict(plan(known=(known(HERE, SWITCH),), do_not_probe=spared)), Permit)
    told = replace(known(HERE, mac=MAC), vlan="20")
    assert isinstance(verdict(plan(known=(told,), do_not_probe=spared)), Permit)


def test_a_vlan_that_a_bridge_table_shows_counts() -> None:
    spared = plan(known=(known(HERE),), do_not_probe=(decision(Target.VLAN, "310"),))
    rows = (
        seen(Protocol.BRIDGE, address=None, mac=MAC, stated={facts.BRIDGE_VLAN: "310"}),
        seen(Protocol.ARP, mac=MAC),
    )
    assert refused(verdict(spared, *rows), "do_not_probe")
    assert refused(verdict(spared, *reversed(rows)), "do_not_probe")


def test_nothing_outside_the_plans_ranges_is_asked() -> None:
    assert refused(verdict(plan(known=(known(HERE),), ranges=("127.8.0.0/16",))), "outside_ranges")


def window(target: Target, value: str, start: str, end: str) -> Window:
    minutes = [int(text[:2]) * 60 + int(text[3:]) for text in (start, end)]
    return Window(target=target, value=value, from_minute=minutes[0], to_minute=minutes[1])


@pytest.mark.parametrize(
    ("hour", "open_"), [(21, False), (22, True), (23, True), (0, True), (3, True), (4, False), (12, False)]
)
def test_a_window_may_pass_midnight(hour: int, open_: bool) -> None:
    night = plan(known=(known(HERE),), windows=(window(Target.RANGE, "127.9.1.0/24", "22:00", "04:00"),))
    found = verdict(night, at=datetime(2026, 3, 2, hour, 0, tzinfo=UTC))
    assert isinstance(found, Permit) if open_ else refused(found, "window")


def test_a_wide_window_opens_nothing_that_a_wards_own_window_closes() -> None:
    listed = replace(known(HERE), unit=UnitId("icu"))
    both = plan(
        known=(listed,),
        windows=(window(Target.RANGE, "127.9.0.0/16", "08:00", "18:00"), window(Target.UNIT, "icu", "13:00", "14:00")),
    )
    assert refused(verdict(both), "window")
    assert isinstance(verdict(both, at=MORNING.replace(hour=13)), Permit)


def test_windows_are_read_in_the_plans_time_zone() -> None:
    morning = (window(Target.RANGE, "127.9.1.0/24", "10:00", "11:00"),)
    assert isinstance(verdict(plan(known=(known(HERE),), windows=morning, timezone="Europe/Paris")), Permit)
    assert refused(verdict(plan(known=(known(HERE),), windows=morning, timezone="America/Toronto")), "window")


@pytest.mark.parametrize(
    ("at", "open_"),
    [
        ("2026-03-29T00:59+00:00", False),  # 01:59, a minute later it is 03:00 in Paris
        ("2026-03-29T01:00+00:00", True),  # 03:00 summer time
        ("2026-10-25T00:30+00:00", False),  # 02:30, the first time
        ("2026-10-25T01:30+00:00", False),  # 02:30, the second time
        ("2026-10-25T02:00+00:00", True),  # 03:00 winter time
    ],
)
def test_a_window_keeps_to_the_wards_clock_when_summer_begins_and_ends(at: str, open_: bool) -> None:
    small_hours = (window(Target.RANGE, "127.9.1.0/24", "03:00", "04:00"),)
    found = verdict(
        plan(known=(known(HERE),), windows=small_hours, timezone="Europe/Paris"), at=datetime.fromisoformat(at)
    )
    assert isinstance(found, Permit) if open_ else refused(found, "window")


def test_a_stopped_device_stays_stopped_until_its_time_is_over() -> None:
    listed = plan(known=(known(HERE),))
    state = state_of(listed)
    state.devices[HERE] = DeviceState(stopped_until=MORNING + timedelta(hours=24))
    assert refused(decide(HERE, listed, state, MORNING + timedelta(hours=23)), "breaker_device")
    assert isinstance(decide(HERE, listed, state, MORNING + timedelta(hours=24)), Permit)


def test_a_word_that_closed_an_address_outweighs_every_other() -> None:
    subject = Subject(
        placements=(
            Placement(source=Source.IMPORT, device_type=PRINTER),
            Placement(source=Source.TABLE, device_type=SWITCH),
            Placement(source=Source.HEARD, device_type=VENTILATOR),
        )
    )
    state = GateState(subjects={HERE: subject})
    assert refused(decide(HERE, plan(), state, MORNING), "passive_class")


def test_a_segment_is_asked_by_a_decision_for_it_and_nothing_less() -> None:
    segment = "127.9.1.0/24"
    assert refused(decide_multicast(segment, plan(), GateState(), MORNING), "not_queryable")
    queryable = plan(mdns_query=(decision(Target.RANGE, segment),))
    assert isinstance(decide_multicast(segment, queryable, GateState(), MORNING), Permit)
    assert refused(decide_multicast("127.9.0.0/16", queryable, GateState(), MORNING), "not_queryable")


def test_a_segment_question_obeys_kill_switch_ranges_breakers_and_windows() -> None:
    segment = "127.9.1.0/24"
    marked = plan(mdns_query=(decision(Target.RANGE, segment),))
    assert refused(decide_multicast(segment, marked, GateState(killed=True), MORNING), "kill_switch")
    abroad = plan(mdns_query=marked.mdns_query, ranges=("127.9.1.0/25",))
    assert refused(decide_multicast(segment, abroad, GateState(), MORNING), "outside_ranges")
    ill = GateState(stopped_subnets={segment: MORNING + timedelta(hours=1)})
    assert refused(decide_multicast(segment, marked, ill, MORNING), "breaker_subnet")
    at_night = plan(mdns_query=marked.mdns_query, windows=(window(Target.ADDRESS, HERE, "22:00", "04:00"),))
    assert refused(decide_multicast(segment, at_night, GateState(), MORNING), "window")


def test_a_segment_with_one_device_of_a_spared_ward_on_it_is_not_asked() -> None:
    segment = "127.9.1.0/24"
    parts = {"mdns_query": (decision(Target.RANGE, segment),), "known": (LISTED,)}
    spared = plan(**parts, do_not_probe=(decision(Target.UNIT, "icu"),))
    assert refused(decide_multicast(segment, spared, state_of(spared), MORNING), "do_not_probe")
    elsewhere = plan(**parts, do_not_probe=(decision(Target.UNIT, "lab"),))
    assert isinstance(decide_multicast(segment, elsewhere, state_of(elsewhere), MORNING), Permit)


def test_a_segment_with_one_spared_bed_on_it_is_not_asked() -> None:
    segment = "127.9.1.0/24"
    for spared in (decision(Target.RANGE, "127.9.1.128/25"), decision(Target.ADDRESS, HERE)):
        queryable = plan(mdns_query=(decision(Target.RANGE, segment),), do_not_probe=(spared,))
        assert refused(decide_multicast(segment, queryable, GateState(), MORNING), "do_not_probe")
