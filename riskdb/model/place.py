"""What people declare about the hospital: units, rooms, switch ports, and links between assets."""

from dataclasses import dataclass
from enum import StrEnum

from riskdb.model.ids import AssetId, ObservationId, UnitId, UnitTypeId


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A care unit or a technical place. `beds` shares out census and arrivals between units of one type."""

    id: UnitId
    name: str
    unit_type: UnitTypeId
    beds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A room and the unit it belongs to."""

    id: str
    name: str
    unit: UnitId


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchPort:
    """Where the wall outlet behind a switch port is: places devices that no list places."""

    switch: str  # hostname or address of the access switch
    port: str  # ifName
    room: str | None
    unit: UnitId | None


class LinkKind(StrEnum):
    """How one asset hangs on another."""

    NEEDS = "needs"
    MANAGES = "manages"
    FEEDS = "feeds"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredLink:
    """A person says that `source` needs, manages or feeds `target`.

    Both are named by anything they go by: asset tag, hostname, address or name.
    `minutes` is the tolerance of a need, the delay of the other two.
    `group` joins needs of which one is enough: two needs of one source in one group are redundant to each other.
    """

    source: str
    kind: LinkKind
    target: str
    minutes: int = 0
    group: str | None = None
    declared_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedLink:
    """A bridge table or LLDP row shows that `source` hangs on a port of the switch `target`.

    A device has one (its access port); a switch has one for each uplink, and any one of them is enough.
    """

    source: AssetId
    target: AssetId
    port: str
    observation: ObservationId
