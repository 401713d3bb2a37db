"""Environment and flags into settings. Reads no file; flags win over the environment, the environment over defaults."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from service.errors import InputError

PORT_DEFAULT = 8420
FOLLOW_S_DEFAULT = 20.0
HOST_DEFAULT = "127.0.0.1"  # whoever wants the service on a network puts a TLS proxy before it and says so


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this process runs. Database URLs hold passwords: they are never printed."""

    state: Path
    host: str = HOST_DEFAULT
    port: int = PORT_DEFAULT
    database_url: str | None = field(default=None, repr=False)
    owner_url: str | None = field(default=None, repr=False)  # for migrations only
    embedded: bool = False  # start a private database server below `state`
    log_json: bool = False
    follow_s: float = FOLLOW_S_DEFAULT  # how often to look whether a new run is due; 0: runs are only made on request


def settings_from(
    environment: Mapping[str, str] = os.environ,
    *,
    state: Path | None = None,
    host: str | None = None,
    port: int | None = None,
    embedded: bool = False,
) -> Settings:
    """Settings of this process; InputError names the variable that cannot be read."""
    return Settings(
        state=state or state_directory(environment),
        host=host or environment.get("WARDGRAPH_HOST", HOST_DEFAULT),
        port=port if port is not None else _port(environment),
        database_url=environment.get("DATABASE_URL") or None,
        owner_url=environment.get("WARDGRAPH_OWNER_URL") or None,
        embedded=embedded,
        log_json=environment.get("WARDGRAPH_LOG", "text") == "json",
        follow_s=_follow_s(environment),
    )


def state_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Where this installation keeps what is its own: WARDGRAPH_STATE, else the place XDG names."""
    named = environment.get("WARDGRAPH_STATE")
    if named:
        return Path(named)
    base = environment.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "wardgraph"


def _port(environment: Mapping[str, str]) -> int:
    written = environment.get("WARDGRAPH_PORT", str(PORT_DEFAULT))
    if not written.isdecimal() or not 0 <= int(written) <= 65_535:
        raise InputError(f"reading WARDGRAPH_PORT: {written!r} is not a port number")
    return int(written)


def _follow_s(environment: Mapping[str, str]) -> float:
    written = environment.get("WARDGRAPH_FOLLOW_S", str(FOLLOW_S_DEFAULT))
    try:
        follow_s = float(written)
    except ValueError:
        follow_s = -1.0
    if not 0 <= follow_s <= 86_400:
        raise InputError(f"reading WARDGRAPH_FOLLOW_S: {written!r} is not a number of seconds from 0 to 86400")
    return follow_s
