"""What people allow: which address may be asked what, when, by whose decision. Read by the agent's safety gate.

A plan is made by the service from inventory and decisions, or written by hand for an agent that works alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from riskdb.model.ids import DeviceTypeId, EstablishmentId, UnitId


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
