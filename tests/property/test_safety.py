"""Laws of the safety gate that hold for every plan, every state of knowledge and every hour."""

from datetime import timedelta
from ipaddress import ip_address, ip_network

from hypothesis import example, given, settings
from hypothesis import strategies as st

from discovery import breaker
from discovery.budget import Paces
from discovery.rules import (
    DeviceState,
    GateState,
    Permit,
    Placement,
    Refusal,
    Source,
    Subject,
    class_of,
    covers,
    decide,
)
from riskdb.model.policy import Budget, Decision, Plan, SafetyClass, Target, Window
from tests.unit.discovery.simulated import CLASSES, MORNING, decision, plan

ADDRESS = "127.9.1.5"
RANGES = ("127.9.0.0/16", "127.9.1.0/24", "127.9.1.4/30", "127.9.2.0/24", "127.8.0.0/16")
MACS = ("00:1a:2b:00:00:01", "00:1a:2b:00:00:02")
TYPES = st.sampled_from([None, *CLASSES, "never_heard_of"])

words = st.builds(
    Placement,
    source=st.sampled_from(Source),
    device_type=TYPES,
    manufacturer=st.sampled_from([None, "Acme"]),
    model=st.sampled_from([None, "One", "Two"]),
    mac=st.sampled_from([None, *MACS]),
    vlan=st.sampled_from([None, "310"]),
)
subjects = st.builds(
    Subject,
    placements=st.lists(words, max_size=4).map(tuple),
    seen_macs=st.frozensets(st.sampled_from(MACS)),
    seen_vlans=st.frozensets(st.sampled_from(["310", "20"])),
)
scopes = st.one_of(
    st.sampled_from(RANGES).map(lambda r: decision(Target.RANGE, r)),
    st.sampled_from([ADDRESS, "127.9.1.6"]).map(lambda a: decision(Target.ADDRESS, a)),
    st.sampled_from(["310", "20"]).map(lambda v: decision(Target.VLAN, v)),
    st.just(decision(Target.MAC_PREFIX, "00:1a:2b")),
    st.sampled_from([*CLASSES]).map(lambda t: decision(Target.DEVICE_TYPE, t)),
    st.just(decision(Target.MODEL, "Acme/One")),
)
minutes = st.integers(0, 1440)
windows = st.builds(
    Window, target=st.just(Target.RANGE), value=st.sampled_from(RANGES), from_minute=minutes, to_minute=minutes
)
plans = st.builds(
    plan,
    ranges=st.lists(st.sampled_from(RANGES), max_size=2).map(tuple),
    sweepable=st.lists(st.sampled_from(RANGES).map(lambda r: decision(Target.RANGE, r)), max_size=2).map(tuple),
    opted_in=st.lists(st.just(decision(Target.MODEL, "Acme/One")), max_size=1).map(tuple),
    do_not_probe=st.lists(scopes, max_size=2).map(tuple),
    windows=st.lists(windows, max_size=2).map(tuple),
)
moments = st.integers(0, 60 * 24).map(lambda m: MORNING + timedelta(minutes=m))


def outcome(a_plan: Plan, subject: Subject, *, later: timedelta = timedelta()) -> Permit | Refusal:
    return decide(ADDRESS, a_plan, GateState(subjects={ADDRESS: subject}), MORNING + later)


@given(plans, subjects, moments)
def test_a_permit_needs_a_word_that_opens_or_a_persons_sweep(a_plan: Plan, subject: Subject, now: object) -> None:
    found = decide(ADDRESS, a_plan, GateState(subjects={ADDRESS: subject}), now)  # type: ignore[arg-type]
    if isinstance(found, Permit):
        opened = any(p.source in (Source.IMPORT, Source.TABLE) and p.device_type for p in subject.placements)
        swept = any(ip_address(ADDRESS) in ip_network(d.value) for d in a_plan.sweepable)
        assert opened or swept
        assert any(ip_address(ADDRESS) in ip_network(r) for r in a_plan.ranges)
        assert not any(covers(scope, ADDRESS, subject) for scope in a_plan.do_not_probe)


@given(plans, subjects)
def test_no_word_believed_of_a_permitted_address_is_passive(a_plan: Plan, subject: Subject) -> None:
    permitted = isinstance(outcome(a_plan, subject), Permit)
    spoken = [p for p in subject.placements if p.source is not Source.IMPORT]
    if permitted:
        assert all(class_of(p, subject.placements, a_plan) is not SafetyClass.PASSIVE for p in spoken)


@given(plans, subjects, scopes)
def test_one_more_spared_scope_never_opens_anything(a_plan: Plan, subject: Subject, scope: Decision) -> None:
    stricter = Plan(**{**_parts(a_plan), "do_not_probe": (*a_plan.do_not_probe, scope)})
    assert isinstance(outcome(a_plan, subject), Permit) or isinstance(outcome(stricter, subject), Refusal)


@given(plans, subjects, words.filter(lambda w: w.source in (Source.HEARD, Source.ANSWER)))
def test_nothing_heard_or_answered_ever_opens_an_address(a_plan: Plan, subject: Subject, word: Placement) -> None:
    after = Subject(placements=(*subject.placements, word), seen_macs=subject.seen_macs, seen_vlans=subject.seen_vlans)
    assert isinstance(outcome(a_plan, subject), Permit) or isinstance(outcome(a_plan, after), Refusal)


@given(plans, subjects)
def test_the_kill_switch_refuses_everything(a_plan: Plan, subject: Subject) -> None:
    found = decide(ADDRESS, a_plan, GateState(subjects={ADDRESS: subject}, killed=True), MORNING)
    assert isinstance(found, Refusal)
    assert found.rule == "kill_switch"


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 0.4)), min_size=1, max_size=200), st.integers(1, 50))
def test_no_second_holds_more_slots_of_a_subnet_than_its_budget(asks: list[tuple[int, float]], rate: int) -> None:
    paces, now_s, slots = Paces(Budget(subnet_packets_per_s=rate)), 0.0, []
    for host, pause_s in asks:
        now_s += pause_s
        slots.append(paces.take_subnet_slot_s(f"10.0.0.{host + 1}", now_s))
    assert slots == sorted(slots)
    for start in slots:
        assert sum(1 for slot in slots if start <= slot < start + 1 - 1e-6) <= rate


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 100_000)), max_size=30))
def test_a_device_is_never_asked_a_third_time_in_silence(events: list[tuple[bool, float]]) -> None:
    device, now = DeviceState(), MORNING
    silent_after_reply = 0
    for answered, pause_s in events:
        now += timedelta(seconds=pause_s)
        if device.stopped_until is not None and now < device.stopped_until:
            continue
        if answered:
            before = device.stopped_until
            device, silent_after_reply = breaker.after_reply(device, now), 0
            assert device.stopped_until == before  # a late answer forgives no stop
            continue
        device = breaker.after_timeout(device, now, packets_allowed=2)
        silent_after_reply += device.replied_at is not None
        if silent_after_reply == 2:
            assert device.stopped_until == now + timedelta(hours=24)
            silent_after_reply = 0


@settings(max_examples=50)
@given(st.integers(0, 400), st.integers(0, 20))
@example(10, 2)
@example(10, 3)
@example(400, 8)
@example(400, 9)
def test_a_subnet_stops_at_three_devices_and_two_percent_and_not_before(asked: int, stopped: int) -> None:
    devices = {f"10.0.0.{n}": DeviceState(asked_at=MORNING) for n in range(max(asked, stopped))}
    for n in range(stopped):
        devices[f"10.0.0.{n}"] = DeviceState(asked_at=MORNING, stopped_until=MORNING + breaker.DEVICE_STOP)
    enough = stopped >= 3 and stopped > 0.02 * len(devices)
    assert breaker.subnet_has_had_enough(devices, MORNING) == enough
    assert not breaker.subnet_has_had_enough(devices, MORNING + timedelta(minutes=10))


def _parts(a_plan: Plan) -> dict[str, object]:
    return {name: getattr(a_plan, name) for name in a_plan.__dataclass_fields__}
