"""`wardgraph demo`: the practice hospital - discovered, settled, related, ranked - on an embedded database.

It starts everything, tells what happens on stderr, prints the ranking, and stops everything again.
"""

import asyncio
import fcntl
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import orjson
import typer

from discovery.sim import practice_document
from discovery.sim.generate import SIZE_MAX, generate
from discovery.sim.hospital import Hospital, HospitalError, hospital_document, parse_hospital
from riskdb.store.migrate import MigrationError
from riskdb.store.tokens import Role
from service.cli import _demo
from service.cli._demo import Stage
from service.cli._stage import DemoError, Teller
from service.logs import configure_logs
from service.postgres_binaries import EmbeddedError
from service.sentences import Language
from service.settings import state_directory

TOLD_ROWS = 15

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@command.command(help="Discover, settle, relate and rank a practice hospital on this machine. Ctrl-C stops everything.")
def run(  # the options of a command
    once: Annotated[bool, typer.Option("--once", help="End after the ranking instead of staying up.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --once: one JSON document on stdout.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what earlier runs found.")] = False,
    hospital: Annotated[Path | None, typer.Option(help="A hospital document (wardgraph simulate).")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed is another hospital.")] = None,
    size: Annotated[int, typer.Option(min=1, max=SIZE_MAX, help="With --seed: times the practice hospital.")] = 1,
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="Of the service; any free one if absent.")] = None,
    state: Annotated[Path | None, typer.Option(help="Where everything is kept.")] = None,
    lang: Annotated[Language, typer.Option(help="Language of the reasons.")] = Language.EN,
) -> None:
    """Run the demo; problems are one sentence on stderr and exit code 1, a wrong command line 2."""
    if as_json and not once:
        _fail("--json prints one document at the end: it goes with --once", code=2)
    if hospital is not None and seed is not None:
        _fail("give either --hospital or --seed", code=2)
    configure_logs(as_json=False, least=logging.WARNING)  # commands tell their progress themselves
    try:
        document = _document(hospital, seed, size)
        described = parse_hospital(document)
        place = (state or state_directory() / f"demo-{_demo.digest_of(document)}").absolute()
        with _held(place, document, fresh=fresh):
            told = asyncio.run(_play(place, document, described, once=once, port=port, hidden=hospital, language=lang))
    except HospitalError as error:
        _fail(str(error), code=2)
    except (DemoError, EmbeddedError, MigrationError, asyncpg.PostgresError, OSError) as error:
        _fail(str(error))
    if as_json and told is not None:
        sys.stdout.buffer.write(orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE))


async def _play(
    place: Path,
    document: bytes,
    hospital: Hospital,
    *,
    once: bool,
    port: int | None,
    hidden: Path | None,
    language: Language,
) -> dict[str, Any] | None:
    """The whole demo on one screen; the document of --once, else None."""
    tell, stop = Teller(), _stop_requested()
    async with _demo.stage(place, port=_demo.free_port(port), beds=hospital.beds, tell=tell) as on:
        known = await _demo.ranking(on, language=language)
        if known is not None and not once:
            tell.say("this hospital is known from an earlier run (--fresh starts anew)")
            _print_ranking(known)
            await _stay_up(on, stop)
            return None
        playing = asyncio.create_task(_discover_and_rank(on, document, hospital, hidden=hidden, language=language))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not playing.done():
            tell.say("stopping")
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)
            raise DemoError("interrupted before the ranking was complete; what was discovered is kept")
        told = playing.result()
        if not once:
            await _stay_up(on, stop)
        return told


async def _discover_and_rank(
    on: Stage, document: bytes, hospital: Hospital, *, hidden: Path | None, language: Language
) -> dict[str, Any]:
    async with _demo.hospital_running(on, document) as (simulator, ready):
        await _demo.hand_in_papers(on, hospital, ready)
        on.tell.say("the agent looks around, as the policy allows")
        agent = await _demo.discover(on, hidden=hidden)
        await simulator.stop()
    await _demo.settle_and_rank(on)
    ranked = await _demo.ranking(on, language=language)
    if ranked is None:
        raise DemoError("the service ranked nothing")
    told = await _demo.scored(
        on, hospital, prefix=ready["prefix"], agent=agent, received=_demo.read_counts(on), ranked=ranked
    )
    _print_ranking(ranked)
    _print_score(told)
    return told


def _print_ranking(page: dict[str, Any]) -> None:
    """The top of the ranking with its reasons, on stderr: stdout belongs to --json."""
    print(f"\n{'rank':>5}  {'asset':<34}{'mode':<14}{'index 7d':>9}{'patients 7d':>13}", file=sys.stderr)
    for row in page["items"][:TOLD_ROWS]:
        people = max(row["patients_affected"]["7d"], row["patients_exposed"]["7d"])
        print(
            f"{row['rank']:>5}  {row['name'][:33]:<34}{row['mode']:<14}{row['score']:>9.0f}{people:>13.0f}\n"
            f"       {row['reason']}",
            file=sys.stderr,
        )
    print(f"\n{page['run']['unreviewed_numbers']} of the numbers behind this were reviewed by nobody.", file=sys.stderr)


def _print_score(told: dict[str, Any]) -> None:
    identity, safety = told["identity"], told["safety"]
    print(
        f"{told['discovered']['devices']} assets for {told['ground_truth']['devices']} devices; "
        f"pairwise precision {identity['pairwise_precision']:.4f}, recall {identity['pairwise_recall']:.3f}; "
        f"type right for {identity['device_type_accuracy']:.1%}, model {identity['model_accuracy']:.1%}, "
        f"firmware {identity['firmware_accuracy']:.1%}.\n"
        f"{safety['packets_sent']} packets sent, {safety['packets_received_by_devices']} received, "
        f"{safety['fragile_devices_disturbed']} of {safety['fragile_devices']} fragile devices disturbed.",
        file=sys.stderr,
    )


async def _stay_up(on: Stage, stop: asyncio.Event) -> None:
    token = on.tokens[Role.ADMIN]
    print(
        f"\nThe service is up at {on.url}; a token for it is in {token}. For example:\n"
        f"  curl -H \"Authorization: Bearer $(cat {token})\" '{on.url}/v1/ranking?limit=3'\nCtrl-C stops everything.",
        file=sys.stderr,
    )
    stopping = asyncio.create_task(stop.wait())
    ending = asyncio.create_task(on.service.process.wait())
    await asyncio.wait({stopping, ending}, return_when=asyncio.FIRST_COMPLETED)
    for task in (stopping, ending):
        task.cancel()
    if not stop.is_set():
        raise DemoError(f"the service ended:\n{on.service.last_words()}")
    on.tell.say("stopping")


def _stop_requested() -> asyncio.Event:
    """Set by Ctrl-C, by SIGTERM, and when the terminal closes."""
    stop = asyncio.Event()
    numbers = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # nohup: it is to outlive its terminal
        numbers.remove(signal.SIGHUP)
    for number in numbers:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _document(hospital: Path | None, seed: int | None, size: int) -> bytes:
    if hospital is not None:
        return hospital.read_bytes()
    return practice_document() if seed is None and size == 1 else hospital_document(generate(seed or 1, size))


@contextmanager
def _held(place: Path, document: bytes, *, fresh: bool) -> Iterator[None]:
    """The state directory, ours alone and of this hospital alone."""
    place.mkdir(parents=True, exist_ok=True)
    with (place / "demo.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(f"a demo already runs in {place}; stop it, or give this one another --state") from None
        name = place / "hospital"
        digest = _demo.digest_of(document)
        if fresh:
            _demo.forget(place)
        elif name.exists() and name.read_text() != digest:
            raise DemoError(f"{place} holds another hospital; use --fresh, or another --state")
        name.write_text(digest)
        yield


def _fail(message: str, *, code: int = 1) -> None:
    print(f"wardgraph demo: {message}", file=sys.stderr)
    raise SystemExit(code)
