"""What a fresh database needs before anybody can ask it anything: an establishment, and tokens to begin with."""

import asyncio
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from riskdb.model.ids import EstablishmentId
from riskdb.store import establishments, tokens
from riskdb.store.establishments import Establishment
from riskdb.store.statements import Pool
from riskdb.store.tokens import NewToken, Role
from service.errors import InputError


async def ensure_establishment(pool: Pool, *, name: str, beds: int | None = None) -> Establishment:
    """The establishment of this name, made if there is none."""
    async with pool.acquire() as connection, connection.transaction():
        found = await establishments.by_name(connection, name)
        return found or await establishments.create(connection, name=name, beds=beds)


async def find_establishment(pool: Pool, named: str | None) -> Establishment:
    """The establishment of this number or name; the only one when none is named. InputError says what there is."""
    async with pool.acquire() as connection:
        there = await establishments.list_all(connection)
    if named is None and len(there) == 1:
        return there[0]
    for establishment in there:
        if named in (str(establishment.id), establishment.name):
            return establishment
    listed = ", ".join(f"{e.id} ({e.name})" for e in there) or "none yet"
    if named is None:
        raise InputError(f"choosing an establishment: name one with --establishment; there are: {listed}")
    raise InputError(f"choosing an establishment: there is none called {named!r}; there are: {listed}")


async def make_token(
    pool: Pool, establishment: EstablishmentId, *, role: Role, name: str, expires_at: datetime | None = None
) -> NewToken:
    """A new token; its secret can be read this once."""
    now = datetime.now(UTC)
    if expires_at is not None and expires_at <= now:
        raise InputError("making a token: it would have expired already")
    async with pool.acquire() as connection:
        return await tokens.create(
            connection, establishment=establishment, name=name, role=role, now=now, expires_at=expires_at
        )


async def ensure_token_files(
    pool: Pool, establishment: EstablishmentId, directory: Path, *, roles: Iterable[Role]
) -> Mapping[Role, Path]:
    """A file with a valid token for each role, readable by its owner alone; files that still hold one are kept."""
    files = {role: directory / f"{role}.token" for role in roles}
    for role, path in files.items():
        held = await asyncio.to_thread(_read, path)
        if held is None or not await _opens(pool, held, establishment=establishment, role=role):
            made = await make_token(pool, establishment, role=role, name=f"{role}-file")
            await asyncio.to_thread(_write, path, made.secret)
    return files


async def _opens(pool: Pool, secret: str, *, establishment: EstablishmentId, role: Role) -> bool:
    async with pool.acquire() as connection:
        token = await tokens.find(connection, secret, now=datetime.now(UTC))
    return token is not None and (token.establishment, token.role) == (establishment, role)


def _read(path: Path) -> str | None:
    return path.read_text().strip() if path.exists() else None


def _write(path: Path, secret: str) -> None:
    """A new file each time: one that somebody else made in its place would not be ours to fill."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret + "\n")
