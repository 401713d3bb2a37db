"""What people allow: which address may be asked what, when, by whose decision. Read by the agent's safety gate.

A plan is made by the service from inventory and decisions, or written by hand for an agent that works alone.
`parse_plan` refuses a plan it does not understand as a whole: a scope that was mistyped must not be a scope ignored.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address, ip_network
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from pydantic import TypeAdapter, ValidationError, with_config

from riskdb.model.ids import AssetId, DeviceTypeId, EstablishmentId, UnitId

FORMAT = "wardgraph/plan/1"
PLAN_BYTES_MAX = 64_000_000  # 300,000 known devices at 200 bytes each; protects the parser
RATE_PER_S_MAX = 10_000.0  # above it a budget is a typing error
SWEEP_ADDRESSES_MAX = 65_536  # a /16; a person who marks more means something else
# No probe ever speaks to these, so no plan may name one as its SNMP port: printing (lpd, ipp, raw), DICOM, HL7 (MLLP).
PORTS_NEVER_ASKED = frozenset({515, 631, *range(9100, 9108), 104, 2761, 2762, 11112, 2575})
_MAC_PREFIX = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){0,5}")


class SafetyClass(StrEnum):
    """What may be sent to a device."""

    ASK = "ask"  # ordinary IT: may be probed within its budget
    INFRASTRUCTURE = "infrastructure"  # switches and servers: may be asked faster
    GENTLE = "gentle"  # medical, may be asked, one packet a second at most
    PASSIVE = "passive"  # never a packet: life support, infusion, monitoring, and whatever nobody knows


class Target(StrEnum):
    """What a scope or a refusal is written against."""

    ADDRESS = "address"
    RANGE = "range"  # CIDR
    VLAN = "vlan"
    MAC_PREFIX = "mac_prefix"
    DEVICE_TYPE = "device_type"
    MODEL = "model"  # manufacturer and model, as in the inventory: `Acme/GS2`
    ASSET = "asset"
    UNIT = "unit"  # a ward, as the inventory places its devices


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A person's decision about a target, with the reason; without both it does not count."""

    target: Target
    value: str
    decided_by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When a scope may be probed: local minutes of the day, end excluded; may pass midnight."""

    target: Target
    value: str
    from_minute: int
    to_minute: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDevice:
    """What imports already say of an address: enough to place it in a class."""

    address: str
    mac: str | None
    device_type: DeviceTypeId | None
    manufacturer: str | None = None
    model: str | None = None
    unit: UnitId | None = None
    asset: AssetId | None = None
    vlan: str | None = None
    credential: str | None = None  # the name of the one that it answered last
    inferred: bool = False  # worked out from what was heard or answered: it may close the address, never open it


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """How to ask SNMP politely. Secrets are never logged and never in a ledger row."""

    name: str
    version: str  # 2c or 3
    community: str | None = None
    user: str | None = None
    auth_protocol: str | None = None  # sha, sha256, sha512
    auth_key: str | None = None
    privacy_protocol: str | None = None  # aes128, aes256
    privacy_key: str | None = None
    ranges: tuple[str, ...] = ()  # CIDR; empty: the whole plan. A credential is never tried outside its ranges


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Packets a second, and how the gate protects what it does not know."""

    device_packets_per_s: float = 1.0
    infrastructure_packets_per_s: float = 20.0
    subnet_packets_per_s: float = 20.0
    establishment_packets_per_s: float = 200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that an agent may do in one establishment (format wardgraph/plan/1)."""

    establishment: EstablishmentId
    ranges: tuple[str, ...]  # CIDR; nothing outside is ever asked or believed
    snmp_port: int = 161
    mdns_listen: bool = True
    mdns_query: tuple[Decision, ...] = ()  # ranges whose segment a person marked as queryable
    credentials: tuple[Credential, ...] = ()
    classes: Mapping[DeviceTypeId, SafetyClass] = field(default_factory=dict)
    known: tuple[KnownDevice, ...] = ()
    sweepable: tuple[Decision, ...] = ()
    opted_in: tuple[Decision, ...] = ()  # models of a PASSIVE class that a biomedical engineer lets be asked gently
    do_not_probe: tuple[Decision, ...] = ()
    windows: tuple[Window, ...] = ()
    budget: Budget = Budget()
    timezone: str | None = None  # IANA name that windows are meant in; None: that of the agent's machine


class PlanError(ValueError):
    """The plan cannot be followed; the message names the place. Nothing is asked under such a plan."""


_STRICT = with_config(extra="forbid")
for _type in (Decision, Window, KnownDevice, Credential, Budget, Plan):
    _STRICT(_type)
_PLAN = TypeAdapter(Plan)


def parse_plan(document: bytes) -> Plan:
    """The plan in a JSON document; PlanError names the first place that is wrong."""
    if len(document) > PLAN_BYTES_MAX:
        raise PlanError(f"reading a plan: more than {PLAN_BYTES_MAX} bytes")
    try:
        parsed = orjson.loads(document)
    except orjson.JSONDecodeError as error:
        raise PlanError(f"reading a plan: not JSON: {error}") from error
    if not isinstance(parsed, dict) or parsed.pop("format", None) != FORMAT:
        raise PlanError(f"reading a plan: format is not {FORMAT}")
    try:
        plan = _PLAN.validate_json(orjson.dumps(parsed), strict=True)  # as JSON, a list may be a tuple; true is no port
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]  # the input may be a secret
        place = ".".join(map(str, first["loc"])) or "the document"
        raise PlanError(f"reading a plan: {place}: {first['msg']}") from None
    for place, problem in _problems(plan):
        raise PlanError(f"reading a plan: {place}: {problem}")
    return plan


def plan_document(plan: Plan) -> bytes:
    """The JSON document of a plan, secrets included."""
    return orjson.dumps({"format": FORMAT, **_PLAN.dump_python(plan, mode="json")})


def _problems(plan: Plan) -> Iterator[tuple[str, str]]:
    """What the types let through and no agent could follow."""
    if plan.snmp_port in PORTS_NEVER_ASKED or not 0 < plan.snmp_port < 65_536:
        yield "snmp_port", f"{plan.snmp_port} is no port to ask SNMP on"
    for name, rate in _PLAN.dump_python(plan)["budget"].items():
        if not 0 < rate <= RATE_PER_S_MAX:
            yield f"budget.{name}", f"{rate} is not between 0 and {RATE_PER_S_MAX:g}"
    if plan.timezone is not None and not _is_timezone(plan.timezone):
        yield "timezone", f"{plan.timezone!r} is no IANA time zone"
    networks = [("ranges", plan.ranges), *((f"credentials.{c.name}.ranges", c.ranges) for c in plan.credentials)]
    yield from ((place, f"{v!r} is no range") for place, values in networks for v in values if not _is_range(v))
    yield from ((f"known.{i}", f"{k.address!r} is no address") for i, k in enumerate(plan.known) if not _is_address(k))
    yield from _problems_of_decisions(plan)
    for index, sweep in enumerate(plan.sweepable):
        if ip_network(sweep.value).num_addresses > SWEEP_ADDRESSES_MAX:
            yield f"sweepable.{index}", f"{sweep.value} holds more than {SWEEP_ADDRESSES_MAX} addresses"
    for index, window in enumerate(plan.windows):
        if not (0 <= window.from_minute <= 1440 and 0 <= window.to_minute <= 1440):
            yield f"windows.{index}", "minutes of a day lie between 0 and 1440"
        if window.from_minute == window.to_minute:  # always or never? whoever wrote it meant one of them
            yield f"windows.{index}", "it ends when it begins; the whole day is 0 to 1440"
        if problem := _problem_of_target(window.target, window.value):
            yield f"windows.{index}", problem
    names = [credential.name for credential in plan.credentials]
    if twice := next((name for name in names if names.count(name) > 1), None):
        yield f"credentials.{twice}", "two credentials have this name"
    for credential in plan.credentials:
        if problem := _problem_of_credential(credential):
            yield f"credentials.{credential.name}", problem


def _problems_of_decisions(plan: Plan) -> Iterator[tuple[str, str]]:
    allowed = {
        "mdns_query": {Target.RANGE},
        "sweepable": {Target.RANGE, Target.ADDRESS},
        "opted_in": {Target.MODEL},
        "do_not_probe": set(Target),
    }
    for name, targets in allowed.items():
        decisions: tuple[Decision, ...] = getattr(plan, name)
        for index, decision in enumerate(decisions):
            place = f"{name}.{index}"
            if not decision.decided_by.strip() or not decision.reason.strip():
                yield place, "a decision needs a person and a reason"
            if decision.target not in targets:
                yield place, f"cannot be written against {decision.target}"
            if problem := _problem_of_target(decision.target, decision.value):
                yield place, problem


def _problem_of_target(target: Target, value: str) -> str | None:
    if target is Target.RANGE and not _is_range(value):
        return f"{value!r} is no range"
    if target is Target.ADDRESS and not _parses(ip_address, value):
        return f"{value!r} is no address"
    if target is Target.MAC_PREFIX and not _MAC_PREFIX.fullmatch(value):
        return f"{value!r} is no MAC prefix of the form 00:1a:2b"
    if target is Target.MODEL and not all(part.strip() for part in value.partition("/")):
        return f"{value!r} is not of the form manufacturer/model"
    return None if value.strip() else "the value is empty"


def _problem_of_credential(credential: Credential) -> str | None:
    if credential.version == "2c":
        return None if credential.community else "version 2c needs a community"
    if credential.version != "3":
        return f"version {credential.version!r} is neither 2c nor 3"
    if credential.auth_protocol not in (None, "sha", "sha256", "sha512"):
        return "auth_protocol is none of sha, sha256, sha512"
    if credential.privacy_protocol not in (None, "aes128", "aes256"):
        return "privacy_protocol is none of aes128, aes256"
    if credential.privacy_protocol and not credential.auth_protocol:
        return "privacy needs authentication"  # RFC 3411 section 3.4.3: there is no noAuthPriv
    for protocol, key in ("auth_protocol", "auth_key"), ("privacy_protocol", "privacy_key"):
        secret = getattr(credential, key)
        if getattr(credential, protocol) and (secret is None or len(secret) < 8):  # RFC 3414 section 11.2
            return f"{key} needs 8 characters or more"
    return None if credential.user else "version 3 needs a user"


def _is_range(value: str) -> bool:
    return _parses(ip_network, value)


def _is_address(known: KnownDevice) -> bool:
    return _parses(ip_address, known.address)


def _parses(parse: Callable[[str], object], value: str) -> bool:
    try:
        parse(value)
    except ValueError:
        return False
    return True


def _is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True
