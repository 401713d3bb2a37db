"""Station 4, leases: which MAC held which address when, as routers and DHCP saw it. Pure; it joins nothing."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from riskdb.identify.keys import Evidence, is_universal
from riskdb.model.observation import Protocol

LEASE = timedelta(hours=24)  # how long an address belongs to who was seen there: the usual DHCP lease of a hospital
DOUBT = timedelta(hours=4)  # how long a router may repeat an old ARP row: the longest common cache time
_LEASING = frozenset({Protocol.ARP, Protocol.DHCP})

T = TypeVar("T", str, int)


class Timeline(Generic[T]):
    """Who held something when: an address, or a MAC that several devices carry."""

    def __init__(self, entries: Iterable[tuple[float, T]]) -> None:
        held: list[tuple[float, T]] = sorted(set(entries))
        self._times = [at for at, _ in held]
        self._holders: list[T] = [holder for _, holder in held]
        self._runs: list[int] = []  # neighbours with one holder share a run number
        for index, holder in enumerate(self._holders):
            new = index == 0 or holder != self._holders[index - 1]
            self._runs.append(len(self._runs) and self._runs[-1] + new)

    def sole_holder(self, at: float) -> T | None:
        """Who held it at a time: all within doubt agree, and so do the nearest before and after within the lease.

        Seen on one side only, it counts within doubt: an address that changed hands overnight must not carry its name.
        """
        lease, doubt = LEASE.total_seconds(), DOUBT.total_seconds()
        first, last = bisect_left(self._times, at - doubt), bisect_right(self._times, at + doubt) - 1
        before, after = bisect_right(self._times, at) - 1, bisect_left(self._times, at)
        has_before = before >= 0 and self._times[before] >= at - lease
        has_after = after < len(self._times) and self._times[after] <= at + lease
        if first > last and not (has_before and has_after):
            return None
        if has_before:
            first = min(first, bisect_left(self._times, self._times[before]))
        if has_after:
            last = max(last, bisect_right(self._times, self._times[after]) - 1)
        return self._holders[first] if self._runs[first] == self._runs[last] else None

    def alone_then(self, holder: T, at: float) -> bool:
        """Whether nobody but this holder is known within doubt of a time."""
        doubt = DOUBT.total_seconds()
        first, last = bisect_left(self._times, at - doubt), bisect_right(self._times, at + doubt) - 1
        return first > last or (self._runs[first] == self._runs[last] and self._holders[first] == holder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leases:
    """What addresses tell at all."""

    bound: Sequence[str | None]  # by observation: the one universal MAC at its address then, which had no other address
    restless: Set[str]  # addresses that changed hands: a list's word on them is not worth much


def read_leases(evidence: Sequence[Evidence]) -> Leases:
    """The leases that rows with address and MAC show.

    A MAC at several addresses at once (a proxy, a wireless bridge, a server with many names) binds none of them.
    """
    rows: dict[str, list[tuple[float, str]]] = defaultdict(list)
    addresses: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for item in evidence:
        mac = item.observation.mac
        if item.observation.protocol in _LEASING and item.address and mac:
            at = item.observation.seen_at.timestamp()
            rows[item.address].append((at, mac))
            addresses[mac].append((at, item.address))
    macs_of = {address: Timeline(entries) for address, entries in rows.items()}
    addresses_of = {mac: Timeline(entries) for mac, entries in addresses.items()}
    bound = [
        None if item.paper or item.address is None else _bound(item, item.address, macs_of, addresses_of)
        for item in evidence
    ]
    return Leases(bound=bound, restless={address for address, held in rows.items() if _several(held)})


def _bound(
    item: Evidence, address: str, macs_of: dict[str, Timeline[str]], addresses_of: dict[str, Timeline[str]]
) -> str | None:
    timeline = macs_of.get(address)
    at = item.observation.seen_at.timestamp()
    mac = None if timeline is None else timeline.sole_holder(at)
    if mac is None or not is_universal(mac):
        return None
    return mac if addresses_of[mac].alone_then(address, at) else None


def _several(held: Iterable[tuple[float, str]]) -> bool:
    return len({mac for _, mac in held}) > 1
