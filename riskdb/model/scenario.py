"""What happens to a hospital: the input of station 6 (format scenario/1)."""

from dataclasses import dataclass
from enum import StrEnum

from riskdb.model.ids import NodeId


class Mode(StrEnum):
    """What an attacker does with what he has taken."""

    AVAILABILITY = "availability"  # he stops it
    INTEGRITY = "integrity"  # he makes it lie
    CONFIDENTIALITY = "confidentiality"  # he lets it leak


@dataclass(frozen=True, slots=True, kw_only=True)
class Down:
    """A plain outage: it takes nothing."""

    node: NodeId
    at_min: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Compromised:
    """The attacker takes a node, and through it all it manages."""

    node: NodeId
    mode: Mode
    at_min: int = 0


Change = Down | Compromised


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Changes to a graph; of several to one node the earliest counts. All compromises share one mode."""

    changes: tuple[Change, ...]

    def __post_init__(self) -> None:
        if len({change.mode for change in self.changes if isinstance(change, Compromised)}) > 1:
            raise ValueError("a scenario has one mode, not two")
        if any(change.at_min < 0 for change in self.changes):
            raise ValueError("a change cannot happen before the scenario starts")

    @property
    def mode(self) -> Mode | None:
        """The one mode of its compromises; None if it has none."""
        return next((c.mode for c in self.changes if isinstance(c, Compromised)), None)
