"""Handing the spool over to the service, batch by batch, and fetching the plan from it.

A batch leaves the spool only after the service has acknowledged it. A service that is down costs time, never
observations. It sends nothing to devices: its one peer is the service.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
import orjson
import structlog

from discovery.outbox import Spool
from riskdb.model.batch import Batch, encode_batch
from riskdb.model.policy import PLAN_BYTES_MAX, Plan, parse_plan

ATTEMPTS_MAX = 4  # within one hand-over: after 1, 2 and 4 s of waiting the next start goes on
BACK_OFF_FIRST_S = 1.0
TIMEOUT_S = 60.0  # a batch of 2,000 observations is committed within seconds
ANSWER_BYTES_MAX = 1_000_000  # 2,000 rejected rows with their reasons
REASON_CHARS_MAX = 500
# These speak of the batch: it would be refused for ever. 401 and 403 speak of the token, all others of the service.
_BATCH = frozenset({400, 409, 413, 415, 422})
_TOKEN = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})

log = structlog.get_logger()


class ServiceError(Exception):
    """The service did not take or give what it should; the message says what a person can do."""


class TokenError(ServiceError):
    """The service refuses the token: only a person can help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """What one hand-over achieved."""

    batches: int = 0
    accepted: int = 0
    rejected: int = 0
    parked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The service, as one agent sees it."""

    url: str
    session: aiohttp.ClientSession

    async def plan(self) -> Plan:
        """What the service allows; ServiceError if it does not answer, PlanError if the plan cannot be followed."""
        doing = f"fetching the plan from {self.url}"
        try:
            async with self.session.get(f"{self.url}/v1/agent/plan") as response:
                if response.status in _TOKEN:
                    raise TokenError(f"{doing}: the token was refused ({response.status}); it may be revoked")
                if response.status != HTTPStatus.OK:
                    raise ServiceError(f"{doing}: status {response.status}")
                return parse_plan(await _read(response, PLAN_BYTES_MAX))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ServiceError(f"{doing}: {_plain(error)}") from error

    async def take_spool(self, spool: Spool) -> HandedOver:
        """Hand over all that waits; ServiceError when the service takes no more, and the rest stays in the spool."""
        done = HandedOver()
        while (batch := spool.next_batch()) is not None:
            status, answer = await self._post(batch)
            if status == HTTPStatus.OK:
                rejected = _rejected(answer)
                for row in rejected[:20]:
                    log.warning("observation_rejected", batch=batch.id, row=row.get("row"), reason=row.get("reason"))
                spool.acknowledge(batch.id)
                done = _plus(done, batches=1, accepted=len(batch.observations) - len(rejected), rejected=len(rejected))
                continue
            reason = f"status {status}: {answer[:REASON_CHARS_MAX].decode(errors='replace')}"
            log.error("batch_parked", batch=batch.id, reason=reason)
            spool.park(batch, reason)
            done = _plus(done, parked=1)
        return done

    async def _post(self, batch: Batch) -> tuple[int, bytes]:
        """Post a batch until there is an answer about it; backs off between attempts."""
        doing, problem, body = f"handing observations to {self.url}", "", encode_batch(batch)
        for attempt in range(ATTEMPTS_MAX):
            if attempt:
                await asyncio.sleep(BACK_OFF_FIRST_S * 2 ** (attempt - 1))
            try:
                headers = {"Content-Type": "application/json"}
                async with self.session.post(f"{self.url}/v1/observations", data=body, headers=headers) as response:
                    answer = await _read(response, ANSWER_BYTES_MAX)
            except (aiohttp.ClientError, TimeoutError) as error:
                problem = _plain(error)
                continue
            if response.status in _TOKEN:
                raise TokenError(
                    f"{doing}: the token was refused ({response.status}); it may be revoked. Nothing is lost"
                )
            acknowledged = response.status == HTTPStatus.OK and _receipt(answer).get("batch") == batch.id
            if acknowledged or response.status in _BATCH:
                return response.status, answer
            problem = f"status {response.status}"
            if response.status == HTTPStatus.OK:
                problem = "the answer is no receipt for the batch; is a proxy or a login page in between?"
        raise ServiceError(f"{doing}: {problem}. What waits is kept and handed over at the next start")


@asynccontextmanager
async def connect(url: str, token: str) -> AsyncIterator[Service]:
    """The service at this URL, with the token sent along; it is never logged."""
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}, timeout=timeout) as session:
        yield Service(url=url.rstrip("/"), session=session)


async def _read(response: aiohttp.ClientResponse, bytes_max: int) -> bytes:
    body = await response.content.read(bytes_max + 1)
    while len(body) <= bytes_max and not response.content.at_eof():
        body += await response.content.read(bytes_max + 1 - len(body))
    if len(body) > bytes_max:
        raise aiohttp.ClientPayloadError(f"an answer of more than {bytes_max} bytes")
    return body


def _receipt(answer: bytes) -> dict[str, Any]:
    try:
        parsed = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _rejected(answer: bytes) -> list[dict[str, Any]]:
    rejected = _receipt(answer).get("rejected")
    return [row for row in rejected if isinstance(row, dict)] if isinstance(rejected, list) else []


def _plus(done: HandedOver, *, batches: int = 0, accepted: int = 0, rejected: int = 0, parked: int = 0) -> HandedOver:
    return HandedOver(
        batches=done.batches + batches,
        accepted=done.accepted + accepted,
        rejected=done.rejected + rejected,
        parked=done.parked + parked,
    )


def _plain(error: BaseException) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
