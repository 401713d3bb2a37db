"""Access tokens: who may ask the service what, in which establishment. The token itself is told once and never stored.

A token is 256 random bits, so one round of SHA-256 is enough: there is nothing to guess.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import asyncpg

from riskdb.model.ids import EstablishmentId
from riskdb.store.statements import Connection, statements

SQL = statements(__file__)
PREFIX = "wg_"  # so that a scanner for leaked secrets can know one
SECRET_BYTES = 32


class Role(StrEnum):
    """What a token's bearer may do; the service holds the table."""

    VIEWER = "viewer"
    BIOMED = "biomed"
    CISO = "ciso"
    ARCHITECT = "architect"
    ADMIN = "admin"
    AGENT = "agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is known of a token; not the token."""

    id: str
    establishment: EstablishmentId
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token at the only moment it can be read."""

    token: Token
    secret: str = field(repr=False)


async def create(
    connection: Connection,
    *,
    establishment: EstablishmentId,
    name: str,
    role: Role,
    now: datetime,
    expires_at: datetime | None = None,
) -> NewToken:
    """A new token; `secret` goes to its bearer and is gone."""
    secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    token = Token(
        id=secrets.token_hex(6),
        establishment=establishment,
        name=name,
        role=role,
        created_at=now,
        expires_at=expires_at,
        revoked_at=None,
    )
    await connection.execute(SQL["create"], token.id, _digest(secret), establishment, name, role.value, now, expires_at)
    return NewToken(token=token, secret=secret)


async def find(connection: Connection, secret: str, *, now: datetime) -> Token | None:
    """The valid token of this secret: None if it is unknown, expired or revoked. Any connection may ask."""
    row = await connection.fetchrow(SQL["find"], _digest(secret), now)
    return None if row is None else _token(row)


async def revoke(connection: Connection, establishment: EstablishmentId, token_id: str, *, now: datetime) -> bool:
    """End a token; False if the establishment has no valid one of this id."""
    return await connection.fetchval(SQL["revoke"], token_id, establishment, now) is not None


async def list_all(connection: Connection, establishment: EstablishmentId) -> list[Token]:
    """The tokens of an establishment, the oldest first."""
    return [_token(row) for row in await connection.fetch(SQL["list_all"], establishment)]


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _token(row: asyncpg.Record) -> Token:
    return Token(
        id=row["id"],
        establishment=EstablishmentId(row["establishment_id"]),
        name=row["name"],
        role=Role(row["role"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )
