"""`wardgraph explain ASSET`: why an asset has its rank, from the device to the patients."""

from dataclasses import dataclass
from typing import Annotated

import typer

from riskdb.knowledge import load_pack
from riskdb.model.asset import Asset
from riskdb.model.ids import AssetId, EstablishmentId, NodeId
from riskdb.model.scenario import Mode
from riskdb.store import assets
from riskdb.store.assets import Filters
from riskdb.store.pool import scope
from riskdb.store.statements import Connection
from service.api.impact import AssetImpact, Horizon, ImpactQuery, asset_impact
from service.bootstrap import find_establishment
from service.cli._online import AsJson, Lang, State, Which, print_json, run
from service.database import connected
from service.errors import InputError
from service.runs import Runs
from service.sentences import Language
from service.settings import Settings, settings_from
from service.views import AssetSummary, asset_summary, name_of

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
CANDIDATES_SHOWN_MAX = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """An asset, what its compromise does, and what is doubtful about it."""

    asset: AssetSummary
    impact: AssetImpact


@command.command()
def explain(
    asset: Annotated[str, typer.Argument(help="Its id, name, tag, address, MAC or serial.")],
    mode: Annotated[
        Mode | None, typer.Option(help="What the attacker does; the worse of stop and lie if not said.")
    ] = None,
    horizon: Annotated[Horizon, typer.Option(help="How far to look.")] = "7d",
    language: Lang = Language.EN,
    establishment: Which = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Say why an asset has its rank: the chain from the device to the patients."""
    work = _explain(
        settings_from(state=state),
        asset,
        mode=mode,
        horizon=horizon,
        language=language,
        establishment=establishment,
    )
    found = run("explain", work, bad_input=True)
    if as_json:
        print_json(found)
    else:
        _show(found)


async def _explain(
    settings: Settings,
    named: str,
    *,
    mode: Mode | None,
    horizon: Horizon,
    language: Language,
    establishment: str | None,
) -> Explanation:
    async with connected(settings) as pool:
        hospital = await find_establishment(pool, establishment)
        async with scope(pool, hospital.id) as connection:
            loaded = await Runs(load_pack()).latest(connection, hospital.id)
            asset = await _find(connection, hospital.id, named)
    node = NodeId(asset.id)
    if node not in loaded.nodes:
        raise InputError(
            f"explaining {name_of(asset)}: it appeared after run {loaded.stored.id}; rank again to include it"
        )
    ranked = loaded.rank_of.get(node)
    worst = mode or (Mode.AVAILABILITY if ranked is None else ranked.mode)
    asked = ImpactQuery(asset=asset.id, mode=worst, horizon=horizon, lang=language)
    return Explanation(asset=asset_summary(asset), impact=asset_impact(loaded, node, asked))


async def _find(connection: Connection, establishment: EstablishmentId, named: str) -> Asset:
    """The asset of this id, else the only one that goes by these words; InputError says which there are."""
    exact = await assets.get(connection, establishment, AssetId(named))
    if exact is not None:
        return exact
    page = await assets.page(connection, establishment, limit=CANDIDATES_SHOWN_MAX, filters=Filters(text=named or None))
    called = [a for a in page.assets if named.casefold() in {x.value.casefold() for x in a.attributes.values()}]
    candidates = called if len(called) == 1 else page.assets
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise InputError(f"looking for {named!r}: no asset goes by that")
    listed = ", ".join(f"{name_of(a)} ({a.id})" for a in candidates)
    raise InputError(f"looking for {named!r}: several assets go by that: {listed}{' ...' if page.next else ''}")


def _show(found: Explanation) -> None:
    asset, impact = found.asset, found.impact
    made = " ".join(filter(None, (asset.manufacturer, asset.model, asset.firmware)))
    print(f"{impact.name}  {asset.device_type or 'unknown type'}  {made}  {asset.unit or 'unknown place'}")
    print(f"rank {impact.rank}{', vital' if impact.vital else ''}" if impact.rank else "not ranked: it harms nobody")
    print(f"\n{impact.sentence}\n")
    for chain in impact.chains:
        print(f"- {chain.sentence}")
    print(
        f"\nrun {impact.run.run}; {asset.observations} observations, {asset.conflicts} conflicts; "
        f"{impact.run.unreviewed_numbers} numbers nobody reviewed, {impact.run.questions} open questions"
    )
