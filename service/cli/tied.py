"""Runs a part of the demo for as long as the demo lives: one that is killed outright takes its parts with it.

`python -m service.cli.tied FD MODULE ARGS...`: FD reads from a pipe whose other end the demo alone holds.
"""

import os
import runpy
import signal
import sys
import threading


def main() -> None:
    """Be the module, until the pipe ends."""
    held, module = int(sys.argv[1]), sys.argv[2]
    threading.Thread(target=_watch, args=(held,), name="tied", daemon=True).start()
    sys.argv = sys.argv[2:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _watch(held: int) -> None:
    os.read(held, 1)  # nobody writes: it returns when the other end is gone
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
