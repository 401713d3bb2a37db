"""Where the compiled kernel is kept between two starts. Imports no numba; keeps nothing itself."""

import os
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path


def kernel_directory(environment: Mapping[str, str]) -> Path | None:
    """A writable place for compiled code, one for each version of the kernel's source; None if there is none."""
    directory = _cache_directory(environment)
    if directory is None:
        return None
    place = directory / _version()
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return place if os.access(place, os.W_OK | os.X_OK) else None


@cache
def _version() -> str:
    """Of all the kernel's source: numba looks only at the file of an entry, not at those that became part of it."""
    sources = sorted(Path(__file__).parent.glob("kernel*.py"))
    return sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]


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
