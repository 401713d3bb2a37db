"""Who asks, and may they: an access token into a role in one establishment.

Tokens are looked up anew for every request, so a revoked one stops at once. A token is never logged or answered.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from riskdb.model.ids import EstablishmentId
from riskdb.store import tokens
from riskdb.store.statements import Pool
from riskdb.store.tokens import PREFIX, Role
from service.errors import Kind, ProblemError

_FORM = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")  # what cannot be a token does not reach the database

PEOPLE = frozenset({Role.VIEWER, Role.BIOMED, Role.CISO, Role.ARCHITECT, Role.ADMIN})
DECIDERS = PEOPLE - {Role.VIEWER}
KEEPERS = frozenset({Role.BIOMED, Role.ARCHITECT, Role.ADMIN})  # of the inventory and the declared dependencies
PROBING = frozenset({Role.BIOMED, Role.ADMIN})  # who decide what may be sent to a device
AGENTS = frozenset({Role.AGENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Whoever asks, once their token is known."""

    token: str  # the token's id; never the token
    name: str
    role: Role
    establishment: EstablishmentId


async def admit(pool: Pool, header: str | None, *, roles: frozenset[Role], now: datetime) -> Access:
    """Who sent this Authorization header, if their token is valid and of one of the roles; a problem otherwise."""
    secret = _token_in(header)
    async with pool.acquire() as connection:
        token = await tokens.find(connection, secret, now=now)
    if token is None:
        _refuse("The access token is unknown, expired or revoked.")
    if token.role not in roles:
        wanted = ", ".join(sorted(roles))
        raise ProblemError(Kind.WRONG_ROLE, f"The token has the role {token.role}; this needs one of: {wanted}.")
    return Access(token=token.id, name=token.name, role=token.role, establishment=token.establishment)


def _token_in(header: str | None) -> str:
    if header is None:
        _refuse("Send the header Authorization: Bearer TOKEN.", sent=False)
    scheme, _, secret = header.partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not _FORM.fullmatch(secret):
        _refuse("The Authorization header holds no access token of this service.")
    return secret


def _refuse(detail: str, *, sent: bool = True) -> NoReturn:
    """Ask for a valid token (RFC 6750 section 3: no error code when none was sent at all)."""
    challenge = 'Bearer realm="wardgraph"' + (', error="invalid_token"' if sent else "")
    raise ProblemError(Kind.NO_TOKEN, detail, headers={"WWW-Authenticate": challenge})
