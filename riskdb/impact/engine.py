"""Which of the two engines answers for a network, and where the compiled one is kept between two starts.

It computes nothing. The reference engine is always there; the kernel needs numba, whose import costs half a second and
whose first compilation some twenty: below a few thousand nodes the reference has answered by then.
"""

import importlib
import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from riskdb.impact.network import Network

if TYPE_CHECKING:
    from riskdb.impact.kernel import Kernel

KERNEL_FROM_NODES = 2_000  # the reference ranks as many in the time of importing numba twice
KERNEL_UNKEPT_FROM_NODES = 50_000  # the reference takes as long as compiling the kernel


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The kernel for a network, or None for the reference; `name` also says why, for people to read."""

    kernel: "Kernel | None"
    name: str


REFERENCE = Engine(kernel=None, name="reference")


def engine_for(network: Network, *, kernel_from_nodes: int = KERNEL_FROM_NODES) -> Engine:
    """The engine that has a network's ranking sooner; both have the same."""
    if network.nodes < kernel_from_nodes:
        return REFERENCE
    if importlib.util.find_spec("numba") is None:
        return Engine(kernel=None, name="reference (numba is not installed)")
    kept = _kept()
    if not kept and KERNEL_UNKEPT_FROM_NODES > network.nodes >= KERNEL_FROM_NODES:
        return Engine(kernel=None, name="reference (no directory to keep the compiled kernel: set NUMBA_CACHE_DIR)")
    # Not at the top: commands that rank nothing, and the agent, must not wait for numba.
    kernel = importlib.import_module("riskdb.impact.kernel")
    try:
        return Engine(kernel=kernel.Kernel(network), name="kernel" if kept else "kernel (compiled anew, not kept)")
    except kernel.KernelLimitError as error:
        return Engine(kernel=None, name=f"reference ({error})")


@cache
def _kept() -> bool:
    """Tell numba where to keep what it compiles; is there such a place?"""
    directory = kernel_directory(os.environ)
    # numba reads NUMBA_CACHE_DIR when it is imported; another part of the process may have done that already.
    config = importlib.import_module("numba").config
    config.CACHE_DIR = "" if directory is None else str(directory)
    return directory is not None


def kernel_directory(environment: Mapping[str, str]) -> Path | None:
    """A writable place for compiled code, one for each version of the kernel's source; None if there is none."""
    directory = _cache_directory(environment)
    if directory is None:
        return None
    # numba looks only at the file of the function it compiled, not at those whose functions became part of it.
    sources = sorted(Path(__file__).parent.glob("kernel*.py"))
    place = directory / sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return place if os.access(place, os.W_OK | os.X_OK) else None


def _cache_directory(environment: Mapping[str, str]) -> Path | None:
    """NUMBA_CACHE_DIR, else below the state directory, else where XDG keeps caches."""
    if named := environment.get("NUMBA_CACHE_DIR"):
        return Path(named)
    if state := environment.get("WARDGRAPH_STATE"):
        return Path(state) / "numba"
    base = environment.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "wardgraph" / "numba"
    except RuntimeError:  # a user without a home
        return None
