"""Station 4, fourth step: lines of imported lists, joined with each other and then with what the wire showed.

Pure. Lists are typed by people: the wire is settled first, and a line never tears a device of the wire apart nor, by
itself, joins two that each have their own MAC. The main flow is `join_the_papers`.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from riskdb.identify.demotion import HANDFUL, Carriers
from riskdb.identify.groups import Groups, differ, serial_texts
from riskdb.identify.keys import PRODUCT_PREFIX, Evidence, normal_maker, product_token, strength_of
from riskdb.model import facts
from riskdb.model.asset import IdentityKey, KeyKind, KeyStrength, MergeRule

TYPING_CHARS_MIN = 5  # in a shorter serial one wrong character is another device, not a typing error
ROOM_DEVICES_MAX = 12  # in a room with more (a server room, a store) standing there says nothing
DOUBT_SUPPORT_MIN = 2  # a MAC, address or name alone may be wrong too; two of them outvote a typed serial

_ROOM_PREFIX = "room:"
_RANK = {
    MergeRule.SAME_STRONG_KEY: 3,
    MergeRule.SAME_INTERFACE: 2,
    MergeRule.TWO_MEDIUM_KEYS: 2,
    MergeRule.SAME_SIGHTING: 1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """All that the lines of one paper group say about who the device is."""

    first: int  # its first observation, which names it
    tags: frozenset[str]
    strong: frozenset[IdentityKey]
    medium: frozenset[IdentityKey]
    serials: frozenset[str]
    makers: frozenset[str]
    macs: frozenset[str]
    addresses: frozenset[str]
    names: frozenset[str]
    products: frozenset[str]
    makers_named: frozenset[str]  # with or without a serial
    rooms: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A device of the wire that a line may speak of: by which rule, and how many of MAC, address and name agree."""

    line: Line
    wire: int
    rule: MergeRule
    evidence: tuple[IdentityKey, ...]
    support: int

    @property
    def weight(self) -> tuple[int, int]:
        """How good it is: the rule, then what else agrees."""
        return _RANK[self.rule], self.support


@dataclass(slots=True, kw_only=True)
class Wire:
    """What the wire showed, ready to be looked up; by group of the wire before any line joined it."""

    by_key: Mapping[IdentityKey, tuple[int, ...]]
    by_address: Mapping[str, tuple[int, ...]]
    at_address: Mapping[tuple[str, str], tuple[int, ...]]  # (address, name, product or room)
    addresses: Mapping[int, frozenset[str]]
    names: Mapping[int, frozenset[str]]
    own_names: Mapping[int, frozenset[str]]  # without those of mDNS, which differ from a list's as a matter of course
    serials: Mapping[int, frozenset[str]]
    makers: Mapping[int, frozenset[str]]
    macs: Mapping[int, frozenset[str]]
    holders_of_serial: Mapping[str, frozenset[int]]
    claimed: dict[str, set[int]] = field(default_factory=dict)  # serial -> lines that state it, by first observation


def join_the_papers(groups: Groups, carriers: Carriers, *, rooms: Mapping[int, str]) -> None:
    """Lines with lines, then each line with the device it speaks of.

    `rooms` says where devices of the wire stand by the switch port they hang on, by their first observation.
    """
    papers = [i for i, item in enumerate(groups.evidence) if item.paper]
    if not papers:
        return
    listed = {key: [i for i in members if groups.evidence[i].paper] for key, members in sorted(carriers.items())}
    contested = _join_lines(groups, papers, listed)
    wire = _look_at_the_wire(groups, carriers, rooms)
    lines = [_line(groups, root) for root in groups.roots(papers)]
    for line in lines:
        for serial in line.serials:
            wire.claimed.setdefault(serial, set()).add(line.first)
    matches = {line.first: _matches(groups, line, wire) for line in lines}
    doubted = _doubted(matches, wire, contested)
    chosen = [
        allowed
        for line in lines
        if (allowed := _allowed(groups, matches[line.first], wire, doubted=line.first in doubted))
    ]
    for found in _settle_contests(groups, chosen, contested):
        _join_line(groups, found, wire)


def _line(groups: Groups, root: int) -> Line:
    members = sorted(groups.traits(root).members)
    items = [groups.evidence[i] for i in members]
    strong = frozenset(key for item in items for key in item.strong if key not in groups.demoted)
    medium = frozenset(key for item in items for key in item.medium if key not in groups.demoted)
    return Line(
        first=members[0],
        tags=frozenset(key.value for key in medium if key.kind is KeyKind.ASSET_TAG),
        strong=strong,
        medium=medium,
        serials=_all_serials(strong | medium),
        makers=_makers(strong),
        macs=frozenset(mac for i in members for mac in groups.macs[i]),
        addresses=frozenset(item.address for item in items if item.address),
        names=frozenset(name for item in items for _, name in item.names),
        products=frozenset(product for item in items if (product := _listed_product(item))),
        makers_named=frozenset(normal_maker(maker) for maker in _stated(items, facts.IMPORT_MANUFACTURER)),
        rooms=frozenset(f"{_ROOM_PREFIX}{room}" for room in _stated(items, facts.IMPORT_ROOM)),
    )


def _stated(items: Sequence[Evidence], fact: str) -> list[str]:
    return [item.observation.facts[fact] for item in items if fact in item.observation.facts]


def _listed_product(item: Evidence) -> str | None:
    stated = item.observation.facts
    return product_token(stated.get(facts.IMPORT_MANUFACTURER), stated.get(facts.IMPORT_MODEL))


def _all_serials(keys: frozenset[IdentityKey]) -> frozenset[str]:
    return frozenset(serial_texts(keys))


def _makers(keys: frozenset[IdentityKey]) -> frozenset[str]:
    return frozenset(key.value.partition("/")[0] for key in keys if key.kind is KeyKind.SERIAL)


def _join_lines(groups: Groups, papers: Sequence[int], listed: Carriers) -> set[tuple[int, int]]:
    """Duplicated and repeated lines become one. Returns the pairs that share a key and contradict each other."""
    same: dict[Hashable, list[int]] = defaultdict(list)
    for index in papers:
        same[_identifiers(groups, index)].append(index)
    for members in same.values():
        for other in members[1:]:
            if groups.contradiction(members[0], other) is None:
                evidence = groups.evidence[other].strong + groups.evidence[other].medium
                groups.join(members[0], other, rule=MergeRule.SAME_SIGHTING, evidence=evidence)
    contested: set[tuple[int, int]] = set()
    for kind in (KeyKind.ASSET_TAG, KeyKind.MAC, KeyKind.UDI_SERIAL, KeyKind.SERIAL):
        for key, stating in listed.items():
            if key.kind is kind and key not in groups.demoted and not key.value.startswith("/"):
                _join_lines_by(groups, key, stating, contested)
    firsts = {(min(groups.traits(a).members), min(groups.traits(b).members)) for a, b in contested}
    return {(min(a, b), max(a, b)) for a, b in firsts if a != b}


def _identifiers(groups: Groups, index: int) -> Hashable:
    """What names the device in a line; a line with only an address or a name is told by its product too."""
    item = groups.evidence[index]
    certain = (item.strong, item.medium, groups.macs[index])
    if any(certain):
        return (*certain, item.address, item.names)
    stated = item.observation.facts
    product = (facts.IMPORT_MANUFACTURER, facts.IMPORT_MODEL, facts.IMPORT_DEVICE_TYPE, facts.IMPORT_NAME)
    return (item.address, item.names, *(stated.get(fact) for fact in product))


def _join_lines_by(groups: Groups, key: IdentityKey, members: Sequence[int], contested: set[tuple[int, int]]) -> None:
    rule = {KeyKind.ASSET_TAG: MergeRule.SAME_SIGHTING, KeyKind.MAC: MergeRule.SAME_INTERFACE}.get(
        key.kind, MergeRule.SAME_STRONG_KEY
    )
    roots = groups.roots(members)
    against = [
        (a, b, reason)
        for a, b in combinations(roots[: HANDFUL + 1], 2)
        if (reason := groups.contradiction(a, b) or _lines_contradict(key.kind, _line(groups, a), _line(groups, b)))
    ]
    for a, b, reason in against:
        groups.refuse(a, b, shared=(key,), reason=reason)
        contested.add((a, b))
    for other in () if against else roots[1:]:
        groups.join(roots[0], other, rule=rule, evidence=(key,))


def _lines_contradict(kind: KeyKind, ours: Line, theirs: Line) -> str | None:
    """Why two lines with one key are two devices: what is typed by hand yields to what else is typed by hand."""
    places = ((ours.macs, theirs.macs), (ours.addresses, theirs.addresses), (ours.names, theirs.names))
    if kind in {KeyKind.SERIAL, KeyKind.UDI_SERIAL}:
        elsewhere = any(differ(a, b) for a, b in places) and not any(a & b for a, b in places)
        if elsewhere and differ(ours.tags, theirs.tags):
            return "two lists' lines state one serial, with different asset tags and places"
        return None
    if differ(ours.serials, theirs.serials):
        return "their serial numbers differ"
    if differ(ours.names, theirs.names):
        return "their host names differ"
    if differ(ours.macs, theirs.macs):
        return "their MAC addresses differ"
    if kind is KeyKind.MAC and differ(ours.addresses, theirs.addresses):
        return "their addresses differ"
    return None


def _look_at_the_wire(groups: Groups, carriers: Carriers, rooms: Mapping[int, str]) -> Wire:
    room_of = {groups.root(index): room for index, room in rooms.items() if not groups.evidence[index].paper}
    crowd = Counter(room_of.values())
    by_key: dict[IdentityKey, tuple[int, ...]] = {}
    serials: dict[int, set[str]] = defaultdict(set)
    for key, members in carriers.items():
        heard = tuple(groups.roots(i for i in members if not groups.evidence[i].paper))
        if not heard or key in groups.demoted:
            continue
        by_key[key] = heard
        for root in heard:
            serials[root] |= serial_texts((key,))
    addresses: dict[int, set[str]] = defaultdict(set)
    names: dict[int, set[str]] = defaultdict(set)
    own_names: dict[int, set[str]] = defaultdict(set)
    macs: dict[int, frozenset[str]] = {}
    by_address: dict[str, dict[int, None]] = defaultdict(dict)
    at_address: dict[tuple[str, str], dict[int, None]] = defaultdict(dict)
    for index, item in enumerate(groups.evidence):
        if item.paper:
            continue
        root = groups.root(index)
        names[root] |= {name for _, name in item.names}
        own_names[root] |= {name for place, name in item.names if place != "mdns"}
        macs[root] = groups.traits(root).macs
        if item.address:
            addresses[root].add(item.address)
            by_address[item.address].setdefault(root)
            products = (token for token in item.tokens if token.startswith(PRODUCT_PREFIX))
            room = room_of.get(root)
            place = [f"{_ROOM_PREFIX}{room}"] if room and crowd[room] <= ROOM_DEVICES_MAX else []
            for name in (*(name for _, name in item.names), *products, *place):
                at_address[item.address, name].setdefault(root)
    holders: dict[str, set[int]] = defaultdict(set)
    for root, texts in serials.items():
        for text in texts:
            holders[text].add(root)
    return Wire(
        by_key=by_key,
        by_address={address: tuple(roots) for address, roots in by_address.items()},
        at_address={place: tuple(roots) for place, roots in at_address.items()},
        addresses={root: frozenset(found) for root, found in addresses.items()},
        names={root: frozenset(found) for root, found in names.items()},
        own_names={root: frozenset(found) for root, found in own_names.items()},
        serials={root: frozenset(found) for root, found in serials.items()},
        makers={root: _makers(groups.traits(root).strong) for root in serials},
        macs=macs,
        holders_of_serial={text: frozenset(found) for text, found in holders.items()},
    )


def _matches(groups: Groups, line: Line, wire: Wire) -> list[Match]:
    """Every device of the wire that the line may speak of by one of the rules, the best first."""
    shared: dict[int, set[IdentityKey]] = defaultdict(set)
    mac_keys = {IdentityKey(kind=KeyKind.MAC, value=mac) for mac in line.macs}
    for key in line.strong | line.medium | mac_keys:
        for root in wire.by_key.get(key, ()):
            shared[root].add(key)
    here = {
        root
        for address in line.addresses
        for said in (line.names if address in groups.leases.restless else line.names | line.products | line.rooms)
        for root in wire.at_address.get((address, said), ())
    }
    found = []
    for root in shared.keys() | here:
        keys = shared.get(root, set())
        rule = _rule_for(keys, here=root in here)
        if rule is not None:
            support = (
                bool(line.macs & groups.traits(root).macs)
                + bool(line.addresses & wire.addresses.get(root, frozenset()))
                + bool(line.names & wire.names.get(root, frozenset()))
            )
            evidence = tuple(sorted(keys)) if keys else _place_keys(line)
            found.append(Match(line=line, wire=root, rule=rule, evidence=evidence, support=support))
    _note_bare_addresses(groups, line, wire, found)
    found.sort(key=lambda match: (*(-part for part in match.weight), min(groups.traits(match.wire).members)))
    return found


def _note_bare_addresses(groups: Groups, line: Line, wire: Wire, found: Sequence[Match]) -> None:
    """Where a line has nothing in common with the wire but an address, say so: a person may join them."""
    for address in () if found else sorted(line.addresses):
        holders = wire.by_address.get(address, ())
        if len(holders) == 1 and not differ(line.macs, groups.traits(holders[0]).macs):
            key = IdentityKey(kind=KeyKind.ADDRESS, value=address)
            groups.refuse(
                line.first, holders[0], shared=(key,), reason="only the address agrees; it joins nothing alone"
            )


def _rule_for(keys: set[IdentityKey], *, here: bool) -> MergeRule | None:
    if any(strength_of(key) is KeyStrength.STRONG for key in keys):
        return MergeRule.SAME_STRONG_KEY
    if any(key.kind is KeyKind.MAC for key in keys):
        return MergeRule.SAME_INTERFACE
    if len({key.kind for key in keys}) >= 2:
        return MergeRule.TWO_MEDIUM_KEYS
    return MergeRule.SAME_SIGHTING if here else None


def _place_keys(line: Line) -> tuple[IdentityKey, ...]:
    addresses = [IdentityKey(kind=KeyKind.ADDRESS, value=address) for address in line.addresses]
    return tuple(sorted([*addresses, *(IdentityKey(kind=KeyKind.HOSTNAME, value=name) for name in line.names)]))


def _doubted(matches: Mapping[int, list[Match]], wire: Wire, contested: set[tuple[int, int]]) -> set[int]:
    """The lines whose typed serial is set aside, because it names one device and everything else another."""
    doubted: set[int] = set()
    for first, found in matches.items():
        strong = [match for match in found if match.rule is MergeRule.SAME_STRONG_KEY]
        others = [match for match in found if match.rule is not MergeRule.SAME_STRONG_KEY]
        if strong and not any(match.support for match in strong):
            outvoted = any(m.support >= DOUBT_SUPPORT_MIN and _mistyped(m, wire) for m in others)
            if outvoted or _better_claimed(first, strong, matches, contested):
                doubted.add(first)
    return doubted


def _better_claimed(
    first: int, strong: Sequence[Match], matches: Mapping[int, list[Match]], contested: set[tuple[int, int]]
) -> bool:
    """Whether another line states the same serial and also has the right place for it."""
    rivals = [a if b == first else b for a, b in contested if first in (a, b)]
    wires = {match.wire for match in strong}
    return any(m.support and m.wire in wires for rival in rivals for m in matches.get(rival, ()))


def _mistyped(match: Match, wire: Wire) -> bool:
    """Whether the line's serial is the device's with one typing error, and no other line claims the device's own."""
    true_serials = wire.serials.get(match.wire, frozenset())
    return any(
        one_typing_error(typed, true) and not wire.claimed.get(true, set()) - {match.line.first}
        for typed in match.line.serials
        for true in true_serials
    )


def one_typing_error(a: str, b: str) -> bool:
    """Whether one wrong, missing, doubled or transposed character makes the one text the other."""
    if a == b or min(len(a), len(b)) < TYPING_CHARS_MIN or abs(len(a) - len(b)) > 1:
        return False
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    if len(a) == len(b):
        swapped = a[start + 1 : start + 2] + a[start] + a[start + 2 :]
        return a[start + 1 :] == b[start + 1 :] or (len(swapped) == len(a) - start and swapped == b[start:])
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    return longer[start + 1 :] == shorter[start:]


def _allowed(groups: Groups, found: Sequence[Match], wire: Wire, *, doubted: bool) -> list[Match]:
    """The matches against which nothing speaks, the best first; the others are written down."""
    allowed = []
    for match in found:
        if doubted and match.rule is MergeRule.SAME_STRONG_KEY:
            reason: str | None = "the serial of the line names one device, its MAC, address or name another"
        else:
            reason = _objection(groups, match, wire, doubted=doubted)
        if reason is None:
            allowed.append(match)
        else:
            groups.refuse(match.line.first, match.wire, shared=match.evidence, reason=reason)
    return allowed


def _objection(groups: Groups, match: Match, wire: Wire, *, doubted: bool) -> str | None:
    line = match.line
    by_hand = groups.contradiction(line.first, match.wire)
    if by_hand and by_hand.startswith("a person"):
        return by_hand
    reason = _objection_to_sighting(groups, match, wire) if match.rule is MergeRule.SAME_SIGHTING else None
    if reason is not None or not differ(line.serials, wire.serials.get(match.wire, frozenset())):
        return reason
    by_mac = any(key.kind is KeyKind.MAC for key in match.evidence)
    if by_mac and differ(line.makers, wire.makers.get(match.wire, frozenset())):
        return None  # a scanner in the list, the computer inside it on the wire: each has its own serial
    elsewhere = any(wire.holders_of_serial.get(text) for text in line.serials)
    if _mistyped(match, wire) and (doubted or not elsewhere):
        return None
    return "their serial numbers differ"


def _objection_to_sighting(groups: Groups, match: Match, wire: Wire) -> str | None:
    """What speaks against an address: WEAK evidence gives way to anything."""
    line, device = match.line, groups.traits(match.wire)
    if differ(line.macs, device.macs):
        return "their MAC addresses differ"
    if differ(line.names, wire.own_names.get(match.wire, frozenset())):
        return "their host names differ"
    return "their makers differ" if differ(line.makers_named, device.makers) else None


def _settle_contests(
    groups: Groups, chosen: Sequence[list[Match]], contested: set[tuple[int, int]]
) -> list[list[Match]]:
    """Of lines that contradict each other at most one speaks of a device: the one with more evidence, or none."""
    claims: dict[int, list[Match]] = defaultdict(list)
    for found in chosen:
        for match in found:
            claims[match.wire].append(match)
    kept = []
    for found in chosen:
        winning = [m for m in found if all(_beats(groups, m, rival, contested) for rival in claims[m.wire])]
        if winning:
            kept.append(winning)
    return kept


def _beats(groups: Groups, match: Match, rival: Match, contested: set[tuple[int, int]]) -> bool:
    a, b = match.line.first, rival.line.first
    if a == b or match.weight > rival.weight:
        return True
    other_tag = match.rule is MergeRule.SAME_SIGHTING and differ(match.line.tags, rival.line.tags)
    if not other_tag and (min(a, b), max(a, b)) not in contested:
        return True
    reason = "two lines that contradict each other claim this device"
    groups.refuse(a, match.wire, shared=match.evidence, reason=reason)
    return False


def _join_line(groups: Groups, found: Sequence[Match], wire: Wire) -> None:
    """Join a line with its best match, and through it with others only where they are parts of one device."""
    best, *further = found
    groups.join(best.wire, best.line.first, rule=best.rule, evidence=best.evidence)
    for match in further:
        if groups.root(best.wire) == groups.root(match.wire):
            continue
        reason = groups.contradiction(best.wire, match.wire)
        if reason is None and match.rule is MergeRule.SAME_SIGHTING:
            reason = "a line's address and name do not make two devices one"
        if reason is None and differ(wire.macs[best.wire], wire.macs[match.wire]):
            reason = "the line names two devices that each have their own MAC address"
        if reason is None:
            groups.join(best.wire, match.wire, rule=match.rule, evidence=match.evidence)
        else:
            groups.refuse(match.line.first, match.wire, shared=match.evidence, reason=reason)
