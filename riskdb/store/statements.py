"""Reads the named statements of a .sql file: `-- name: x`, a comment with its question, the SQL.

It never builds SQL: what runs is what stands in the file.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

_HEADER = re.compile(r"^-- name: ([a-z_]+)\n", re.MULTILINE)


def statements(module_file: str) -> Mapping[str, str]:
    """The statements of the .sql file beside a module, by name."""
    path = Path(module_file).with_suffix(".sql")
    parts = _HEADER.split(path.read_text())[1:]
    named = dict(zip(parts[::2], parts[1::2], strict=True))
    if len(named) * 2 != len(parts):
        raise ValueError(f"reading {path.name}: a name stands twice")
    return MappingProxyType(named)
