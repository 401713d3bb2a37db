"""Station 4: an asset, the keys that hold it together, and every decision that joined or kept apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from riskdb.model.claim import Category, Claim
from riskdb.model.ids import AssetId, DeviceTypeId, EstablishmentId, ObservationId, UnitId
from riskdb.model.observation import Observation
from riskdb.model.place import ObservedLink


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """An observation with what the cards made of it: the input of station 4."""

    observation: Observation
    claim: Claim


class KeyStrength(IntEnum):
    """How far a key may be trusted to name one device (DESIGN: identity)."""

    WEAK = 1
    MEDIUM = 2
    STRONG = 3


class KeyKind(StrEnum):
    """What a key is made of."""

    SERIAL = "serial"  # manufacturer + serial, STRONG
    UDI_SERIAL = "udi_serial"  # STRONG
    ENGINE_ID = "engine_id"  # STRONG unless shared
    TLS_KEY = "tls_key"  # STRONG unless shared
    MAC = "mac"  # universal: MEDIUM; local: WEAK
    AE_TITLE = "ae_title"  # AE title + address, MEDIUM
    FQDN = "fqdn"  # MEDIUM
    ASSET_TAG = "asset_tag"  # the hospital's own inventory number, MEDIUM
    ADDRESS = "address"  # within its lease, WEAK
    MDNS_NAME = "mdns_name"  # WEAK
    HOSTNAME = "hostname"  # a name without its domain, WEAK


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class IdentityKey:
    """A typed key: `mac` `00:1a:..`; two equal keys speak, as far as their strength goes, of one device."""

    kind: KeyKind
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One value of one field of an asset, with who says so and when."""

    value: str
    source: str  # a card id, `import:<file>`, `human:<user>`, a protocol
    observation: ObservationId | None
    seen_at: datetime
    locked: bool = False  # a person's value; it never gives way, but it never blocks a first fill


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two sources that contradict each other about one field; both stay visible."""

    field: str
    chosen: Attribute
    others: tuple[Attribute, ...]


class AttributeName(StrEnum):
    """The fields of an asset that sources may state."""

    NAME = "name"
    DEVICE_TYPE = "device_type"
    CATEGORY = "category"
    MANUFACTURER = "manufacturer"
    MODEL = "model"
    FIRMWARE = "firmware"
    SERIAL = "serial"
    UDI_DI = "udi_di"
    ASSET_TAG = "asset_tag"
    HOSTNAME = "hostname"
    ADDRESS = "address"
    MAC = "mac"
    UNIT = "unit"
    ROOM = "room"
    STATUS = "status"
    SWITCH = "switch"  # asset id or address of the access switch it was last seen behind
    SWITCH_PORT = "switch_port"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One device or system, as the sources together describe it."""

    id: AssetId
    establishment: EstablishmentId
    attributes: Mapping[AttributeName, Attribute]
    keys: frozenset[IdentityKey]
    observations: tuple[ObservationId, ...]
    conflicts: tuple[Conflict, ...]
    first_seen_at: datetime
    last_seen_at: datetime

    def value(self, name: AttributeName) -> str | None:
        """The chosen value of a field, None where no source states it."""
        attribute = self.attributes.get(name)
        return None if attribute is None else attribute.value

    @property
    def device_type(self) -> DeviceTypeId | None:
        """The device type of the knowledge pack, if known."""
        value = self.value(AttributeName.DEVICE_TYPE)
        return None if value is None else DeviceTypeId(value)

    @property
    def category(self) -> Category | None:
        """The coarse kind, if known."""
        value = self.value(AttributeName.CATEGORY)
        return None if value is None else Category(value)

    @property
    def unit(self) -> UnitId | None:
        """The care unit it stands in, if known."""
        value = self.value(AttributeName.UNIT)
        return None if value is None else UnitId(value)


class MergeRule(StrEnum):
    """Why two sightings were taken for one device."""

    SAME_STRONG_KEY = "same_strong_key"
    TWO_MEDIUM_KEYS = "two_medium_keys"
    SAME_INTERFACE = "same_interface"  # one universal, undemoted MAC seen again: not a merge of assets, a continuation
    SAME_SIGHTING = "same_sighting"  # an mDNS name with its leased address
    BY_HAND = "by_hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Two groups of observations joined into one asset: the rule and the evidence. It can be undone."""

    asset: AssetId
    rule: MergeRule
    evidence: tuple[IdentityKey, ...]
    joined: tuple[ObservationId, ObservationId]  # one observation of either group


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityDecision:
    """A person's word about two observations: one device, or two. It stands above every rule."""

    observations: tuple[ObservationId, ObservationId]
    same: bool
    decided_by: str
    reason: str


class DemotionReason(StrEnum):
    """Why a key no longer names one device."""

    SHARED = "shared"  # by more than a handful of devices: cloned engine id, docking station, wildcard certificate
    LOCALLY_ADMINISTERED = "locally_administered"
    CONTRADICTED = "contradicted"  # carried by devices that a STRONG key keeps apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Demotion:
    """A key that was believed less than its kind, with the reason and how many devices carried it."""

    key: IdentityKey
    reason: DemotionReason
    carriers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """All that station 4 decided about one establishment."""

    assets: tuple[Asset, ...]
    merges: tuple[Merge, ...]
    demotions: tuple[Demotion, ...]
    kept_apart: tuple["KeptApart", ...]
    links: tuple[ObservedLink, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptApart:
    """Two assets that share a key but were not merged, with the reason: a person may have to look."""

    assets: tuple[AssetId, AssetId]
    shared: tuple[IdentityKey, ...]
    reason: str
