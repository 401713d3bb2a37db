"""What the commands share that work on exchange files: reading a document or stopping with one plain sentence.

No database and no network: these commands run on the smallest installation.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar

import orjson

from riskdb.exchange import ExchangeError, parse_graph
from riskdb.model.care import CareGraph

BAD_INPUT = 2  # exit code
DOCUMENT_BYTES_MAX = 1 << 29  # a graph of a million nodes takes half of it; protects the memory of a small machine

T = TypeVar("T")


def read_graph(path: Path, *, command: str) -> CareGraph:
    """The care graph in a file."""
    return read_document(path, parse_graph, what="care graph", command=command)


def read_document(path: Path, parse: Callable[[object], T], *, what: str, command: str) -> T:
    """What `parse` makes of the JSON in a file; otherwise one sentence on stderr and exit code 2."""
    doing = f"reading {what} {path}"
    try:
        if path.stat().st_size > DOCUMENT_BYTES_MAX:
            stop(command, f"{doing}: larger than {DOCUMENT_BYTES_MAX} bytes")
        return parse(orjson.loads(path.read_bytes()))
    except OSError as error:
        stop(command, f"{doing}: {error.strerror or error}")
    except orjson.JSONDecodeError as error:
        stop(command, f"{doing}: not JSON: {error}")
    except ExchangeError as error:
        stop(command, f"{doing}: {error}")


def print_document(document: object) -> None:
    """One JSON document on stdout."""
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


def stop(command: str, message: str, *, code: int = BAD_INPUT) -> NoReturn:
    """One sentence on stderr, and out."""
    print(f"wardgraph {command}: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)
