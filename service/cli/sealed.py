"""Runs the agent blind to the practice hospital's answers: it may look at the network, never at the truth.

`python -m service.cli.sealed HIDDEN... -- AGENT ARGS` refuses, below every HIDDEN path, each way of opening or
listing a file, and refuses to import the practice hospital or to start another program that would do it instead.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FILE_EVENTS = frozenset({"open", "os.listdir", "os.scandir", "os.rename", "os.link", "os.symlink", "shutil.copyfile"})
PROGRAM_EVENTS = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty"})
SIMULATOR = "discovery.sim"


def seal(hidden: Sequence[Path]) -> None:
    """Refuse, from now on and for good (an audit hook cannot be taken back), any look at the hidden paths."""
    roots = tuple(os.path.realpath(path) for path in hidden)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in FILE_EVENTS:
            for path in arguments[:2]:
                if isinstance(path, str | bytes | os.PathLike) and _below(os.path.realpath(os.fsdecode(path)), roots):
                    raise PermissionError(f"sealed: the discovery process may not open {os.fsdecode(path)}")
        elif event == "import" and str(arguments[0]).startswith(SIMULATOR):
            raise PermissionError("sealed: the discovery process may not import the practice hospital")
        elif event in PROGRAM_EVENTS:
            raise PermissionError("sealed: the discovery process may not start programs")

    sys.addaudithook(watch)


def _below(path: str, roots: tuple[str, ...]) -> bool:
    return any(path == root or path.startswith(root + os.sep) for root in roots)


def main() -> None:
    """Seal, then be the agent."""
    from service.cli.agent import command  # imported before sealing: its modules lie where the answers lie

    split = sys.argv.index("--")
    hidden, sys.argv = [Path(path) for path in sys.argv[1:split]], ["wardgraph agent", *sys.argv[split + 1 :]]
    seal(hidden)
    command()


if __name__ == "__main__":
    main()
