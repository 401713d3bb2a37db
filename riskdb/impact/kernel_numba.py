"""How the kernel's functions become machine code: entries are kept in the cache directory of `kernel_place`.

Computes nothing. No function here may make an array: memory is handed in, so that numba counts no references. Counting
them, for each array at each call and in two threads at once, took several times as long as the work.
"""

import os
from collections.abc import Callable
from typing import TypeVar, cast

from numba import config, njit

from riskdb.impact.kernel_place import kernel_directory

Function = TypeVar("Function", bound=Callable[..., object])
_PLACE = kernel_directory(os.environ)
KEPT = _PLACE is not None
# numba takes NUMBA_CACHE_DIR when it is imported, which another part of the process may have done already; without a
# place it would try a folder beside the source.
config.CACHE_DIR = "" if _PLACE is None else str(_PLACE)  # type: ignore[attr-defined] # made when numba is imported


def entry(function: Function) -> Function:
    """A function that Python calls: machine code that lets other threads run, kept on disk if there is a place."""
    return cast("Function", njit(function, nogil=True, error_model="numpy", _nrt=False, cache=KEPT))  # type: ignore[call-overload] # numba's types leave `_nrt` out


def part(function: Function) -> Function:
    """A function that only compiled functions call; it becomes part of them."""
    made = njit(  # type: ignore[call-overload] # numba's types leave some of its options out
        function, error_model="numpy", _nrt=False, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True
    )
    return cast("Function", made)
