"""Station 4, the ledger of joins: which observations stand together, why, and what forbids more.

Pure. It decides nothing by itself: identity_wire and identity_papers ask, it checks for contradictions and writes down.
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from riskdb.identify.keys import CACHED_TEXTS_MAX, Evidence, normal_maker
from riskdb.identify.leases import LEASE, Leases
from riskdb.model.asset import Demotion, IdentityKey, KeyKind, MergeRule

BELIEVED_CONFIDENCE = 0.5  # a card that names a product; standard MIBs and maker numbers alone lie below

_NOTHING: frozenset[str] = frozenset()


@dataclass(slots=True, kw_only=True)
class Traits:
    """What a group of observations says together; of a single observation to begin with."""

    strong: frozenset[IdentityKey]
    macs: frozenset[str]
    names: frozenset[tuple[str, str]]
    makers: frozenset[str]
    marks: frozenset[tuple[int, int]]  # (number of a person's "two devices", side)
    paper: bool
    first_at: float
    last_at: float
    members: list[int]

    def adds_to(self, other: "Traits") -> bool:
        """Whether it says anything that the other does not."""
        return not (
            self.paper == other.paper
            and self.strong <= other.strong
            and self.macs <= other.macs
            and self.names <= other.names
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Two groups became one: the rule, the keys, and one observation of either."""

    rule: MergeRule
    evidence: tuple[IdentityKey, ...]
    members: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Two groups share a key and stayed two: a person may have to look."""

    shared: tuple[IdentityKey, ...]
    reason: str
    members: tuple[int, int]


class Groups:
    """Union-find over observations that remembers what each group says and why it is one."""

    def __init__(
        self,
        evidence: Sequence[Evidence],
        *,
        macs: Sequence[frozenset[str]],
        leases: Leases,
        demoted: dict[IdentityKey, Demotion],
        marks: Mapping[int, frozenset[tuple[int, int]]],
    ) -> None:
        self.evidence = evidence
        self.macs = macs  # by observation: universal, undemoted, its own or of its leased address
        self.leases = leases
        self.demoted = demoted
        self.joins: list[Join] = []
        self.refusals: list[Refusal] = []
        self._parent = list(range(len(evidence)))
        self._traits = [self._single(index, marks.get(index, frozenset())) for index in range(len(evidence))]

    def _single(self, index: int, marks: frozenset[tuple[int, int]]) -> Traits:
        evidence = self.evidence[index]
        claim = evidence.sighting.claim
        believed = claim.manufacturer is not None and claim.confidence >= BELIEVED_CONFIDENCE
        at = evidence.observation.seen_at.timestamp()
        return Traits(
            strong=frozenset(key for key in evidence.strong if key not in self.demoted),
            macs=self.macs[index],
            names=evidence.names,
            makers=frozenset({normal_maker(claim.manufacturer or "")}) if believed else _NOTHING,
            marks=marks,
            paper=evidence.paper,
            first_at=at,
            last_at=at,
            members=[index],
        )

    def root(self, index: int) -> int:
        """The observation that stands for the group."""
        parent = self._parent
        while parent[index] != index:
            parent[index] = index = parent[parent[index]]
        return index

    def traits(self, index: int) -> Traits:
        """What the group of an observation says."""
        return self._traits[self.root(index)]

    def roots(self, members: Iterable[int]) -> list[int]:
        """The groups of some observations, each once, in canonical order of their first member."""
        found: dict[int, None] = {}
        for member in members:
            found.setdefault(self.root(member))
        return list(found)

    def join(self, a: int, b: int, *, rule: MergeRule, evidence: tuple[IdentityKey, ...]) -> None:
        """Make one group of two. A continuation that says nothing new leaves no record: nothing was decided."""
        a, b = self.root(a), self.root(b)
        if a == b:
            return
        ours, theirs = self._traits[a], self._traits[b]
        news = ours.adds_to(theirs) and theirs.adds_to(ours)
        if news or rule not in {MergeRule.SAME_INTERFACE, MergeRule.SAME_SIGHTING}:
            self.joins.append(Join(rule=rule, evidence=evidence, members=(ours.members[0], theirs.members[0])))
        if len(ours.members) < len(theirs.members):
            a, b, ours, theirs = b, a, theirs, ours
        self._parent[b] = a
        self._traits[a] = _together(ours, theirs)

    def refuse(self, a: int, b: int, *, shared: Iterable[IdentityKey], reason: str) -> None:
        """Write down that two groups were kept apart."""
        self.refusals.append(Refusal(shared=tuple(sorted(shared)), reason=reason, members=(a, b)))

    def demote(self, demotion: Demotion) -> None:
        """Believe a key no longer; the first reason stands."""
        self.demoted.setdefault(demotion.key, demotion)

    def contradiction(self, a: int, b: int) -> str | None:
        """Why two groups cannot be one device, by a person's word or a STRONG key; None if nothing forbids it."""
        ours, theirs = self.traits(a), self.traits(b)
        if ours.marks and theirs.marks and any((pair, 1 - side) in theirs.marks for pair, side in ours.marks):
            return "a person says they are two devices"
        return strong_contradiction(ours.strong, theirs.strong)


def _together(ours: Traits, theirs: Traits) -> Traits:
    ours.members.extend(theirs.members)
    ours.strong |= theirs.strong
    ours.macs |= theirs.macs
    ours.names |= theirs.names
    ours.makers |= theirs.makers
    ours.marks |= theirs.marks
    ours.paper = ours.paper and theirs.paper
    ours.first_at = min(ours.first_at, theirs.first_at)
    ours.last_at = max(ours.last_at, theirs.last_at)
    return ours


def strong_contradiction(ours: frozenset[IdentityKey], theirs: frozenset[IdentityKey]) -> str | None:
    """The STRONG key that forbids two groups to be one device. An equal serial outranks every other difference."""
    if not ours or not theirs:
        return None
    our_serials, their_serials = serial_texts(ours), serial_texts(theirs)
    if our_serials and their_serials:
        return None if our_serials & their_serials else "their serial numbers differ"
    for kind, reason in (
        (KeyKind.ENGINE_ID, "their SNMP engine ids differ"),
        (KeyKind.TLS_KEY, "their TLS keys differ"),
    ):
        mine, other = {k for k in ours if k.kind is kind}, {k for k in theirs if k.kind is kind}
        if mine and other and not mine & other:
            return reason
    return None


def serial_texts(keys: Iterable[IdentityKey]) -> set[str]:
    """The serials among keys, without their maker or device identifier."""
    return {k.value.partition("/")[2] for k in keys if k.kind in {KeyKind.SERIAL, KeyKind.UDI_SERIAL}}


def names_differ(ours: Iterable[tuple[str, str]], theirs: Iterable[tuple[str, str]]) -> bool:
    """Whether two groups state different host names in the same place and none in common."""
    our_names, their_names = {name for _, name in ours}, {name for _, name in theirs}
    if not our_names or not their_names or our_names & their_names:
        return False
    return bool({place for place, _ in ours} & {place for place, _ in theirs})


def differ(ours: frozenset[str], theirs: frozenset[str]) -> bool:
    """Whether both say something and nothing in common."""
    return bool(ours and theirs and not ours & theirs)


def together_in_time(a: Traits, b: Traits) -> bool:
    """Whether two groups were alive within one lease of each other."""
    return max(a.first_at, b.first_at) - min(a.last_at, b.last_at) <= LEASE.total_seconds()


@functools.lru_cache(maxsize=CACHED_TEXTS_MAX)
def key_of_mac(mac: str) -> IdentityKey:
    """The key of a MAC address."""
    return IdentityKey(kind=KeyKind.MAC, value=mac)
