"""`wardgraph knowledge`: is the pack sound, what does it say of a device type, which numbers has nobody reviewed?

It reads pack files and prints; it changes nothing. docs/guides/knowledge.md tells how a number is reviewed.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import orjson
import typer
from pydantic import TypeAdapter

from riskdb.knowledge import Finding, Pack, PackError, check_pack, load_pack, read_pack
from riskdb.knowledge.contents import PlacedNumber, numbers_in
from riskdb.knowledge.trees import leaves
from riskdb.knowledge.types import CapabilityType, DeviceType, Number, PathwayType, Text
from service.names import Language

BAD_INPUT = 2
Shown = DeviceType | CapabilityType | PathwayType
_RECORD: TypeAdapter[Shown] = TypeAdapter(Shown)
_NUMBER: TypeAdapter[Number] = TypeAdapter(Number)

command = typer.Typer(help="The knowledge pack: check it, show it, list its numbers.", no_args_is_help=True)


PackOption = Annotated[Path | None, typer.Option("--pack", metavar="DIR", help="A pack directory instead of ours.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
LanguageOption = Annotated[Language, typer.Option("--lang", help="The language of names.")]


@command.command()
def check(pack: PackOption = None, as_json: JsonOption = False) -> None:
    """Judge a pack; exit 1 with findings, each naming file, object and place."""
    findings = check_pack(_directory(pack))
    if as_json:
        rows = [{"file": f.file, "id": f.id, "place": f.place, "message": f.message} for f in findings]
        _print_json({"findings": rows, "numbers": None if findings else _counts(_load(pack))})
    else:
        _print_findings(findings)
        if not findings:
            counts = _counts(_load(pack))
            print(f"sound: {counts['total']} numbers, {counts['unreviewed']} of them reviewed by nobody")
    if findings:
        sys.exit(1)


@command.command()
def show(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="A device type, capability or pathway.")],
    lang: LanguageOption = Language.EN,
    pack: PackOption = None,
    as_json: JsonOption = False,
) -> None:
    """What the pack says of one thing: its links, and its numbers with sources and review state."""
    whole = _load(pack)
    found = [
        thing
        for kind in (whole.device_types, whole.capabilities, whole.pathways)
        for known, thing in kind.items()
        if known == identifier
    ]
    if not found:
        _stop(f"the pack has no device type, capability or pathway {identifier!r}", BAD_INPUT)
    if as_json:
        records = [
            {"kind": _kind(thing), "record": _RECORD.dump_python(thing, mode="json"), "numbers": _rows(_placed(thing))}
            for thing in found
        ]
        _print_json({"id": identifier, "pack": whole.version, "found": records})
        return
    for thing in found:
        print("\n".join(_lines(whole, thing, lang)))


@command.command()
def numbers(
    unreviewed: Annotated[bool, typer.Option("--unreviewed", help="Only those that nobody stood up for.")] = False,
    pack: PackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every number of the pack, where it stands, and who reviewed it."""
    whole = _load(pack)
    placed = [row for row in whole.numbers() if not (unreviewed and row.number.is_reviewed)]
    if as_json:
        _print_json({"pack": whole.version, "count": len(placed), "numbers": _rows(placed)})
        return
    for row in placed:
        print(f"{row.owner} {row.place}: {_told(row.number)}")
    print(f"{len(placed)} numbers", file=sys.stderr)


def _directory(pack: Path | None) -> Path | None:
    if pack is not None and not pack.is_dir():
        _stop(f"reading knowledge pack: {pack} is not a directory", BAD_INPUT)
    return pack


def _load(pack: Path | None) -> Pack:
    directory = _directory(pack)
    try:
        return load_pack() if directory is None else read_pack(directory)
    except PackError as error:
        _stop(f"{error}; 'wardgraph knowledge check' lists all", 1)


def _stop(message: str, status: int) -> NoReturn:
    print(f"wardgraph knowledge: {message}", file=sys.stderr)
    sys.exit(status)


def _print_json(document: object) -> None:
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())


def _print_findings(findings: Sequence[Finding]) -> None:
    for finding in findings:
        print(finding)
    if findings:
        print(f"{len(findings)} findings", file=sys.stderr)


def _counts(pack: Pack) -> dict[str, int]:
    counts = pack.count_numbers()
    return {"total": counts.total, "published": counts.published, "unreviewed": counts.unreviewed}


def _kind(thing: Shown) -> str:
    return {DeviceType: "device_type", CapabilityType: "capability", PathwayType: "pathway"}[type(thing)]


def _placed(thing: Shown) -> list[PlacedNumber]:
    return list(numbers_in(str(thing.id), thing))


def _rows(placed: Sequence[PlacedNumber]) -> list[dict[str, object]]:
    return [
        {
            "id": row.owner,
            "place": row.place,
            **_NUMBER.dump_python(row.number, mode="json"),
            "reviewed": row.number.is_reviewed,
        }
        for row in placed
    ]


def _lines(pack: Pack, thing: Shown, lang: Language) -> Iterator[str]:
    """One thing in plain text: what it is, what it hangs on, then its numbers."""
    yield f"{_kind(thing)} {thing.id}: {_in(thing.name, lang)}"
    match thing:
        case DeviceType():
            yield from _device_type_lines(pack, thing, lang)
        case CapabilityType():
            providers = [_in(pack.device_types[t].name, lang) for t in thing.provided_by]
            yield f"  {thing.kind.value}, one for each {thing.scope.value}"
            yield f"  provided by: {', '.join(providers) or 'people and paper'}"
        case PathwayType():
            yield f"  {thing.description} Population: {_in(pack.populations[thing.population].name, lang)}."
            for step in thing.steps:
                wanted = ", ".join(_in(pack.capabilities[c].name, lang) for c in dict.fromkeys(leaves(step.requires)))
                yield f"  step {step.id}: {_in(step.name, lang)} <- {wanted}"
                yield from (f"    else: {_in(mode.procedure, lang)}" for mode in step.fallbacks)
    yield "  numbers:"
    placed = _placed(thing)
    yield from (f"    {row.place}: {_told(row.number)}" for row in placed)
    for source in dict.fromkeys(source for row in placed for source in row.number.sources):
        yield f"  {source}: {pack.sources[source].title}, {pack.sources[source].url}"


def _device_type_lines(pack: Pack, thing: DeviceType, lang: Language) -> Iterator[str]:
    safety = pack.safety_class(thing.id).value
    yield f"  {thing.category.value}; without network: {thing.without_network.value}; probing: {safety}"
    provides = [_in(pack.capabilities[c].name, lang) for c in pack.provided_by(thing.id)]
    yield f"  provides: {', '.join(provides) or '-'}" + (f" ({thing.no_care_effect})" if thing.no_care_effect else "")
    for dependency in thing.dependencies:
        tolerance = dependency.tolerance
        copes = f"{tolerance.value} min" if isinstance(tolerance, Number) else tolerance.value
        name = _in(pack.capabilities[dependency.capability].name, lang)
        yield f"  depends on: {name} ({copes})" + (f": {dependency.note}" if dependency.note else "")
    for manages in thing.manages:
        yield f"  manages: {', '.join(_in(pack.device_types[t].name, lang) for t in manages.types)}: {manages.why}"
    for feeds in thing.feeds:
        targets = [_in(pack.device_types[t].name, lang) for t in feeds.types]
        targets += [_in(pack.capabilities[c].name, lang) for c in feeds.capabilities]
        yield f"  feeds: {', '.join(targets)}: {feeds.why}"


def _in(text: Text, lang: Language) -> str:
    return text.fr if lang is Language.FR else text.en


def _told(number: Number) -> str:
    """A number with its range, origin and review state."""
    span = "" if number.low is None or number.high is None else f" ({number.low} to {number.high})"
    origin = ", ".join((number.confidence.value, *number.sources))
    review = f"reviewed by {number.reviewed_by} on {number.reviewed_at}" if number.is_reviewed else "not reviewed"
    basis = f"; {number.basis}" if number.basis else ""
    return f"{number.value}{span} [{origin}; {review}]{basis}"
