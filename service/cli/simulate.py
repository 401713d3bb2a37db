"""`wardgraph simulate`: make a practice hospital, or let one run on loopback.

It prints; making is `discovery.sim.generate`, running is `discovery.sim.running`.
"""

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from discovery.sim.generate import SIZE_MAX, generate
from discovery.sim.hospital import Hospital, HospitalError, hospital_document, parse_hospital

command = typer.Typer(add_completion=False, help="Make or run a practice hospital.")


@command.callback(invoke_without_command=True)
def make(
    context: typer.Context,
    seed: Annotated[int, typer.Option(help="Another seed is another hospital.")] = 1,
    size: Annotated[int, typer.Option(min=1, max=SIZE_MAX, help="In practice hospitals: 1 has some 500 devices.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Where to write it; without, it goes to standard output.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say what was written as JSON.")] = False,
) -> None:
    """Make a practice hospital from a seed."""
    if context.invoked_subcommand is not None:
        return
    hospital = generate(seed, size)
    document = hospital_document(hospital)
    if out is None:
        sys.stdout.buffer.write(document)
        return
    try:
        out.write_bytes(document)
    except OSError as error:
        _fail(f"writing the hospital to {out}: {error.strerror}")
    summary = _summary(hospital) | {"out": str(out), "bytes": len(document)}
    print(json.dumps(summary) if as_json else f"{out}: {summary['devices']} devices, {summary['beds']} beds")


def _summary(hospital: Hospital) -> dict[str, Any]:
    return {
        "name": hospital.name,
        "seed": hospital.seed,
        "size": hospital.size,
        "beds": hospital.beds,
        "units": len(hospital.units),
        "devices": len(hospital.devices),
        "device_types": len({d.device_type for d in hospital.devices if d.device_type is not None}),
    }


@command.command()
def run(
    state: Annotated[Path, typer.Option(help="Its own directory; it decides the addresses and holds the counts.")],
    hospital: Annotated[str | None, typer.Option(help="A hospital document; - reads standard input.")] = None,
    recordings: Annotated[
        list[Path] | None, typer.Option(help="SNMP recordings to serve as devices: a file, folder or tar archive.")
    ] = None,
) -> None:
    """Let a practice hospital run until it is told to stop; prints one JSON line when it answers."""
    from discovery.sim.recordings import RecordingError, read_recordings

    if hospital is None and not recordings:
        _fail("nothing to run: give --hospital or --recordings", code=2)
    try:
        document = None if hospital is None else _read(hospital)
        described = None if document is None else parse_hospital(document)
        served = read_recordings(recordings) if recordings else {}
        state.mkdir(parents=True, exist_ok=True)
    except (HospitalError, RecordingError) as error:
        _fail(str(error), code=2)
    except OSError as error:
        _fail(f"reading {error.filename}: {error.strerror}", code=2)
    asyncio.run(_operate(described, served, state))


def _read(source: str) -> bytes:
    return sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()


async def _operate(hospital: Hospital | None, recordings: dict[str, Callable[[], Any]], state: Path) -> None:
    from discovery.sim.running import RunError
    from discovery.sim.running import run as start

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        running = await start(hospital, state=state, recordings=recordings)
    except RunError as error:
        _fail(str(error))
    if running.recordings:
        (state / "recordings.json").write_text(json.dumps(dict(running.recordings), indent=1) + "\n")
    print(json.dumps(running.ready()), flush=True)
    await stop.wait()
    counts = running.counts()
    await running.close()
    (state / "simulator.json").write_text(json.dumps(counts, indent=1) + "\n")


def _fail(message: str, *, code: int = 1) -> NoReturn:
    print(f"wardgraph simulate: {message}", file=sys.stderr)
    raise SystemExit(code)
