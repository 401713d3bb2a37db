"""Station 7: a network in, assets in the order in which they should worry us out, each with its reasons.

Pure and deterministic. Only clinical harm counts here: likelihood is another axis, shown beside by others.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from riskdb.impact.engine import Engine, engine_for
from riskdb.impact.evaluation import INDEX_PARTS, per_horizon
from riskdb.impact.explain import by_falling_index, chains
from riskdb.impact.harm import PathwayHarm, harms, records_exposed, total_index, total_patients
from riskdb.impact.network import Happening, Network
from riskdb.impact.reference import Times, propagate
from riskdb.model.care import DEFAULT_HORIZON, HORIZONS_MIN, NodeKind
from riskdb.model.impact import LeakingNode, RankedNode, Ranking, Reason
from riskdb.model.scenario import Mode

if TYPE_CHECKING:
    from riskdb.impact.kernel import Kernel

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
    engine: Engine | None = None,
) -> Ranking:
    """The ranking of all assets and services; `limit` is how many rows are returned, the order is over all.

    Without an `engine` the one that has it sooner; the numbers are the same.
    """
    place = list(HORIZONS_MIN).index(horizon)
    ranked = [number for number, node in enumerate(network.graph.nodes) if node.kind in RANKED_KINDS]
    used = engine or engine_for(network)
    if used.kernel is None:
        scores, records = _scores(network, ranked, place=place, on_progress=on_progress)
    else:
        scores, records = _kernel_scores(network, used.kernel, ranked, place=place, on_progress=on_progress)
    harmful = sorted((score for score in scores if score.rounded), key=lambda score: _order(network, score))
    return Ranking(
        horizon=horizon,
        rows=tuple(
            _row(network, score, rank=position, place=place, engine=used)
            for position, score in enumerate(harmful[:limit], start=1)
        ),
        confidentiality=_leaks(network, ranked, records),
        computed_by=used.name,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Score:
    """What compromising one node does in the worse of two modes: whole numbers, so that a tie is a tie."""

    node: int
    mode: Mode
    rounded: int  # in SCORE_PARTS
    patients: int  # affected and exposed within 30 days, in the network's `total_parts`
    vital: bool


def _scores(
    network: Network, ranked: Sequence[int], *, place: int, on_progress: OnProgress | None
) -> tuple[list[_Score], list[int]]:
    """By the reference engine: the scores of the nodes, and the records that each exposes."""
    scores: list[_Score] = []
    records: list[int] = []
    for done, node in enumerate(ranked, start=1):
        scores.append(_score(network, node, place=place))
        records.append(records_exposed(network, _compromised(network, node, Mode.CONFIDENTIALITY))[place])
        if on_progress is not None:
            on_progress(done, len(ranked))
    return scores, records


def _kernel_scores(
    network: Network, kernel: "Kernel", ranked: Sequence[int], *, place: int, on_progress: OnProgress | None
) -> tuple[list[_Score], list[int]]:
    """The same by the kernel; of nodes that harm nobody there is no score."""
    found = kernel.scores(ranked, place=place, on_progress=on_progress)
    scores: list[_Score] = []
    for i, by_mode, patients in found.harmful():
        worse = 0 if by_mode[0] >= by_mode[1] else 1
        scores.append(
            _Score(
                node=ranked[i],
                mode=CARE_MODES[worse],
                rounded=_rounded(network, by_mode[worse]),
                patients=patients[worse],
                vital=bool(found.vital[i]),
            )
        )
    return scores, found.records.tolist()


def _score(network: Network, node: int, *, place: int) -> _Score:
    by_mode = {mode: harms(network, _compromised(network, node, mode)) for mode in CARE_MODES}
    index = {mode: total_index(network, by_pathway)[place] for mode, by_pathway in by_mode.items()}
    mode = max(CARE_MODES, key=lambda mode: index[mode])  # the first of equals: availability
    affected, exposed = total_patients(network, by_mode[mode])
    return _Score(
        node=node,
        mode=mode,
        rounded=_rounded(network, index[mode]),
        patients=affected[-1] + exposed[-1],
        vital=any(_is_vital(network, by_pathway) for by_pathway in by_mode.values()),
    )


def _rounded(network: Network, index: int) -> int:
    """An index in SCORE_PARTS, halves to the even one."""
    whole, rest = divmod(index * SCORE_PARTS, INDEX_PARTS * network.total_parts)
    half = 2 * rest - INDEX_PARTS * network.total_parts
    return whole + (half > 0 or (half == 0 and whole % 2 == 1))


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


def _row(network: Network, score: _Score, *, rank: int, place: int, engine: Engine) -> RankedNode:
    times = _compromised(network, score.node, score.mode)
    by_mode = {mode: _harms(network, score.node, mode, engine) for mode in CARE_MODES}
    by_pathway = by_mode[score.mode]
    affected, exposed = total_patients(network, by_pathway)
    return RankedNode(
        rank=rank,
        id=network.graph.nodes[score.node].id,
        score=score.rounded / SCORE_PARTS,
        mode=score.mode,
        vital=score.vital,
        index={
            mode: per_horizon(total_index(network, by_mode[mode]), INDEX_PARTS * network.total_parts)
            for mode in CARE_MODES
        },
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


def _harms(network: Network, node: int, mode: Mode, engine: Engine) -> Mapping[int, PathwayHarm]:
    if engine.kernel is None:
        return harms(network, _compromised(network, node, mode))
    _, by_pathway = engine.kernel.harms([(0, Happening.TAKEN * network.nodes + node)], mode=mode)
    return by_pathway


def _leaks(network: Network, ranked: Iterable[int], records: Iterable[int]) -> tuple[LeakingNode, ...]:
    """The nodes that expose records when compromised, most records first."""
    leaking = [
        LeakingNode(id=network.graph.nodes[node].id, records=count)
        for node, count in zip(ranked, records, strict=True)
        if count
    ]
    return tuple(sorted(leaking, key=lambda leak: (-leak.records, leak.id)))
