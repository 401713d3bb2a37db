"""Station 4, third step: what was heard on the wire, joined into devices; lists come later (identity_papers).

Pure. Every join goes through `Groups`; every pass walks keys in canonical order, so the order of hearing is nothing.
The main flow is `join_the_wire`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations, pairwise

from riskdb.identify.demotion import HANDFUL, Carriers
from riskdb.identify.groups import (
    Groups,
    differ,
    names_differ,
    together_in_time,
)
from riskdb.identify.keys import DESCRIPTION_PREFIX, PRODUCT_PREFIX, strength_of
from riskdb.identify.leases import DOUBT, LEASE, Timeline
from riskdb.model.asset import Demotion, DemotionReason, IdentityKey, KeyKind, KeyStrength, MergeRule
from riskdb.model.observation import Protocol

_SERIALS = frozenset({KeyKind.SERIAL, KeyKind.UDI_SERIAL})
_ENGINES = frozenset({KeyKind.ENGINE_ID, KeyKind.TLS_KEY})
TWO_MEDIUM_ROUNDS_MAX = 8  # each round joins groups that a join made alike; real chains end after two


def join_the_wire(groups: Groups, carriers: Carriers) -> None:
    """Serials, then interfaces, then engine ids, then names at leased addresses, then pairs of MEDIUM keys."""
    heard = {key: [i for i in members if not groups.evidence[i].paper] for key, members in sorted(carriers.items())}
    _join_serials(groups, heard)
    torn = _join_interfaces(groups, heard)
    _join_engines(groups, heard)
    by_address = _by_address(groups)
    _join_names_at_address(groups, by_address, prefixes=("host:",))
    _give_anonymous_to_the_holder(groups, by_address)
    _join_names_at_address(groups, by_address, prefixes=("",))
    _join_bare_addresses(groups, by_address)
    _join_two_medium(groups, heard)
    _give_torn_interfaces_to_the_user(groups, heard, torn=torn)


def _join_serials(groups: Groups, heard: Carriers) -> None:
    """A serial outranks all else: a new board, address or name is still the same device."""
    for key, members in heard.items():
        if key.kind in _SERIALS and strength_of(key) is KeyStrength.STRONG and key not in groups.demoted:
            _join_all(groups, groups.roots(members), rule=MergeRule.SAME_STRONG_KEY, key=key)


def _join_all(groups: Groups, roots: Sequence[int], *, rule: MergeRule, key: IdentityKey) -> None:
    for other in roots[1:]:
        reason = groups.contradiction(roots[0], other)
        if reason:
            groups.refuse(roots[0], other, shared=(key,), reason=reason)
        else:
            groups.join(roots[0], other, rule=rule, evidence=(key,))


def _join_interfaces(groups: Groups, heard: Carriers) -> list[IdentityKey]:
    """One MAC, one interface - unless its carriers contradict each other: then it names none of them. Returns those."""
    torn: list[IdentityKey] = []
    for key, members in heard.items():
        if key.kind is not KeyKind.MAC or key in groups.demoted:
            continue
        roots = groups.roots(members)
        if _torn(groups, key, roots):
            torn.append(key)
        else:
            for other in roots[1:]:
                groups.join(roots[0], other, rule=MergeRule.SAME_INTERFACE, evidence=(key,))
    return torn


def _torn(groups: Groups, key: IdentityKey, roots: Sequence[int]) -> bool:
    """Whether carriers of a key contradict each other; if so the key is demoted and the pairs are written down."""
    known = [root for root in roots if groups.traits(root).strong or groups.traits(root).marks]
    refusals = [
        (a, b, reason)
        for a, b in combinations(known[: HANDFUL + 1], 2)
        if (reason := groups.contradiction(a, b)) is not None
    ]
    for a, b, reason in refusals:
        groups.refuse(a, b, shared=(key,), reason=reason)
    if refusals:
        groups.demote(Demotion(key=key, reason=DemotionReason.CONTRADICTED, carriers=len(known)))
    return bool(refusals)


def _join_engines(groups: Groups, heard: Carriers) -> None:
    """One engine id, one device - unless its carriers live side by side as visibly different devices: a clone."""
    for key, members in heard.items():
        if key.kind not in _ENGINES or key in groups.demoted:
            continue
        roots = groups.roots(members)
        clones = [
            (a, b, reason)
            for a, b in combinations(roots[: HANDFUL + 1], 2)
            if (reason := _reason_against_engine(groups, a, b)) is not None
        ]
        for a, b, reason in clones:
            groups.refuse(a, b, shared=(key,), reason=reason)
        if clones:
            groups.demote(Demotion(key=key, reason=DemotionReason.CONTRADICTED, carriers=len(roots)))
            continue
        _join_all(groups, roots, rule=MergeRule.SAME_STRONG_KEY, key=key)


def _reason_against_engine(groups: Groups, a: int, b: int) -> str | None:
    contradiction = groups.contradiction(a, b)
    if contradiction:
        return contradiction
    ours, theirs = groups.traits(a), groups.traits(b)
    if names_differ(ours.names, theirs.names):
        return "their host names differ"
    if differ(ours.makers, theirs.makers):
        return "their makers differ"
    same_name = {name for _, name in ours.names} & {name for _, name in theirs.names}
    if same_name or not together_in_time(ours, theirs):
        return None
    if differ(ours.macs, theirs.macs):
        return "both were there at the same time with different MAC addresses"
    if differ(_addresses(groups, a), _addresses(groups, b)):
        return "both were there at the same time at different addresses, and no name says that they are one"
    return None


def _addresses(groups: Groups, index: int) -> frozenset[str]:
    members = (groups.evidence[member] for member in groups.traits(index).members)
    return frozenset(item.address for item in members if item.address)


def _by_address(groups: Groups) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for index, item in enumerate(groups.evidence):
        if item.address and not item.paper:
            found[item.address].append(index)
    return dict(sorted(found.items()))


def _join_names_at_address(groups: Groups, by_address: dict[str, list[int]], *, prefixes: tuple[str, ...]) -> None:
    """A name or a description heard again at the same address within the lease is the same device speaking again."""
    for address, members in by_address.items():
        if len(groups.roots(members)) < 2:
            continue
        saying: dict[str, list[int]] = defaultdict(list)
        for index in members:
            for token in groups.evidence[index].tokens:
                if token.startswith(prefixes):
                    saying[token].append(index)
        for token, speakers in sorted(saying.items()):
            by_name = not token.startswith((PRODUCT_PREFIX, DESCRIPTION_PREFIX))
            _continue_at_address(groups, speakers, address=address, by_name=by_name)


def _continue_at_address(groups: Groups, speakers: Sequence[int], *, address: str, by_name: bool) -> None:
    for earlier, later in pairwise(speakers):
        gap = groups.evidence[later].observation.seen_at - groups.evidence[earlier].observation.seen_at
        # Where routers show MACs, a description without a name is only as good as their memory.
        seen = groups.traits(earlier).macs or groups.traits(later).macs
        if (
            gap <= (LEASE if by_name or not seen else DOUBT)
            and groups.root(earlier) != groups.root(later)
            and _may_continue(groups, earlier, later)
        ):
            key = IdentityKey(kind=KeyKind.ADDRESS, value=address)
            names = tuple(k for k in groups.evidence[later].weak if k in groups.evidence[earlier].weak and k != key)
            groups.join(earlier, later, rule=MergeRule.SAME_SIGHTING, evidence=(key, *names))


def _may_continue(groups: Groups, a: int, b: int) -> bool:
    """Whether nothing speaks against two groups at one address being one device: WEAK gives way to anything."""
    ours, theirs = groups.traits(a), groups.traits(b)
    return (
        groups.contradiction(a, b) is None
        and not differ(ours.macs, theirs.macs)
        and not differ(ours.makers, theirs.makers)
        and not names_differ(ours.names, theirs.names)
    )


def _give_anonymous_to_the_holder(groups: Groups, by_address: dict[str, list[int]]) -> None:
    """What names nobody belongs to whoever held the address at the time, if that was one device only."""
    for address, members in by_address.items():
        anonymous = [i for i in members if groups.evidence[i].anonymous and not groups.macs[i]]
        if not anonymous:
            continue
        named = [i for i in members if _holds_address(groups, i)]
        holders = Timeline((groups.evidence[i].observation.seen_at.timestamp(), groups.root(i)) for i in named)
        for index in anonymous:
            holder = holders.sole_holder(groups.evidence[index].observation.seen_at.timestamp())
            if holder is not None and _may_continue(groups, holder, index):
                key = IdentityKey(kind=KeyKind.ADDRESS, value=address)
                groups.join(holder, index, rule=MergeRule.SAME_SIGHTING, evidence=(key,))


def _holds_address(groups: Groups, index: int) -> bool:
    """Whether a named device is known to hold the address alone: a router's row counts only if the MAC has no other."""
    if groups.evidence[index].observation.protocol is Protocol.ARP:
        return groups.leases.bound[index] is not None
    return not groups.evidence[index].anonymous or bool(groups.macs[index])


def _join_bare_addresses(groups: Groups, by_address: dict[str, list[int]]) -> None:
    """Where nothing but an address was ever heard, the address within its lease is the device."""
    for address, members in by_address.items():
        bare = [i for i in members if _is_bare(groups, i)]
        _continue_at_address(groups, bare, address=address, by_name=False)


def _is_bare(groups: Groups, index: int) -> bool:
    item = groups.evidence[index]
    return item.anonymous and not item.tokens and not groups.macs[index] and len(groups.traits(index).members) == 1


def _join_two_medium(groups: Groups, heard: Carriers) -> None:
    """Two MEDIUM keys of different kinds in common make two devices one."""
    medium = {
        key: members
        for key, members in heard.items()
        if strength_of(key) is KeyStrength.MEDIUM and key not in groups.demoted and len(members) > 1
    }
    for _ in range(TWO_MEDIUM_ROUNDS_MAX):
        joined = False
        for (a, b), shared in sorted(shared_keys(groups, medium).items()):
            if len({key.kind for key in shared}) < 2 or groups.root(a) == groups.root(b):
                continue
            if groups.contradiction(a, b) is None:
                groups.join(a, b, rule=MergeRule.TWO_MEDIUM_KEYS, evidence=tuple(shared))
                joined = True
        if not joined:
            return


def shared_keys(groups: Groups, carriers: Carriers) -> dict[tuple[int, int], list[IdentityKey]]:
    """The keys that each pair of groups has in common; pairs named by their first members, so that no root matters."""
    shared: dict[tuple[int, int], list[IdentityKey]] = defaultdict(list)
    for key, members in carriers.items():
        roots = groups.roots(members)
        if 1 < len(roots) <= HANDFUL:
            firsts = sorted(min(groups.traits(root).members) for root in roots)
            for pair in combinations(firsts, 2):
                shared[pair].append(key)
    return shared


def _give_torn_interfaces_to_the_user(groups: Groups, heard: Carriers, *, torn: Iterable[IdentityKey]) -> None:
    """A MAC that changed hands (a swapped card, a dock): each row belongs to who used it at the time, if one did."""
    for key in torn:
        members = heard[key]
        users = [i for i in members if groups.traits(i).strong]
        timeline = Timeline((groups.evidence[i].observation.seen_at.timestamp(), groups.root(i)) for i in users)
        for index in members:
            user = timeline.sole_holder(groups.evidence[index].observation.seen_at.timestamp())
            if user is None or groups.traits(index).strong or groups.contradiction(user, index) is not None:
                continue
            groups.join(user, index, rule=MergeRule.SAME_INTERFACE, evidence=(key,))
