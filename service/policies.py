"""The policy of an establishment in the database: read, checked, sealed and saved; every version is kept."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg
import orjson
from pydantic import TypeAdapter

from riskdb.knowledge import Pack
from riskdb.model.ids import EstablishmentId
from riskdb.model.observation import Protocol
from riskdb.model.policy import Plan
from riskdb.store import assets, observations, policy
from riskdb.store.statements import Connection
from service.errors import Kind, ProblemError
from service.plans import Policy, checked, make_plan, opened, sealed, with_kept_secrets
from service.sealing import Sealer

CHANGED_MEANWHILE = "Read the policy again and send your change once more."
POLICY_BYTES_MAX = 8 * 1024 * 1024  # 10,000 decisions of each kind, with reasons
ADAPTER: TypeAdapter[Policy] = TypeAdapter(Policy)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyInForce:
    """A policy with its version; its credentials are sealed."""

    version: int
    saved_by: str
    saved_at: datetime
    policy: Policy


async def load_policy(connection: Connection, establishment: EstablishmentId) -> PolicyInForce | None:
    """The policy in force, None where nobody has written one."""
    stored = await policy.load(connection, establishment)
    if stored is None:
        return None
    return PolicyInForce(
        version=stored.version,
        saved_by=stored.saved_by,
        saved_at=stored.saved_at,
        policy=ADAPTER.validate_json(stored.document),
    )


async def save_policy(
    connection: Connection,
    establishment: EstablishmentId,
    wanted: Policy,
    *,
    sealer: Sealer,
    saved_by: str,
    saved_at: datetime,
) -> PolicyInForce:
    """Put a policy in force; InputError if no agent could follow it. Credentials without secrets keep theirs.

    Of two people who save at once the second gets a problem: what they saw is no longer what they would replace.
    """
    before = await load_policy(connection, establishment)
    kept = sealed(checked(with_kept_secrets(wanted, None if before is None else before.policy)), sealer)
    document = orjson.dumps(ADAPTER.dump_python(kept, mode="json"))
    try:
        version = await policy.save(connection, establishment, document, saved_by=saved_by, saved_at=saved_at)
    except asyncpg.UniqueViolationError as error:
        raise ProblemError(Kind.CHANGED_MEANWHILE, CHANGED_MEANWHILE) from error
    return PolicyInForce(version=version, saved_by=saved_by, saved_at=saved_at, policy=kept)


async def plan_of(connection: Connection, establishment: EstablishmentId, *, pack: Pack, sealer: Sealer) -> Plan | None:
    """What an agent may do, its credentials opened; None without a policy: then nothing may be asked."""
    in_force = await load_policy(connection, establishment)
    if in_force is None:
        return None
    return make_plan(
        opened(in_force.policy, sealer),
        establishment=establishment,
        pack=pack,
        assets=await assets.all_current(connection, establishment),
        imported=await observations.load(connection, establishment, protocol=Protocol.IMPORT),
    )
