"""What people decided and what the inventory knows, into the plan an agent works by (wardgraph/plan/1).

Where sources disagree about what stands at an address, the agent is told of each: its gate takes the most protective.
Credentials are sealed on the way in and opened only on the way out to an agent.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Annotated

from pydantic import Field

from riskdb.knowledge import Pack
from riskdb.model import facts
from riskdb.model.asset import Asset, Attribute, AttributeName
from riskdb.model.ids import DeviceTypeId, EstablishmentId, UnitId
from riskdb.model.observation import Observation
from riskdb.model.policy import (
    Budget,
    Credential,
    Decision,
    KnownDevice,
    Plan,
    PlanError,
    Window,
    parse_plan,
    plan_document,
)
from service.errors import InputError
from service.reading import strict
from service.sealing import Sealer

RANGES_MAX = 1_000  # an establishment has some hundred networks
DECISIONS_MAX = 10_000
CREDENTIALS_MAX = 100
_PEOPLE = ("import:", "human:")  # whose word on a type may open an address
_PLACING = (*_PEOPLE, "arp", "lldp", "snmp")  # who may say at which address it stands: anybody can announce anything

Decisions = Annotated[tuple[Decision, ...], Field(max_length=DECISIONS_MAX)]


@strict
@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What people allow in one establishment: the part of a plan that is decided and not derived."""

    ranges: Annotated[tuple[str, ...], Field(max_length=RANGES_MAX)]
    snmp_port: Annotated[int, Field(ge=1, le=65_535)] = 161
    mdns_listen: bool = True
    mdns_query: Decisions = ()
    credentials: Annotated[tuple[Credential, ...], Field(max_length=CREDENTIALS_MAX)] = ()
    sweepable: Decisions = ()
    opted_in: Decisions = ()
    do_not_probe: Decisions = ()
    windows: Annotated[tuple[Window, ...], Field(max_length=DECISIONS_MAX)] = ()
    budget: Budget = field(default_factory=Budget)
    timezone: str | None = None


def checked(policy: Policy) -> Policy:
    """The policy, if an agent could follow it; InputError names the first place that is wrong."""
    try:
        parse_plan(plan_document(_plan(policy, establishment=EstablishmentId(0))))
    except PlanError as error:
        raise InputError(str(error).replace("reading a plan", "reading a policy")) from error
    return policy


def sealed(policy: Policy, sealer: Sealer) -> Policy:
    """The policy as it may be stored."""
    return replace(policy, credentials=tuple(_each_secret(c, sealer.seal) for c in policy.credentials))


def opened(policy: Policy, sealer: Sealer) -> Policy:
    """The policy as an agent needs it."""
    return replace(policy, credentials=tuple(_each_secret(c, sealer.open) for c in policy.credentials))


def without_secrets(policy: Policy) -> Policy:
    """The policy as people may read it."""
    return replace(policy, credentials=tuple(_each_secret(c, lambda _: None) for c in policy.credentials))


def with_kept_secrets(policy: Policy, before: Policy | None) -> Policy:
    """Credentials sent back without their secrets keep those stored under the same name."""
    kept = {} if before is None else {c.name: c for c in before.credentials}
    return replace(
        policy,
        credentials=tuple(
            replace(
                c,
                community=c.community or kept[c.name].community,
                auth_key=c.auth_key or kept[c.name].auth_key,
                privacy_key=c.privacy_key or kept[c.name].privacy_key,
            )
            if c.name in kept and c.version == kept[c.name].version
            else c
            for c in policy.credentials
        ),
    )


def _each_secret(credential: Credential, change: Callable[[str | None], str | None]) -> Credential:
    return replace(
        credential,
        community=change(credential.community),
        auth_key=change(credential.auth_key),
        privacy_key=change(credential.privacy_key),
    )


def make_plan(
    policy: Policy,
    *,
    establishment: EstablishmentId,
    pack: Pack,
    assets: Iterable[Asset],
    imported: Iterable[Observation],
) -> Plan:
    """The plan of an establishment; `imported` are the lines of lists, which count before anything is settled."""
    known = {*_known_from_lists(imported), *_known_from_assets(assets)}
    return replace(
        _plan(policy, establishment=establishment),
        classes={device_type: pack.safety_class(device_type) for device_type in sorted(pack.device_types)},
        known=tuple(sorted(known, key=lambda k: (k.address, k.device_type or "", k.mac or "", k.model or ""))),
    )


def _plan(policy: Policy, *, establishment: EstablishmentId) -> Plan:
    return Plan(establishment=establishment, **{entry.name: getattr(policy, entry.name) for entry in fields(policy)})


def _known_from_lists(imported: Iterable[Observation]) -> Iterator[KnownDevice]:
    for line in imported:
        if line.address is not None:
            stated = line.facts
            yield KnownDevice(
                address=line.address,
                mac=line.mac,
                device_type=_type(stated.get(facts.IMPORT_DEVICE_TYPE)),
                manufacturer=stated.get(facts.IMPORT_MANUFACTURER),
                model=stated.get(facts.IMPORT_MODEL),
                unit=_unit(stated.get(facts.IMPORT_UNIT)),
            )


def _known_from_assets(assets: Iterable[Asset]) -> Iterator[KnownDevice]:
    for asset in assets:
        address = asset.attributes.get(AttributeName.ADDRESS)
        if address is None:
            continue
        for stated in _stated(asset, AttributeName.DEVICE_TYPE) or [None]:
            yield KnownDevice(
                address=address.value,
                mac=asset.value(AttributeName.MAC),
                device_type=None if stated is None else DeviceTypeId(stated.value),
                inferred=stated is None
                or not stated.source.startswith(_PEOPLE)
                or not address.source.startswith(_PLACING),
                manufacturer=asset.value(AttributeName.MANUFACTURER),
                model=asset.value(AttributeName.MODEL),
                unit=asset.unit,
                asset=asset.id,
            )


def _stated(asset: Asset, name: AttributeName) -> list[Attribute | None]:
    """Every value that some source states, the chosen one first."""
    chosen = asset.attributes.get(name)
    if chosen is None:
        return []
    return [chosen, *(other for c in asset.conflicts if c.field == name.value for other in c.others)]


def _type(value: str | None) -> DeviceTypeId | None:
    return None if value is None else DeviceTypeId(value)


def _unit(value: str | None) -> UnitId | None:
    return None if value is None else UnitId(value)
