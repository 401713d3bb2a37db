"""What people declare: the files they keep, and the policy of what may be probed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field

from service.auth import DECIDERS, KEEPERS, PROBING
from service.errors import InputError, Kind, ProblemError
from service.imports import FILE_BYTES_MAX, File, ImportKind, ImportReport, import_file
from service.plans import Policy, without_secrets
from service.policies import CHANGED_MEANWHILE, POLICY_BYTES_MAX, PolicyInForce, load_policy, save_policy
from service.reading import strict
from service.routes import Answer, Nothing, Route, SiteCall, encoded, etag_of


@strict
@dataclass(frozen=True, slots=True, kw_only=True)
class ImportQuery:
    """Which list, from which file."""

    kind: ImportKind
    source: Annotated[
        str | None, Field(min_length=1, max_length=200, description="the file's name, for the evidence")
    ] = None
    dry_run: Annotated[bool, Field(description="say what would happen and keep nothing")] = False


async def post_import(call: SiteCall[ImportQuery, bytes]) -> Answer[ImportReport]:
    """Take a CSV file (comma, semicolon or tab; UTF-8 or cp1252), row by row: accepted, or rejected with the reason.

    Units, rooms, ports and links replace the list before. The lines of an asset list are statements and add up.
    """
    asked = call.parameters
    file = File(
        kind=asked.kind,
        name=asked.source or f"{asked.kind}.csv",
        content=call.body,
        brought_by=call.access.name,
        brought_at=call.received_at,
    )
    try:
        report = await import_file(
            call.context.pool, call.establishment, file, pack=call.context.pack, dry_run=asked.dry_run
        )
    except InputError as error:
        raise ProblemError(Kind.INVALID_BODY, f"{error}.") from error
    return Answer(value=report)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyView:
    """The policy in force, without its secrets."""

    version: int
    saved_by: str
    saved_at: datetime
    policy: Policy


async def get_policy(call: SiteCall[Nothing, None]) -> Answer[PolicyView]:
    """The policy in force. Communities and keys are never answered."""
    async with call.database() as connection:
        in_force = await load_policy(connection, call.establishment)
    if in_force is None:
        raise ProblemError(Kind.NO_POLICY, "No policy has been set, so nothing may be asked.")
    return Answer(value=_view(in_force))


async def put_policy(call: SiteCall[Nothing, Policy]) -> Answer[PolicyView]:
    """Put a policy in force. With If-Match it is taken only if nobody changed it since.

    Credentials sent without their secrets keep those stored under the same name.
    """
    async with call.database() as connection:
        before = await load_policy(connection, call.establishment)
        expected = call.headers.get("If-Match")
        if expected is not None and (before is None or expected not in ("*", etag_of(encoded(_view(before))))):
            raise ProblemError(Kind.CHANGED_MEANWHILE, CHANGED_MEANWHILE)
        try:
            after = await save_policy(
                connection,
                call.establishment,
                call.body,
                sealer=call.context.sealer,
                saved_by=call.access.name,
                saved_at=call.received_at,
            )
        except InputError as error:
            raise ProblemError(Kind.INVALID_BODY, f"{error}.") from error
    view = _view(after)
    return Answer(value=view, headers={"ETag": etag_of(encoded(view))})


def _view(in_force: PolicyInForce) -> PolicyView:
    return PolicyView(
        version=in_force.version,
        saved_by=in_force.saved_by,
        saved_at=in_force.saved_at,
        policy=without_secrets(in_force.policy),
    )


ROUTES = (
    Route(
        method="POST",
        path="/v1/imports/{kind}",
        handler=post_import,
        summary="Import a list",
        roles=KEEPERS,
        tag="declarations",
        consumes="text/csv",
        body_bytes_max=FILE_BYTES_MAX,
        problems=(Kind.INVALID_BODY,),
    ),
    Route(
        method="GET",
        path="/v1/policy",
        handler=get_policy,
        summary="What may be probed",
        roles=DECIDERS,
        tag="declarations",
        problems=(Kind.NO_POLICY,),
    ),
    Route(
        method="PUT",
        path="/v1/policy",
        handler=put_policy,
        summary="Decide what may be probed",
        roles=PROBING,
        tag="declarations",
        body_bytes_max=POLICY_BYTES_MAX,
        problems=(Kind.CHANGED_MEANWHILE,),
    ),
)
