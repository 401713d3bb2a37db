"""`wardgraph agent`: discover a network within a plan, safely, and hand over what was seen.

It needs no database library: the base install is enough.
"""

import asyncio
import json
import logging
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, NoReturn

import structlog
import typer

from discovery.fingerprints import CardSet, load_cards
from discovery.handover import HandedOver, Service, ServiceError, TokenError, connect
from discovery.ledger import Ledger, LedgerError, verify
from discovery.outbox import Spool, SpoolError
from discovery.outing import Outing, go_out, locked
from riskdb.model.policy import Plan, PlanError, parse_plan

REPEAT_S = 900.0  # a hospital changes slowly; devices should not notice us
PLAN_LOOK_S = 60.0  # a round may take hours; a person's no does not wait for its end
LISTEN_S = 10.0  # announcements are repeated within seconds after a device joins

State = Annotated[Path, typer.Option("--state", help="Directory of ledger, spool and kill switch.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
command = typer.Typer(
    help="Discover a network within a plan, safely, and hand over what was seen.", add_completion=False
)


@command.callback(invoke_without_command=True)
def agent(
    context: typer.Context,
    state: Annotated[Path | None, typer.Option("--state", help="Directory of ledger, spool and kill switch.")] = None,
    service: Annotated[str | None, typer.Option(help="URL of the service: plan from it, observations to it.")] = None,
    token_file: Annotated[Path | None, typer.Option(help="File with the agent's token for the service.")] = None,
    plan: Annotated[Path | None, typer.Option(help="Plan file (wardgraph/plan/1) instead of the service's.")] = None,
    out: Annotated[Path | None, typer.Option(help="Append observations to this file as JSON lines.")] = None,
    once: Annotated[bool, typer.Option("--once", help="One look around, then end.")] = False,
    listen_s: Annotated[float, typer.Option(min=0, help="Listen at least this long in each look around.")] = LISTEN_S,
    as_json: Json = False,
) -> None:
    """Look around within the plan. Create the file STATE/kill, or send SIGUSR1, to stop every packet at once."""
    if context.invoked_subcommand is not None:
        return
    if state is None:
        _fail("--state DIR is needed", code=2)
    if (service is None) == (out is None):
        _fail("say where observations go: either --service URL or --out FILE", code=2)
    if service is None and plan is None:
        _fail("without --service a --plan FILE is needed", code=2)
    if service is not None and token_file is None:
        _fail("--service needs --token-file FILE", code=2)
    _log_to_stderr()
    errand = _Errand(state, service, token_file, plan, out, once=once, listen_s=listen_s, as_json=as_json)
    try:
        asyncio.run(errand.run())
    except PlanError as error:
        _fail(str(error), code=2)
    except (ServiceError, LedgerError, SpoolError, OSError) as error:
        _fail(str(error))


@command.command("verify")
def verify_ledger(
    state: State,
    head: Annotated[str | None, typer.Option(help="The head hash that was noted elsewhere.")] = None,
    as_json: Json = False,
) -> None:
    """Check the ledger's hash chain: no row changed, removed, put elsewhere or cut off."""
    try:
        found = verify(state, expected_head=head)
    except LedgerError as error:
        _fail(str(error))
    if as_json:
        _print_json({"verified": found.whole, "rows": found.rows, "head": found.head, "problem": found.problem})
    elif found.whole:
        print(f"The ledger is whole: {found.rows} rows, head {found.head}")
    if not found.whole:
        _fail(f"the ledger is not whole: {found.problem}")


@command.command("status")
def status(state: State, as_json: Json = False) -> None:
    """What the agent remembers: rows of the ledger, what waits in the spool, who was stopped."""
    try:
        with Ledger(state) as book, Spool(state) as spool:
            memory, rows, waiting = book.recall(), book.rows, spool.waiting()
    except (LedgerError, SpoolError) as error:
        _fail(str(error))
    stopped = {a: d.stopped_until.isoformat() for a, d in memory.devices.items() if d.stopped_until is not None}
    document = {
        "ledger_rows": rows,
        "spooled": waiting.observations,
        "parked": waiting.parked_observations,
        "devices_stopped_until": stopped,
        "subnets_stopped_until": {s: until.isoformat() for s, until in memory.stopped_subnets.items()},
        "addresses_closed": sorted(memory.closed),
        "killed": (state / "kill").exists(),
    }
    if as_json:
        _print_json(document)
        return
    for name, value in document.items():
        print(f"{name.replace('_', ' ')}: {value or ('none' if value in ([], {}) else value)}")


class _Errand:
    """What the command was asked to do; `run` does it once or until it is told to stop."""

    def __init__(
        self,
        state: Path,
        url: str | None,
        token_file: Path | None,
        plan_file: Path | None,
        out: Path | None,
        *,
        once: bool,
        listen_s: float,
        as_json: bool,
    ) -> None:
        self._state, self._url, self._token_file, self._plan_file, self._out = state, url, token_file, plan_file, out
        self._once, self._listen_s, self._as_json = once, listen_s, as_json
        self._stop, self._kill = asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        """Look around, hand over, report; with --once one time, else every quarter of an hour."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGUSR1, self._kill.set)
        cards = load_cards()
        async with AsyncExitStack() as held:
            held.enter_context(locked(self._state))
            spool = held.enter_context(Spool(self._state))
            service = None
            if self._url is not None and self._token_file is not None:
                token = self._token_file.read_text("utf-8").strip()
                service = await held.enter_async_context(connect(self._url, token))
            while True:
                goes_on = await self._one_round(spool, service, cards)
                if self._once or not goes_on or self._stop.is_set():
                    return

    async def _one_round(self, spool: Spool, service: Service | None, cards: CardSet) -> bool:
        """Whether another round makes sense."""
        try:
            plan = await self._plan(service)
        except ServiceError as error:
            if self._once or isinstance(error, TokenError):
                raise
            _say(f"{error}; trying again in a minute")
            await self._pause(60.0)
            return True
        if spool.waiting().observations:  # left by an earlier run, perhaps because the spool was full
            await self._deliver(spool, service)
        listen_s = self._listen_s if self._once else max(self._listen_s, REPEAT_S)
        changed = asyncio.Event()
        watching = asyncio.create_task(self._watch_plan(service, plan, changed), name="watch the plan")
        try:
            outing = await go_out(
                plan,
                self._state,
                spool=spool,
                cards=cards,
                listen_s=listen_s,
                stops=(self._stop, changed),
                kill=self._kill,
            )
        finally:
            watching.cancel()
        problem = None if self._stop.is_set() else await self._deliver(spool, service)
        self._report(outing, spool)
        if self._once and not outing.ledger.whole:
            raise LedgerError("what was sent is in doubt; `wardgraph agent verify` tells more")
        if problem is not None and (self._once or isinstance(problem, TokenError)):
            raise problem
        if outing.killed:
            _say(f"the kill switch is on: nothing more is sent until {self._state / 'kill'} is removed")
        return not outing.killed

    async def _plan(self, service: Service | None) -> Plan:
        if self._plan_file is not None:
            return parse_plan(self._plan_file.read_bytes())
        if service is None:
            raise ServiceError("there is neither a plan nor a service to ask for one")
        return await service.plan()

    async def _watch_plan(self, service: Service | None, plan: Plan, changed: asyncio.Event) -> None:
        """Set `changed` when people decide otherwise, or when the plan cannot be followed any more."""
        while True:
            await asyncio.sleep(PLAN_LOOK_S)
            try:
                if _decided(await self._plan(service)) == _decided(plan):
                    continue
                _say("the plan was changed: this round ends, the next follows the new one")
            except (TokenError, PlanError, OSError) as error:
                _say(f"the plan no longer holds, this round ends: {error}")
            except ServiceError:
                continue  # a service that is down has decided nothing
            changed.set()
            return

    async def _deliver(self, spool: Spool, service: Service | None) -> ServiceError | None:
        """Hand over what waits; a problem is returned, for nothing is lost by it."""
        if service is None:
            if self._out is not None:
                spool.write_out(self._out)
            return None
        handing = asyncio.create_task(service.take_spool(spool), name="hand over")
        stopping = asyncio.create_task(self._stop.wait(), name="stop")
        await asyncio.wait({handing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not handing.done():
            handing.cancel()
        done = (await asyncio.gather(handing, return_exceptions=True))[0]
        if isinstance(done, HandedOver) and (done.rejected or done.parked):
            _say(f"the service rejected {done.rejected} observations; {done.parked} batches were set aside")
        if isinstance(done, ServiceError):
            _say(str(done))
            return done
        if isinstance(done, BaseException) and not isinstance(done, asyncio.CancelledError):
            raise done
        return None

    def _report(self, outing: Outing, spool: Spool) -> None:
        waiting = spool.waiting()
        document = {
            "observations": outing.observations,
            "packets_sent": sum(outing.packets_by_probe.values()),
            "packets_by_probe": outing.packets_by_probe,
            "refused": sum(outing.refused_by_rule.values()),
            "refused_by_rule": outing.refused_by_rule,
            "addresses_asked": outing.addresses_asked,
            "addresses_answered": outing.addresses_answered,
            "alerts": outing.alerts,
            "dropped_datagrams": {"strays": outing.strays, "foreign": outing.foreign},
            "personal_left_out": outing.personal,
            "ledger_verified": outing.ledger.whole,
            "ledger_rows": outing.ledger.rows,
            "ledger_head": outing.ledger.head,
            "spooled": waiting.observations,
            "parked": waiting.parked_observations,
            "duration_s": outing.duration_s,
        }
        if not outing.ledger.whole:
            _say(f"the ledger is not whole: {outing.ledger.problem}")
        if self._as_json:
            _print_json(document)
            return
        print(
            f"{document['observations']} observations; {document['packets_sent']} packets to "
            f"{outing.addresses_asked} addresses, {outing.addresses_answered} answered; "
            f"{document['refused']} addresses refused; {waiting.observations} observations wait in the spool; "
            f"{outing.duration_s:.1f} s"
        )

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return


def _decided(plan: Plan) -> Plan:
    """The part of a plan that people decide; the rest follows the inventory and may wait for the next round."""
    return replace(plan, known=(), classes={})


def _log_to_stderr() -> None:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _print_json(document: dict[str, Any]) -> None:
    print(json.dumps(document), flush=True)


def _say(message: str) -> None:
    print(f"wardgraph agent: {message}", file=sys.stderr, flush=True)


def _fail(message: str, *, code: int = 1) -> NoReturn:
    _say(message)
    raise typer.Exit(code)
