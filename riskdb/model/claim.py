"""Station 3: what a fingerprint card makes of an observation. Not knowing is a claim too."""

from dataclasses import dataclass
from enum import StrEnum

from riskdb.model.ids import CardId, DeviceTypeId, ObservationId


class Category(StrEnum):
    """The coarse kind of a device, known even where its device type is not."""

    NETWORK = "network"
    WIRELESS = "wireless"
    POWER = "power"
    ENVIRONMENT = "environment"
    PRINTER = "printer"
    STORAGE = "storage"
    SERVER = "server"
    APPLIANCE = "appliance"
    FIREWALL = "firewall"
    CAMERA = "camera"
    PHONE = "phone"
    MEDICAL = "medical"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one observation says a device is. None where it does not say."""

    observation: ObservationId
    category: Category | None = None
    device_type: DeviceTypeId | None = None
    manufacturer: str | None = None
    model: str | None = None
    firmware: str | None = None
    serial: str | None = None
    card: CardId | None = None  # the card that won; None when no card matched (an unknown)
    card_version: str | None = None  # digest of the card, so that a changed card re-identifies
    cards: tuple[CardId, ...] = ()  # every card that matched, the winner first
    confidence: float = 0.0  # 0..1; 0 for an unknown

    @property
    def is_unknown(self) -> bool:
        """Whether no card knew the observation."""
        return self.card is None
