"""Part of the safety gate: how fast packets may follow each other.

Pure: token buckets that hold one token, so there are no bursts; times are seconds of a monotonic clock, given as
arguments. A device's pause is counted from the end of the last exchange, the other two from slot to slot.
"""

from dataclasses import dataclass, field

from discovery.rules import subnet_of
from riskdb.model.policy import Budget, SafetyClass

BUCKETS_MAX = 100_000  # devices remembered; idle ones beyond it are forgotten, their pause is long over


@dataclass(slots=True)
class Paces:
    """When the next packet to a device, a subnet and the establishment may leave."""

    budget: Budget
    _device_ready_s: dict[str, float] = field(default_factory=dict)
    _subnet_next_s: dict[str, float] = field(default_factory=dict)
    _establishment_next_s: float = 0.0

    def device_ready_s(self, address: str) -> float:
        """The moment from which this device may get its next packet."""
        return self._device_ready_s.get(address, 0.0)

    def after_exchange(self, address: str, safety_class: SafetyClass, now_s: float) -> None:
        """A packet left, or its answer came: the device's pause starts anew."""
        fast = safety_class is SafetyClass.INFRASTRUCTURE
        rate = self.budget.infrastructure_packets_per_s if fast else self.budget.device_packets_per_s
        self._device_ready_s[address] = max(now_s + 1.0 / rate, self.device_ready_s(address))
        if len(self._device_ready_s) > BUCKETS_MAX:
            self._device_ready_s = {a: t for a, t in self._device_ready_s.items() if t > now_s}

    def take_subnet_slot_s(self, address: str, now_s: float) -> float:
        """Take the subnet's next free slot and return its moment."""
        subnet = subnet_of(address)
        slot = max(now_s, self._subnet_next_s.get(subnet, 0.0))
        self._subnet_next_s[subnet] = slot + 1.0 / self.budget.subnet_packets_per_s
        return slot

    def take_establishment_slot_s(self, now_s: float) -> float:
        """Take the establishment's next free slot and return its moment."""
        slot = max(now_s, self._establishment_next_s)
        self._establishment_next_s = slot + 1.0 / self.budget.establishment_packets_per_s
        return slot
