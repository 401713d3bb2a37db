"""Agents hand over what they saw and fetch what they may do."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from riskdb.model.batch import BATCH_ROWS_MAX, BatchError, decode_batch
from riskdb.model.ids import AgentId, BatchId
from riskdb.model.observation import FACTS_MAX, Protocol
from riskdb.model.policy import Plan, plan_document
from riskdb.store import observations
from service.auth import AGENTS
from service.errors import InputError, Kind, ProblemError
from service.policies import plan_of
from service.routes import Answer, Nothing, Route, SiteCall

BATCH_BYTES_MAX = 16 * 1024 * 1024  # 2,000 rows of 8 kB; an honest row has less than 1 kB


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """A row that was not taken, counted from 0, and why."""

    row: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of a batch; sent after it was committed. The same batch again gets the same numbers."""

    batch: BatchId
    accepted: int
    duplicates: int
    rejected: tuple[RejectedRow, ...]
    already_seen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationRow:
    """One statement about one device."""

    seen_at: datetime
    address: str | None
    mac: str | None
    protocol: Protocol
    facts: Annotated[dict[str, str], Field(max_length=FACTS_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationBatch:
    """A parcel of statements; its rows are judged one by one."""

    format: Literal["wardgraph/observations/1"]
    id: Annotated[str, Field(min_length=8, max_length=64, description="made by the sender; the same id counts once")]
    observations: Annotated[tuple[ObservationRow, ...], Field(max_length=BATCH_ROWS_MAX)]


async def post_observations(call: SiteCall[Nothing, bytes]) -> Answer[Receipt]:
    """Keep a batch. Establishment and agent are those of the token, whatever the rows say."""
    agent = AgentId(call.access.name)
    try:
        batch, rejects = await asyncio.to_thread(
            decode_batch, call.body, establishment=call.establishment, agent=agent, now=call.received_at
        )
    except BatchError as error:
        raise ProblemError(Kind.INVALID_BODY, f"{error}.") from error
    async with call.database() as connection:
        kept = await observations.ingest(connection, batch, received_at=call.received_at, rejected=len(rejects))
    counted = call.context.metrics.observations
    if not kept.already_seen:
        counted.labels("accepted").inc(kept.accepted)
        counted.labels("duplicate").inc(kept.duplicates)
        counted.labels("rejected").inc(len(rejects))
    return Answer(
        value=Receipt(
            batch=batch.id,
            accepted=kept.accepted,
            duplicates=kept.duplicates,
            rejected=tuple(RejectedRow(row=reject.row, reason=reject.reason) for reject in rejects),
            already_seen=kept.already_seen,
        )
    )


async def get_agent_plan(call: SiteCall[Nothing, None]) -> Answer[bytes]:
    """What the agent may do (wardgraph/plan/1): decisions of people, classes of the pack, what the inventory knows.

    It holds SNMP credentials, so only agents may read it.
    """
    async with call.database() as connection:
        try:
            plan = await plan_of(connection, call.establishment, pack=call.context.pack, sealer=call.context.sealer)
        except InputError as error:
            raise ProblemError(Kind.NO_POLICY, f"{error}") from error
    if plan is None:
        raise ProblemError(Kind.NO_POLICY, "No policy has been set, so nothing may be asked. PUT /v1/policy sets one.")
    return Answer(value=await asyncio.to_thread(plan_document, plan))


ROUTES = (
    Route(
        method="POST",
        path="/v1/observations",
        handler=post_observations,
        summary="Hand over a batch of observations",
        roles=AGENTS,
        tag="observations",
        body_bytes_max=BATCH_BYTES_MAX,
        body_described_by=ObservationBatch,
        problems=(Kind.INVALID_BODY,),
    ),
    Route(
        method="GET",
        path="/v1/agent/plan",
        handler=get_agent_plan,
        summary="The agent's plan",
        roles=AGENTS,
        tag="observations",
        problems=(Kind.NO_POLICY,),
        answer_described_by=Plan,
    ),
)
