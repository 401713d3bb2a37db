"""Station 4, second step: which keys are believed less than their kind, before anything is joined.

Pure. A key is judged by all its carriers at once, so no order of reading can change the verdict.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence

from riskdb.identify.groups import differ, key_of_mac, names_differ, serial_texts
from riskdb.identify.keys import PRODUCT_PREFIX, Evidence
from riskdb.identify.leases import DOUBT, LEASE
from riskdb.model import facts
from riskdb.model.asset import Demotion, DemotionReason, IdentityKey, KeyKind

HANDFUL = 5  # one device may look like five (boards, addresses, renames); a key on six devices names none of them

Carriers = Mapping[IdentityKey, Sequence[int]]


def carriers_of_keys(evidence: Sequence[Evidence], macs: Sequence[Sequence[str]]) -> dict[IdentityKey, list[int]]:
    """Which observations carry each STRONG or MEDIUM key, in canonical order."""
    carriers: dict[IdentityKey, list[int]] = defaultdict(list)
    for index, item in enumerate(evidence):
        for key in item.strong:
            carriers[key].append(index)
        for key in item.medium:
            carriers[key].append(index)
        for mac in macs[index]:
            carriers[key_of_mac(mac)].append(index)
    return carriers


def demotions(
    evidence: Sequence[Evidence], macs: Sequence[Sequence[str]], carriers: Carriers
) -> dict[IdentityKey, Demotion]:
    """The keys that too many would-be assets carry, or whose carriers contradict each other."""
    found: dict[IdentityKey, Demotion] = {}
    for key, members in carriers.items():
        if len(members) < 2:
            continue
        devices = _would_be(key, members, evidence=evidence, macs=macs)
        reason = None
        if len(devices) > HANDFUL:
            reason = DemotionReason.SHARED
        elif _contradicts_itself(key, members, devices=devices, evidence=evidence):
            reason = DemotionReason.CONTRADICTED
        if reason:
            found[key] = Demotion(key=key, reason=reason, carriers=max(2, len(devices)))
    return found


def _would_be(
    key: IdentityKey, members: Sequence[int], *, evidence: Sequence[Evidence], macs: Sequence[Sequence[str]]
) -> list[list[int]]:
    """The carriers of a key, sorted into devices by everything else they say."""
    return components(
        (index, tokens) for index in members if (tokens := _tokens_beside(key, evidence[index], macs[index]))
    )


def _tokens_beside(key: IdentityKey, item: Evidence, macs: Sequence[str]) -> set[Hashable]:
    tokens: set[Hashable] = set() if key.kind is KeyKind.FQDN else {name for _, name in item.names}
    tokens.update(tag.value for tag in item.medium if tag.kind is KeyKind.ASSET_TAG and tag != key)
    if key.kind is KeyKind.MAC:  # a lease follows the MAC, so the address cannot tell two users of a dock apart
        tokens.update(serial_texts(item.strong))
        tokens.update(k for k in item.strong if k.kind in {KeyKind.ENGINE_ID, KeyKind.TLS_KEY})
        return tokens
    if key.kind not in {KeyKind.SERIAL, KeyKind.UDI_SERIAL}:
        tokens.update(serial_texts(item.strong))
    tokens.update(macs)
    if item.address and key.kind is not KeyKind.AE_TITLE:
        tokens.add(item.address)
    return tokens


def components(items: Iterable[tuple[int, set[Hashable]]]) -> list[list[int]]:
    """Members that share a token, directly or through others, together."""
    parent: dict[int, int] = {}
    first_with: dict[Hashable, int] = {}

    def root(member: int) -> int:
        while parent[member] != member:
            parent[member] = member = parent[parent[member]]
        return member

    for member, tokens in items:
        parent[member] = member
        for token in tokens:
            other = first_with.setdefault(token, member)
            parent[root(member)] = root(other)
    sorted_out: dict[int, list[int]] = defaultdict(list)
    for member in parent:
        sorted_out[root(member)].append(member)
    return list(sorted_out.values())


def _contradicts_itself(
    key: IdentityKey, members: Sequence[int], *, devices: Sequence[Sequence[int]], evidence: Sequence[Evidence]
) -> bool:
    if key.kind is KeyKind.MAC:
        return _names_alternate(members, evidence)
    if key.kind in {KeyKind.SERIAL, KeyKind.UDI_SERIAL} and not key.value.startswith("/"):
        heard = [[i for i in device if not evidence[i].paper] for device in devices]
        return any(
            _alive_with_other_name(a, b, evidence) for n, a in enumerate(heard) for b in heard[n + 1 :] if a and b
        )
    return False


def _alive_with_other_name(a: Sequence[int], b: Sequence[int], evidence: Sequence[Evidence]) -> bool:
    """Whether two carriers of a serial live at the same time as different products or under different names."""
    our_names = {name for i in a for name in evidence[i].names}
    their_names = {name for i in b for name in evidence[i].names}
    ours = [evidence[i].observation.seen_at for i in a]
    theirs = [evidence[i].observation.seen_at for i in b]
    apart = max(min(ours), min(theirs)) - min(max(ours), max(theirs))
    others = names_differ(our_names, their_names) or differ(_products(a, evidence), _products(b, evidence))
    return apart <= LEASE and others


def _products(members: Sequence[int], evidence: Sequence[Evidence]) -> frozenset[str]:
    return frozenset(token for i in members for token in evidence[i].tokens if token.startswith(PRODUCT_PREFIX))


def _names_alternate(members: Sequence[int], evidence: Sequence[Evidence]) -> bool:
    """Whether a MAC's host name goes to and fro, or it is two names or products at once at two addresses: a dock."""
    seen: dict[tuple[str, str], list[tuple[float, str | None]]] = defaultdict(list)
    for index in members:
        stated = evidence[index].observation.facts
        for fact in (facts.SNMP_SYS_NAME, facts.DHCP_HOSTNAME):
            for _, name in evidence[index].names if fact in stated else ():
                seen[fact, name].append((evidence[index].observation.seen_at.timestamp(), evidence[index].address))
        for product in _products((index,), evidence):
            at = evidence[index].observation.seen_at.timestamp()
            seen[PRODUCT_PREFIX, product].append((at, evidence[index].address))
    for (fact, name), ours in seen.items():
        for (other_fact, other_name), theirs in seen.items():
            if other_fact == fact and name < other_name and _two_at_once(ours, theirs, named=fact != PRODUCT_PREFIX):
                return True
    return False


def _two_at_once(
    ours: Sequence[tuple[float, str | None]], theirs: Sequence[tuple[float, str | None]], *, named: bool
) -> bool:
    our_times, their_times = [at for at, _ in ours], [at for at, _ in theirs]
    apart_s = max(min(our_times), min(their_times)) - min(max(our_times), max(their_times))
    elsewhere = {address for _, address in ours}.isdisjoint({address for _, address in theirs})
    return (named and apart_s <= 0) or (elsewhere and apart_s <= DOUBT.total_seconds())
