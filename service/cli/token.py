"""`wardgraph token`: make, list and revoke access tokens. A token is shown once, when it is made."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from riskdb.store import tokens
from riskdb.store.tokens import NewToken, Role, Token
from service.bootstrap import ensure_establishment, find_establishment, make_token
from service.cli._online import AsJson, State, Which, print_json, run, say
from service.database import connected
from service.errors import InputError
from service.settings import Settings, settings_from

NAME_CHARS_MAX = 200  # of a bearer or a hospital
BEDS_MAX = 100_000  # more is a typing error

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help="Make, list and revoke access tokens.")


@command.command()
def create(
    role: Annotated[Role, typer.Option(help="What its bearer may do.")],
    name: Annotated[str, typer.Option(help="Who or what bears it; an agent's observations carry this name.")],
    establishment: Which = None,
    expires: Annotated[
        str | None,
        typer.Option(help="When it ends: a number of days (90d) or a date (2027-01-31). Never, if not said."),
    ] = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Make a token. It is printed on stdout once and stored nowhere: keep it where only its bearer can read it."""
    work = _create(settings_from(state=state), establishment, role=role, name=name, expires=expires)
    made = run("token create", work, bad_input=True)
    if as_json:
        print_json({"id": made.token.id, "role": made.token.role, "token": made.secret})
        return
    say(f"token {made.token.id} ({made.token.role}, {made.token.name}); it is shown this once:")
    print(made.secret)


async def _create(
    settings: Settings, establishment: str | None, *, role: Role, name: str, expires: str | None
) -> NewToken:
    name = _readable(name, doing="making a token")
    ends = None if expires is None else _moment(expires, now=datetime.now(UTC))
    async with connected(settings) as pool:
        hospital = await find_establishment(pool, establishment)
        return await make_token(pool, hospital.id, role=role, name=name, expires_at=ends)


def _moment(written: str, *, now: datetime) -> datetime:
    days = written.removesuffix("d")
    try:
        moment = now + timedelta(days=int(days)) if written.endswith("d") else datetime.fromisoformat(written)
    except (ValueError, OverflowError) as error:
        raise InputError(f"reading --expires: {written!r} is neither days (90d) nor a date (2027-01-31)") from error
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    if moment <= now:
        raise InputError(f"reading --expires: {written!r} is over already")
    return moment


def _readable(name: str, *, doing: str) -> str:
    """A name that a list of people and a log line can show; InputError otherwise."""
    if not 1 <= len(name.strip()) <= NAME_CHARS_MAX or not name.isprintable():
        raise InputError(f"{doing}: a name has 1 to {NAME_CHARS_MAX} characters that can be seen")
    return name.strip()


@command.command("list")
def list_tokens(establishment: Which = None, state: State = None, as_json: AsJson = False) -> None:
    """List the tokens of an establishment, revoked ones included."""
    found = run("token list", _list(settings_from(state=state), establishment))
    if as_json:
        print_json(found)
        return
    for token in found:
        print(f"{token.id}  {token.role:<9}  {_standing(token, now=datetime.now(UTC)):<20}  {token.name}")


async def _list(settings: Settings, establishment: str | None) -> list[Token]:
    async with connected(settings) as pool:
        hospital = await find_establishment(pool, establishment)
        async with pool.acquire() as connection:
            return await tokens.list_all(connection, hospital.id)


def _standing(token: Token, *, now: datetime) -> str:
    if token.revoked_at is not None:
        return f"revoked {token.revoked_at:%Y-%m-%d}"
    if token.expires_at is None:
        return "valid"
    return f"{'expired' if token.expires_at <= now else 'valid until'} {token.expires_at:%Y-%m-%d}"


@command.command()
def revoke(
    token: Annotated[str, typer.Argument(help="The token's id, from `token list`.")],
    establishment: Which = None,
    state: State = None,
) -> None:
    """End a token at once."""
    run("token revoke", _revoke(settings_from(state=state), establishment, token), bad_input=True)
    say(f"token {token} is revoked")


async def _revoke(settings: Settings, establishment: str | None, token: str) -> None:
    async with connected(settings) as pool:
        hospital = await find_establishment(pool, establishment)
        async with pool.acquire() as connection:
            if not await tokens.revoke(connection, hospital.id, token, now=datetime.now(UTC)):
                raise InputError(f"revoking a token: establishment {hospital.id} has no valid token {token!r}")


@command.command("new-establishment")
def new_establishment(
    name: Annotated[str, typer.Argument(help="The hospital's name.")],
    beds: Annotated[
        int | None, typer.Option(min=0, max=BEDS_MAX, help="Its beds: they scale numbers of patients.")
    ] = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Make an establishment, so that tokens can be made for it."""

    async def work() -> tuple[int, str]:
        wanted = _readable(name, doing="making an establishment")
        async with connected(settings_from(state=state)) as pool:
            made = await ensure_establishment(pool, name=wanted, beds=beds)
            return made.id, made.name

    number, made_name = run("token new-establishment", work(), bad_input=True)
    if as_json:
        print_json({"id": number, "name": made_name})
    else:
        print(f"establishment {number}: {made_name}")
