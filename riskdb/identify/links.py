"""Station 4, last step: on which switch port each device hangs, and which switch hangs on which.

Pure. Only rows whose speaker is a known asset count: a table read from nobody places nothing.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import timedelta

from riskdb.identify.keys import Evidence, bare_name
from riskdb.model import facts
from riskdb.model.asset import AttributeName
from riskdb.model.ids import AssetId, ObservationId
from riskdb.model.observation import Protocol
from riskdb.model.place import ObservedLink, Room, SwitchPort

SWEEP = timedelta(minutes=15)  # how long one reading of all switches may take: rows of one sweep describe one moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a switch's table: this device was seen behind that port."""

    device: AssetId
    mac: str | None
    switch: AssetId
    port: str
    remote_port: str | None
    at: float
    observation: ObservationId


Port = tuple[AssetId, str]


def read_rows(
    evidence: Sequence[Evidence], *, owners: Sequence[AssetId | None], speakers: Mapping[str, AssetId]
) -> tuple[list[Row], list[Row]]:
    """Bridge rows and LLDP rows whose speaker and device are known, the latest of each (device, switch) sweep only."""
    bridge: list[Row] = []
    lldp: list[Row] = []
    for item, owner in zip(evidence, owners, strict=True):
        heard = item.observation
        switch = speakers.get(heard.facts.get(facts.SEEN_BY_ADDRESS, ""))
        port = heard.facts.get(facts.SEEN_BY_PORT)
        if owner is None or switch is None or port is None or owner == switch:
            continue
        row = Row(
            device=owner,
            mac=heard.mac,
            switch=switch,
            port=port,
            remote_port=heard.facts.get(facts.LLDP_PORT),
            at=heard.seen_at.timestamp(),
            observation=heard.id,
        )
        if heard.protocol is Protocol.BRIDGE:
            bridge.append(row)
        elif heard.protocol is Protocol.LLDP:
            lldp.append(row)
    return _current(bridge), _current(lldp)


def _current(rows: Sequence[Row]) -> list[Row]:
    """The rows of each switch's latest sweep; of a device that none shows any more, its last ones."""
    swept: dict[AssetId, float] = defaultdict(float)
    for row in rows:
        swept[row.switch] = max(swept[row.switch], row.at)
    span_s = SWEEP.total_seconds()
    fresh = [row for row in rows if row.at >= swept[row.switch] - span_s]
    shown = {row.device for row in fresh}
    last: dict[AssetId, float] = defaultdict(float)
    for row in rows:
        last[row.device] = max(last[row.device], row.at)
    return fresh + [row for row in rows if row.device not in shown and row.at >= last[row.device] - span_s]


def observed_links(
    bridge: Sequence[Row], lldp: Sequence[Row], *, known_switches: Set[AssetId]
) -> tuple[ObservedLink, ...]:
    """One access port a device; for each switch its uplinks. Who reads out a bridge or LLDP table is a switch."""
    switches = _switches(bridge, lldp, known_switches)
    between = [row for row in lldp if row.device in switches]
    trunks = trunk_ports(bridge, lldp, known_switches=known_switches)
    links = [_link(row) for row in _access_rows(bridge, lldp, switches=switches, trunks=trunks)]
    links += [_link(row) for row in _uplink_rows(between)]
    return tuple(sorted(links, key=lambda link: (link.source, link.target, link.port)))


def _switches(bridge: Sequence[Row], lldp: Sequence[Row], known: Set[AssetId]) -> set[AssetId]:
    return {*known, *(row.switch for row in bridge), *(row.switch for row in lldp)}


def trunk_ports(bridge: Sequence[Row], lldp: Sequence[Row], *, known_switches: Set[AssetId]) -> set[Port]:
    """The ports behind which another switch introduces itself."""
    switches = _switches(bridge, lldp, known_switches)
    return {(row.switch, row.port) for row in lldp if row.device in switches}


def _link(row: Row) -> ObservedLink:
    return ObservedLink(source=row.device, target=row.switch, port=row.port, observation=row.observation)


def _access_rows(bridge: Sequence[Row], lldp: Sequence[Row], *, switches: Set[AssetId], trunks: Set[Port]) -> list[Row]:
    """Each device's row at the port with the fewest MACs behind it; who introduces itself needs no count."""
    behind: dict[Port, set[str]] = defaultdict(set)
    for row in bridge:
        behind[row.switch, row.port].add(row.mac or row.device)
    ranked: dict[AssetId, tuple[tuple[int, float, AssetId, str, ObservationId], Row]] = {}
    for introduced, rows in ((True, lldp), (False, bridge)):
        for row in rows:
            port = (row.switch, row.port)
            if row.device in switches or port in trunks:
                continue
            order = (0 if introduced else len(behind[port]), -row.at, row.switch, row.port, row.observation)
            if row.device not in ranked or order < ranked[row.device][0]:
                ranked[row.device] = (order, row)
    return [row for _, row in ranked.values()]


def _uplink_rows(between: Sequence[Row]) -> list[Row]:
    """One row for each switch and each neighbour above it: the neighbour's own row where it was read.

    Above is nearer to the core, and at the same distance the one with more neighbours: of two core switches one has
    to be the middle, and the other still carries what hangs on both.
    """
    neighbours: dict[AssetId, set[AssetId]] = defaultdict(set)
    best: dict[tuple[AssetId, AssetId], tuple[tuple[int, float, str, ObservationId], Row]] = {}
    for row in between:
        neighbours[row.switch].add(row.device)
        neighbours[row.device].add(row.switch)
        told = Row(  # the same wire told from the other end
            device=row.switch,
            mac=None,
            switch=row.device,
            port=row.remote_port or "",
            remote_port=row.port,
            at=row.at,
            observation=row.observation,
        )
        for place, candidate in enumerate((row, told)):
            order = (place, -candidate.at, candidate.port, candidate.observation)
            pair = (candidate.device, candidate.switch)
            if pair not in best or order < best[pair][0]:
                best[pair] = (order, candidate)
    depth = _depths(neighbours)
    height = {switch: (-depth[switch], len(neighbours[switch])) for switch in neighbours}
    return [row for (source, target), (_, row) in best.items() if height[target] > height[source]]


def _depths(neighbours: Mapping[AssetId, set[AssetId]]) -> dict[AssetId, int]:
    """How far each switch is from the core: the middle of its network, among equals the ones with most neighbours."""
    depth: dict[AssetId, int] = {}
    for start in sorted(neighbours):
        if start in depth:
            continue
        part = sorted(_distances([start], neighbours))
        reach = {switch: max(_distances([switch], neighbours).values()) for switch in part}
        middle = [switch for switch in part if reach[switch] == min(reach.values())]
        most = max(len(neighbours[switch]) for switch in middle)
        core = [switch for switch in middle if len(neighbours[switch]) == most]
        if len(core) == len(part) > 1:
            core = core[:1]  # all alike (two switches and a cable): one of them has to be the first
        depth |= _distances(core, neighbours)
    return depth


def _distances(starts: Iterable[AssetId], neighbours: Mapping[AssetId, set[AssetId]]) -> dict[AssetId, int]:
    found = dict.fromkeys(starts, 0)
    waiting = deque(found)
    while waiting:
        here = waiting.popleft()
        for other in sorted(neighbours[here]):
            if other not in found:
                found[other] = found[here] + 1
                waiting.append(other)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where switch ports and rooms are, ready to be looked up."""

    by_port: Mapping[tuple[str, str], SwitchPort]  # (bare host name or address, port in lower case)
    unit_of_room: Mapping[str, str]

    @classmethod
    def of(cls, ports: Iterable[SwitchPort], rooms: Iterable[Room]) -> "Places":
        """From the lists people keep."""
        by_port = {(bare_name(p.switch) or p.switch.casefold(), p.port.casefold()): p for p in ports}
        return cls(by_port=by_port, unit_of_room={room.id: str(room.unit) for room in rooms})

    def of_port(self, switch_names: Iterable[str], port: str) -> dict[AttributeName, str]:
        """Room and unit behind a port of a switch that goes by these names and addresses."""
        for name in sorted(set(switch_names)):
            place = self.by_port.get((name, port.casefold()))
            if place is not None:
                unit = place.unit or self.unit_of_room.get(place.room or "")
                stated = {AttributeName.ROOM: place.room, AttributeName.UNIT: unit}
                return {field: str(value) for field, value in stated.items() if value}
        return {}
