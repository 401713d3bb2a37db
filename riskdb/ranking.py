"""Station 7: a network in, assets in the order in which they should worry us out, each with its reasons.

Pure and deterministic. Only clinical harm counts here: likelihood is another axis, shown beside by others.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from riskdb.impact.evaluation import INDEX_PARTS, per_horizon
from riskdb.impact.explain import by_falling_index, chains
from riskdb.impact.harm import Parts, PathwayHarm, harms, records_exposed, total_index, total_patients
from riskdb.impact.network import Happening, Network
from riskdb.impact.reference import Times, propagate
from riskdb.model.care import DEFAULT_HORIZON, HORIZONS_MIN, NodeKind
from riskdb.model.impact import LeakingNode, RankedNode, Ranking, Reason
from riskdb.model.scenario import Mode

RANKED_KINDS = frozenset({NodeKind.ASSET.value, NodeKind.SERVICE.value})
CARE_MODES = (Mode.AVAILABILITY, Mode.INTEGRITY)  # confidentiality is a list of its own, never mixed in
SCORE_PARTS = 10**6  # a score is rounded to 6 decimals
VITAL_WITHIN_MIN = HORIZONS_MIN["7d"]  # whatever horizon a ranking asks for
REASON_CHAINS_MAX = 3  # what fits on a row's card

OnProgress = Callable[[int, int], None]


def rank(
    network: Network,
    *,
    horizon: str = DEFAULT_HORIZON,
    limit: int | None = None,
    on_progress: OnProgress | None = None,
) -> Ranking:
    """The ranking of all assets and services; `limit` is how many rows are returned, the order is over all."""
    place = list(HORIZONS_MIN).index(horizon)
    ranked = [number for number, node in enumerate(network.graph.nodes) if node.kind in RANKED_KINDS]
    scores: list[_Score] = []
    for done, node in enumerate(ranked, start=1):
        scores.append(_score(network, node, place=place))
        if on_progress is not None:
            on_progress(done, len(ranked))
    harmful = sorted((score for score in scores if score.rounded), key=lambda score: _order(network, score))
    return Ranking(
        horizon=horizon,
        rows=tuple(
            _row(network, score, rank=position, place=place) for position, score in enumerate(harmful[:limit], start=1)
        ),
        confidentiality=_leaks(network, ranked, place=place),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Score:
    """What compromising one node does in the worse of two modes: whole numbers, so that a tie is a tie."""

    node: int
    mode: Mode
    rounded: int  # in SCORE_PARTS
    patients: int  # affected and exposed within 30 days, in the network's `total_parts`
    vital: bool
    index: Mapping[Mode, Parts]


def _score(network: Network, node: int, *, place: int) -> _Score:
    by_mode = {mode: harms(network, _compromised(network, node, mode)) for mode in CARE_MODES}
    index = {mode: total_index(network, by_pathway) for mode, by_pathway in by_mode.items()}
    mode = max(CARE_MODES, key=lambda mode: index[mode][place])  # the first of equals: availability
    affected, exposed = total_patients(network, by_mode[mode])
    return _Score(
        node=node,
        mode=mode,
        rounded=round(Fraction(index[mode][place] * SCORE_PARTS, INDEX_PARTS * network.total_parts)),
        patients=affected[-1] + exposed[-1],
        vital=any(_is_vital(network, by_pathway) for by_pathway in by_mode.values()),
        index=index,
    )


def _compromised(network: Network, node: int, mode: Mode) -> Times:
    return propagate(network, [(0, Happening.TAKEN * network.nodes + node)], mode=mode)


def _is_vital(network: Network, by_pathway: Mapping[int, PathwayHarm]) -> bool:
    return any(
        network.steps[number].vital and any(lost and at < VITAL_WITHIN_MIN for at, lost in step.loss)
        for harm in by_pathway.values()
        for number, step in harm.steps.items()
    )


def _order(network: Network, score: _Score) -> tuple[int, int, str]:
    return -score.rounded, -score.patients, network.graph.nodes[score.node].id


def _row(network: Network, score: _Score, *, rank: int, place: int) -> RankedNode:
    times = _compromised(network, score.node, score.mode)
    by_pathway = harms(network, times)
    affected, exposed = total_patients(network, by_pathway)
    return RankedNode(
        rank=rank,
        id=network.graph.nodes[score.node].id,
        score=score.rounded / SCORE_PARTS,
        mode=score.mode,
        vital=score.vital,
        index={mode: per_horizon(parts, INDEX_PARTS * network.total_parts) for mode, parts in score.index.items()},
        patients_affected=per_horizon(affected, network.total_parts),
        patients_exposed=per_horizon(exposed, network.total_parts),
        reason=Reason(
            mode=score.mode,
            pathways=tuple(
                network.graph.pathways[number].id
                for number in by_falling_index(network, by_pathway, place=place)
                if by_pathway[number].index[place]
            ),
            chains=chains(network, times, by_pathway, place=place, limit=REASON_CHAINS_MAX),
        ),
    )


def _leaks(network: Network, ranked: Iterable[int], *, place: int) -> tuple[LeakingNode, ...]:
    """The nodes that expose records when compromised, most records first."""
    leaking = [
        LeakingNode(id=network.graph.nodes[node].id, records=records)
        for node in ranked
        if (records := records_exposed(network, _compromised(network, node, Mode.CONFIDENTIALITY))[place])
    ]
    return tuple(sorted(leaking, key=lambda leak: (-leak.records, leak.id)))
