"""Which of the two engines answers for a network.

It computes nothing. The reference engine is always there; the kernel needs numba, whose import costs half a second and
whose first compilation some twenty: below a few thousand nodes the reference has answered by then.
"""

import importlib
import importlib.util
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from riskdb.impact.kernel_place import kernel_directory
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
    kept = kernel_directory(os.environ) is not None
    if not kept and KERNEL_UNKEPT_FROM_NODES > network.nodes >= KERNEL_FROM_NODES:
        return Engine(kernel=None, name="reference (no directory to keep the compiled kernel: set NUMBA_CACHE_DIR)")
    # Not at the top: commands that rank nothing, and the agent, must not wait for numba.
    kernel = importlib.import_module("riskdb.impact.kernel")
    try:
        return Engine(kernel=kernel.Kernel(network), name="kernel" if kept else "kernel (compiled anew, not kept)")
    except kernel.KernelLimitError as error:
        return Engine(kernel=None, name=f"reference ({error})")
