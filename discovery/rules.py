"""Part of the safety gate: may this address be asked now, and by which rule?

Pure: `decide` reads an address, the plan, what the gate knows and the time, and returns a permit or a refusal with its
reason. It reads no clock and sends nothing. The order of the rules is the order in which they outrank each other.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from zoneinfo import ZoneInfo

from riskdb.model.claim import Category
from riskdb.model.ids import AssetId, DeviceTypeId, UnitId
from riskdb.model.policy import Decision, KnownDevice, Plan, SafetyClass, Target, Window

SUBNET_BITS = {4: 24, 6: 64}  # what counts as one subnet for budgets and breakers
SUBJECTS_MAX = 500_000  # addresses remembered; a /13 of devices. Protects memory from invented table rows
# IPv4 in the dress of IPv6: such a packet would slip past every scope that names the IPv4 address.
_TRANSLATED = (ip_network("::ffff:0:0/96"), ip_network("64:ff9b::/96"))


class Source(StrEnum):
    """Who says what stands at an address."""

    IMPORT = "import"  # a list names the address
    TABLE = "table"  # a switch's table: its MAC is in a list, or its LLDP text is known
    ANSWER = "answer"  # the device itself
    HEARD = "heard"  # mDNS, and what was inferred from it: it may close an address, never open or hasten it


OPENING = frozenset({Source.IMPORT, Source.TABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """One source's word on what stands at an address."""

    source: Source
    device_type: DeviceTypeId | None = None
    category: Category | None = None
    manufacturer: str | None = None
    model: str | None = None
    unit: UnitId | None = None
    asset: AssetId | None = None
    vlan: str | None = None
    mac: str | None = None  # an import's own word on the MAC


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """All that is known of one address: the words of the sources, and the MACs and VLANs that tables saw there."""

    placements: tuple[Placement, ...] = ()
    seen_macs: frozenset[str] = frozenset()
    seen_vlans: frozenset[str] = frozenset()
    crowded: bool = False  # more was said of it than is kept: what was lost may have been that it is passive


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceState:
    """What the breakers remember of an address."""

    replied_at: datetime | None = None
    timeouts: int = 0  # since the last reply, or since the last back-off
    silent_rounds: int = 0
    stopped_until: datetime | None = None
    backing_off_until: datetime | None = None
    asked_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class GateState:
    """What the gate knows between two packets. The gate alone changes it; the rules only read."""

    subjects: dict[str, Subject] = field(default_factory=dict)
    devices: dict[str, DeviceState] = field(default_factory=dict)
    stopped_subnets: dict[str, datetime] = field(default_factory=dict)  # until when
    killed: bool = False


@dataclass(frozen=True, slots=True)
class Permit:
    """The packet may leave; `rule` goes into the ledger."""

    rule: str
    safety_class: SafetyClass


@dataclass(frozen=True, slots=True)
class Refusal:
    """The packet may not leave."""

    rule: str
    reason: str


# Strictest first: of several words on one address the first counts.
_STRICTNESS = (SafetyClass.PASSIVE, SafetyClass.GENTLE, SafetyClass.ASK, SafetyClass.INFRASTRUCTURE)


def decide(address: str, plan: Plan, state: GateState, now: datetime) -> Permit | Refusal:
    """Whether one packet may go to this address now. `now` is aware; windows are read in the plan's time zone."""
    subject = state.subjects.get(address, Subject())
    for rule in _REFUSALS:
        refusal = rule(_Question(address, subject, plan, state, now))
        if refusal is not None:
            return refusal
    return _by_class(address, subject, plan)


def decide_multicast(segment: str, plan: Plan, state: GateState, now: datetime) -> Permit | Refusal:
    """Whether a multicast question may go out on a segment: only by a person's decision for exactly this range.

    It reaches every device of the segment, so any scope that lies within it and must not be probed forbids it.
    """
    decision = next((d for d in plan.mdns_query if d.value == segment), None)
    if state.killed:
        return Refusal("kill_switch", "the kill switch is on")
    if decision is None:
        return Refusal("not_queryable", "nobody marked the segment as queryable")
    asked = network(segment)
    if not any(is_within(asked, network(r)) for r in plan.ranges):
        return Refusal("outside_ranges", "the segment is not within the plan's ranges")
    for scope in plan.do_not_probe:
        if _overlaps(scope, asked, state.subjects):
            return Refusal("do_not_probe", f"{scope.target} {scope.value} lies on the segment: {scope.reason}")
    stopped = next(
        (s for s, until in state.stopped_subnets.items() if now < until and network(s).overlaps(asked)), None
    )
    if stopped is not None:
        return Refusal("breaker_subnet", f"{stopped} is stopped")
    windows = [w for w in plan.windows if _overlaps(w, asked, state.subjects)]
    if closed := _closed_window(windows, plan, now):
        return Refusal("window", f"{closed.target} {closed.value} may not be probed at this hour")
    return Permit(f"mdns_query:{decision.decided_by}", SafetyClass.ASK)


@dataclass(frozen=True, slots=True)
class _Question:
    address: str
    subject: Subject
    plan: Plan
    state: GateState
    now: datetime


def _killed(q: _Question) -> Refusal | None:
    return Refusal("kill_switch", "the kill switch is on") if q.state.killed else None


def _outside(q: _Question) -> Refusal | None:
    if in_any(q.plan.ranges, q.address):
        return None
    return Refusal("outside_ranges", "the address is not within the plan's ranges")


def _not_one_device(q: _Question) -> Refusal | None:
    """A packet to a group or broadcast address reaches devices that nobody decided about."""
    parsed = ip_address(q.address)
    if parsed.is_multicast or parsed.is_unspecified or any(parsed in n for n in _TRANSLATED):
        return Refusal("not_one_device", "the address names a group, nobody, or an IPv4 address in disguise")
    if parsed.version == 4 and parsed.is_reserved:
        return Refusal("not_one_device", "the address is reserved or the broadcast of every network")
    if not q.subject.seen_macs and _may_be_broadcast(parsed, q.plan):
        return Refusal("not_one_device", "it may be the broadcast address of a subnet, and no table shows a device")
    return None


def _may_be_broadcast(address: IPv4Address | IPv6Address, plan: Plan) -> bool:
    """Whether a /24 or /64, or a range that the plan names, has this as its first or last address."""
    if int(address) & (0xFF if address.version == 4 else 0xFFFF_FFFF_FFFF_FFFF) == 0:
        return True
    if address.version == 4 and int(address) & 0xFF == 0xFF:
        return True
    return address in _ends((*plan.ranges, *(d.value for d in plan.sweepable if d.target is Target.RANGE)))


@lru_cache(maxsize=16)
def _ends(ranges: tuple[str, ...]) -> frozenset[IPv4Address | IPv6Address]:
    """The first and last addresses of ranges that have any to spare."""
    parsed = [n for n in map(network, ranges) if n.num_addresses > 2]
    return frozenset(end for n in parsed for end in (n.network_address, n.broadcast_address))


def _do_not_probe(q: _Question) -> Refusal | None:
    for scope in q.plan.do_not_probe:
        if covers(scope, q.address, q.subject):
            return Refusal("do_not_probe", f"{scope.target} {scope.value}: {scope.reason}")
    return None


def _scope_unknown(q: _Question) -> Refusal | None:
    """A list or a table must first show that it lies outside the VLANs and makers spared; switches are those tables."""
    words = [p for p in q.subject.placements if p.source in OPENING]
    classes = (class_of(p, q.subject.placements, q.plan) for p in words)
    if SafetyClass.INFRASTRUCTURE in classes:
        return None
    spared = {scope.target for scope in q.plan.do_not_probe}
    if Target.VLAN in spared and not q.subject.seen_vlans and not any(p.vlan for p in words):
        return Refusal("scope_unknown", "some VLANs must not be probed and no table shows the VLAN of this address")
    if Target.MAC_PREFIX in spared and not q.subject.seen_macs and not any(p.mac for p in words):
        return Refusal("scope_unknown", "some MACs must not be probed and no table shows the MAC of this address")
    return None


def _crowded(q: _Question) -> Refusal | None:
    """What there was no room to remember may have been that the device is passive."""
    full = len(q.state.subjects) >= SUBJECTS_MAX and q.address not in q.state.subjects
    return Refusal("crowded", "more was said of the address than is kept") if full or q.subject.crowded else None


def _breaker(q: _Question) -> Refusal | None:
    device = q.state.devices.get(q.address)
    if device is None:
        return None
    if device.stopped_until is not None and q.now < device.stopped_until:
        return Refusal("breaker_device", f"it fell silent after a reply; stopped until {device.stopped_until:%F %R %Z}")
    if device.backing_off_until is not None and q.now < device.backing_off_until:
        return Refusal("backing_off", f"it did not answer; not asked again until {device.backing_off_until:%F %R %Z}")
    return None


def _subnet_breaker(q: _Question) -> Refusal | None:
    subnet = subnet_of(q.address)
    until = q.state.stopped_subnets.get(subnet)
    if until is None or q.now >= until:
        return None
    return Refusal("breaker_subnet", f"several devices of {subnet} fell silent; stopped until {until:%F %R %Z}")


def _window(q: _Question) -> Refusal | None:
    windows = [w for w in q.plan.windows if covers(w, q.address, q.subject)]
    closed = _closed_window(windows, q.plan, q.now)
    if closed is None:
        return None
    return Refusal("window", f"{closed.target} {closed.value} may not be probed at this hour")


_REFUSALS: tuple[Callable[[_Question], Refusal | None], ...] = (
    _killed,
    _outside,
    _not_one_device,
    _do_not_probe,
    _scope_unknown,
    _crowded,
    _breaker,
    _subnet_breaker,
    _window,
)


def _by_class(address: str, subject: Subject, plan: Plan) -> Permit | Refusal:
    """Unknown means passive: some source must place the address, and no source may place it among the passive."""
    believed = believed_placements(subject, plan)
    classes = [(class_of(p, believed, plan), p) for p in believed]
    known = [(c, p) for c, p in classes if c is not None]
    if known:
        strictest, word = min(known, key=lambda pair: _STRICTNESS.index(pair[0]))
        named = word.device_type or word.category
        if strictest is SafetyClass.PASSIVE:
            return Refusal("passive_class", f"{word.source} says {named}: its class is passive only")
        if any(p.source in OPENING for _, p in known):
            return Permit(f"{word.source}:{strictest}:{named}", strictest)
    sweep = next((d for d in plan.sweepable if covers(d, address, subject)), None)
    if sweep is not None:
        told = [c for c, p in known if p.source is not Source.HEARD] or [SafetyClass.GENTLE]
        pace = min([*told, *(c for c, _ in known)], key=_STRICTNESS.index)
        return Permit(f"sweepable:{sweep.value}:{sweep.decided_by}", pace)
    if len(believed) < len(subject.placements):
        return Refusal("changed_hands", "a table shows another MAC at this address than the list does")
    return Refusal("unknown_means_passive", "no source places it in a class that may be asked")


def believed_placements(subject: Subject, plan: Plan) -> tuple[Placement, ...]:
    """The words that still hold: a list's word on an address is void once tables show only other MACs there.

    A word that closes the address holds all the same: a router that answers for others, or a new network card, shows
    another MAC before the same ventilator.
    """
    return tuple(
        p
        for p in subject.placements
        if p.source is not Source.IMPORT
        or p.mac is None
        or not subject.seen_macs
        or p.mac in subject.seen_macs
        or class_of(p, (p,), plan) is SafetyClass.PASSIVE
    )


def class_of(word: Placement, others: tuple[Placement, ...], plan: Plan) -> SafetyClass | None:
    """The class a word puts the device in; None where it names neither a type nor a medical device."""
    if word.device_type is None:
        if word.category is not Category.MEDICAL or any(p.device_type for p in others if p.source in OPENING):
            return None
        return SafetyClass.PASSIVE  # medical, and nobody knows what: as careful as with life support
    safety_class = plan.classes.get(word.device_type, SafetyClass.PASSIVE)
    if safety_class is not SafetyClass.PASSIVE:
        return safety_class
    # A word without a model does not contradict a list that has one.
    same_type = [p for p in others if p.device_type == word.device_type and p.source in OPENING]
    models = [word.model] if word.model else [p.model for p in same_type if p.model]
    makers = [word.manufacturer] if word.manufacturer else [p.manufacturer for p in same_type if p.manufacturer]
    if any(is_opted_in(maker, model, plan) for maker in makers for model in models):
        return SafetyClass.GENTLE
    return SafetyClass.PASSIVE


def closing_word(subject: Subject, plan: Plan) -> Placement | None:
    """What an answer, a table or listening says that closes the address, where no list had it closed already."""
    believed = believed_placements(subject, plan)
    passive = [p for p in believed if class_of(p, believed, plan) is SafetyClass.PASSIVE]
    if any(p.source is Source.IMPORT for p in passive):
        return None
    return passive[0] if passive else None


def is_opted_in(manufacturer: str | None, model: str | None, plan: Plan) -> bool:
    """Whether a biomedical engineer let this model be asked gently."""
    return any(_same_model(d.value, manufacturer, model) for d in plan.opted_in)


def placement_of(known: KnownDevice) -> Placement:
    """What the plan says of an address: a list's word, or an inference, which like what is heard opens nothing."""
    return Placement(
        source=Source.HEARD if known.inferred else Source.IMPORT,
        device_type=known.device_type,
        manufacturer=known.manufacturer,
        model=known.model,
        unit=known.unit,
        asset=known.asset,
        vlan=known.vlan,
        mac=known.mac,
    )


def covers(scope: Decision | Window, address: str, subject: Subject) -> bool:
    """Whether a scope holds this address: by itself or by anything any source says of it."""
    value, words = scope.value, subject.placements
    match scope.target:
        case Target.ADDRESS:
            return canonical(value) == address
        case Target.RANGE:
            return contains(value, address)
        case Target.VLAN:
            return value in subject.seen_vlans or any(p.vlan == value for p in words)
        case Target.MAC_PREFIX:
            macs = subject.seen_macs | {p.mac for p in words if p.mac}
            return any(mac.startswith(value) for mac in macs)
        case Target.DEVICE_TYPE:
            return any(p.device_type == value for p in words)
        case Target.MODEL:
            return any(_same_model(value, p.manufacturer, p.model) for p in words)
        case Target.ASSET:
            return any(p.asset == value for p in words)
        case Target.UNIT:
            return any(p.unit == value for p in words)


def _overlaps(scope: Decision | Window, segment: "_Network", subjects: Mapping[str, Subject]) -> bool:
    """Whether a scope holds anything on a segment; a scope by VLAN, MAC, type ... holds where a known device has it."""
    if scope.target is Target.RANGE:
        other = network(scope.value)
        return other.version == segment.version and other.overlaps(segment)
    if scope.target is Target.ADDRESS:
        return ip_address(scope.value) in segment
    return any(ip_address(a) in segment and covers(scope, a, s) for a, s in subjects.items())


def _closed_window(windows: list[Window], plan: Plan, now: datetime) -> Window | None:
    """A window's scope that is closed now. Each scope needs one open window; a wide one opens nothing for a narrow."""
    local = now.astimezone(ZoneInfo(plan.timezone)) if plan.timezone else now
    minute = local.hour * 60 + local.minute
    scopes: dict[tuple[Target, str], list[Window]] = {}
    for window in windows:
        scopes.setdefault((window.target, window.value), []).append(window)
    return next((some[0] for some in scopes.values() if not any(is_open(w, minute) for w in some)), None)


def is_open(window: Window, minute: int) -> bool:
    """Whether a minute of the day lies in a window; 22:00 to 04:00 passes midnight, equal ends are the whole day."""
    start, end = window.from_minute, window.to_minute
    if start == end:
        return True
    return start <= minute < end if start < end else minute >= start or minute < end


def _same_model(value: str, manufacturer: str | None, model: str | None) -> bool:
    maker, _, name = value.partition("/")
    return _plain(maker) == _plain(manufacturer) and _plain(name) == _plain(model)


def _plain(text: str | None) -> str | None:
    return None if text is None else " ".join(text.casefold().split())


_Network = IPv4Network | IPv6Network


@lru_cache(maxsize=4_096)
def network(value: str) -> _Network:
    """A range as a value, parsed once."""
    return ip_network(value)


@lru_cache(maxsize=65_536)
def canonical(address: str) -> str:
    """An address in its shortest form."""
    return str(ip_address(address))


def contains(value: str, address: str) -> bool:
    """Whether an address lies in a range."""
    return ip_address(address) in network(value)


def in_any(values: Iterable[str], address: str) -> bool:
    """Whether an address lies in one of the ranges."""
    return any(contains(value, address) for value in values)


def is_within(inner: _Network, outer: _Network) -> bool:
    """Whether a range lies in another one whole."""
    return inner.version == outer.version and (inner.network_address in outer and inner.broadcast_address in outer)


@lru_cache(maxsize=65_536)
def subnet_of(address: str) -> str:
    """The /24 or /64 that an address counts under."""
    parsed = ip_address(address)
    return str(ip_network(f"{address}/{SUBNET_BITS[parsed.version]}", strict=False))
