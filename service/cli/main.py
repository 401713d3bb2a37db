"""The `wardgraph` command: finds the commands by entry point and imports only the one that was asked for."""

import os
import sys
from importlib.metadata import EntryPoint, entry_points, version
from typing import TextIO

GROUP = "wardgraph.commands"
BAD_INPUT = 2  # exit code


def main() -> None:
    """Run one command; without one, list them all."""
    commands = {point.name: point for point in entry_points(group=GROUP)}
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("--help", "-h", "help"):
        _list(commands)
        return
    if name == "--version":
        print(f"wardgraph {version('wardgraph')}")
        return
    if name not in commands:
        _list(commands, to=sys.stderr)
        print(f"wardgraph: unknown command: {name}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    _run(commands[name])


def _run(point: EntryPoint) -> None:
    sys.argv = [f"wardgraph {point.name}", *sys.argv[2:]]
    try:
        point.load()()
    except ModuleNotFoundError as error:
        sys.exit(
            f"wardgraph {point.name}: the package {error.name} is not installed. "
            "This belongs to the service: pip install 'wardgraph[service,local]'"
        )
    except Exception as error:  # the last guard: whoever runs a command gets a sentence
        if os.environ.get("WARDGRAPH_DEBUG"):
            raise
        told = " ".join(str(error).split()) or type(error).__name__
        sys.exit(f"wardgraph {point.name}: {told} (WARDGRAPH_DEBUG=1 shows where)")


def _list(commands: dict[str, EntryPoint], *, to: TextIO = sys.stdout) -> None:
    print("usage: wardgraph COMMAND [ARGS]   (COMMAND --help tells more)\n", file=to)
    for name in sorted(commands):
        print(f"  {name:<12}{SUMMARIES.get(name, '')}", file=to)


SUMMARIES = {  # one line a command, told without importing any
    "agent": "discover a network within a plan, safely, and hand over what was seen",
    "cold-start": "what can be started again from all-down, in which order, and what blocks itself",
    "cut-sets": "single points of failure and dangerous pairs of a graph file",
    "demo": "the practice hospital, discovered, settled, related and ranked",
    "doctor": "say what is wrong with this installation and how to mend it",
    "explain": "why an asset has its rank: the chain from device to patients",
    "graph": "write the care graph of the newest ranking to a file, or check one",
    "identify": "name the devices in SNMP recordings and packet captures",
    "import": "assets, units, rooms, ports and links from CSV files",
    "knowledge": "check the knowledge pack",
    "migrate": "bring the database to this version",
    "rank": "assets by clinical impact of compromise",
    "serve": "run the service",
    "simulate": "make or run a practice hospital",
    "token": "make, list and revoke access tokens",
    "what-if": "which care stops, and when, in a scenario",
}


if __name__ == "__main__":
    main()
