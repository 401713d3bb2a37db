"""Station 4: observations and their claims in, settled assets out - with every join, doubt and refusal written down.

Pure; it reads no clock and no database, and the order of sightings never matters. docs/guides/identity.md says why.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from riskdb.identify.demotion import carriers_of_keys, demotions
from riskdb.identify.groups import Groups, key_of_mac
from riskdb.identify.ids import name_assets
from riskdb.identify.keys import Evidence, read_evidence
from riskdb.identify.leases import read_leases
from riskdb.identify.links import Places
from riskdb.identify.papers import join_the_papers
from riskdb.identify.report import write_down
from riskdb.identify.wire import join_the_wire
from riskdb.identify.wiring import Settled, devices_of, rooms_on_the_wire
from riskdb.model.asset import (
    Attribute,
    AttributeName,
    IdentityDecision,
    IdentityKey,
    MergeRule,
    Settlement,
    Sighting,
)
from riskdb.model.ids import AssetId, EstablishmentId, ObservationId
from riskdb.model.place import Room, SwitchPort


def settle(
    sightings: Iterable[Sighting],
    *,
    establishment: EstablishmentId,
    known: Mapping[IdentityKey, AssetId] | None = None,
    ports: Sequence[SwitchPort] = (),
    rooms: Sequence[Room] = (),
    locked: Mapping[AssetId, Mapping[AttributeName, Attribute]] | None = None,
    decisions: Sequence[IdentityDecision] = (),
) -> Settlement:
    """All that one establishment's observations say together.

    `known` gives assets back the ids they had; `locked` holds what people fixed; `decisions` are their words on which
    observations are one device or two. ValueError when an observation belongs to another establishment.
    """
    evidence = _canonical(sightings, establishment=establishment)
    leases = read_leases(evidence)
    macs = [_macs_of(item, mac) for item, mac in zip(evidence, leases.bound, strict=True)]
    carriers = carriers_of_keys(evidence, macs)
    demoted = demotions(evidence, macs, carriers)
    groups = Groups(
        evidence,
        macs=[frozenset(mac for mac in stated if key_of_mac(mac) not in demoted) for stated in macs],
        leases=leases,
        demoted=demoted,
        marks=_marks(evidence, decisions),
    )
    _join_by_hand(groups, decisions)
    join_the_wire(groups, carriers)
    places = Places.of(ports, rooms)
    join_the_papers(groups, carriers, rooms=rooms_on_the_wire(groups, places))
    devices = devices_of(groups)
    ids = name_assets([device.keys for device in devices], establishment=establishment, known=known or {})
    return write_down(
        Settled(groups=groups, devices=devices, ids=ids),
        establishment=establishment,
        places=places,
        locked=locked or {},
    )


def _canonical(sightings: Iterable[Sighting], *, establishment: EstablishmentId) -> list[Evidence]:
    """Each observation once, by time and id; of two claims about one observation the surer."""
    once: dict[ObservationId, Sighting] = {}
    for sighting in sightings:
        observation = sighting.observation
        if observation.establishment != establishment:
            raise ValueError(
                f"settling establishment {establishment}: "
                f"observation {observation.id} is of establishment {observation.establishment}"
            )
        held = once.get(observation.id)
        if held is None or _surer(sighting) > _surer(held):
            once[observation.id] = sighting
    ordered = sorted(once.values(), key=lambda s: (s.observation.seen_at, s.observation.id))
    return [read_evidence(sighting) for sighting in ordered]


def _surer(sighting: Sighting) -> tuple[float, str, str]:
    claim = sighting.claim
    return claim.confidence, claim.card or "", repr(claim)


def _macs_of(item: Evidence, bound: str | None) -> tuple[str, ...]:
    if bound is None or bound in item.macs:
        return item.macs
    return tuple(sorted((*item.macs, bound)))


def _numbers(evidence: Sequence[Evidence], decisions: Sequence[IdentityDecision]) -> dict[ObservationId, int]:
    wanted = {observation for decision in decisions for observation in decision.observations}
    return {item.observation.id: i for i, item in enumerate(evidence) if item.observation.id in wanted}


def _marks(
    evidence: Sequence[Evidence], decisions: Sequence[IdentityDecision]
) -> dict[int, frozenset[tuple[int, int]]]:
    """Which side of which "these are two devices" an observation stands on."""
    number_of = _numbers(evidence, decisions)
    marks: dict[int, set[tuple[int, int]]] = defaultdict(set)
    for pair, decision in enumerate(sorted(decisions, key=lambda d: d.observations)):
        for side, observation in enumerate(sorted(decision.observations)):
            if not decision.same and observation in number_of:
                marks[number_of[observation]].add((pair, side))
    return {index: frozenset(found) for index, found in marks.items()}


def _join_by_hand(groups: Groups, decisions: Sequence[IdentityDecision]) -> None:
    number_of = _numbers(groups.evidence, decisions)
    for decision in sorted(decisions, key=lambda d: sorted(d.observations)):
        a, b = (number_of.get(observation) for observation in decision.observations)
        if decision.same and a is not None and b is not None:
            groups.join(min(a, b), max(a, b), rule=MergeRule.BY_HAND, evidence=())
