"""What can go wrong at the border, each kind once: its type, status and title (RFC 9457, problem details).

A problem is raised where it is found and becomes a response in `service/border.py`, nowhere else.
It never carries a secret, an SQL text or a traceback.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated

from pydantic import Field

PROBLEM_MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class _About:
    slug: str
    status: int
    title: str


class Kind(Enum):
    """The kinds of problem a client can meet; the slug is stable, the title is for people."""

    INVALID_REQUEST = _About("invalid-request", 400, "The request cannot be read")
    INVALID_PARAMETERS = _About("invalid-parameters", 400, "A parameter is not valid")
    INVALID_JSON = _About("invalid-json", 400, "The body is not JSON")
    NO_TOKEN = _About("no-token", 401, "A valid access token is needed")
    WRONG_ROLE = _About("wrong-role", 403, "The token's role may not do this")
    UNKNOWN_PATH = _About("unknown-path", 404, "There is nothing at this path")
    UNKNOWN_ASSET = _About("unknown-asset", 404, "There is no such asset")
    UNKNOWN_PATHWAY = _About("unknown-pathway", 404, "There is no such pathway")
    UNKNOWN_JOB = _About("unknown-job", 404, "There is no such job")
    UNKNOWN_PROBLEM = _About("unknown-problem", 404, "There is no such kind of problem")
    NO_RANKING = _About("no-ranking", 404, "Nothing has been ranked yet")
    NO_POLICY = _About("no-policy", 404, "No policy has been set yet")
    METHOD_NOT_ALLOWED = _About("method-not-allowed", 405, "This path does not know this method")
    BODY_TOO_SLOW = _About("body-too-slow", 408, "The body took too long to arrive")
    ALREADY_RUNNING = _About("already-running", 409, "A run is already under way for this establishment")
    CHANGED_MEANWHILE = _About("changed-meanwhile", 412, "Somebody changed it since you read it")
    BODY_TOO_LARGE = _About("body-too-large", 413, "The body is larger than this path takes")
    WRONG_MEDIA_TYPE = _About("wrong-media-type", 415, "The body is not of a type this path takes")
    INVALID_BODY = _About("invalid-body", 422, "The body does not say what this path needs")
    TOO_MANY_JOBS = _About("too-many-jobs", 429, "Too many jobs are waiting")
    INTERNAL = _About("internal", 500, "The service failed; its log says why under the request id")
    NOT_READY = _About("not-ready", 503, "The service is not ready")

    @property
    def slug(self) -> str:
        """The last part of its type."""
        return self.value.slug

    @property
    def type(self) -> str:
        """The type URI, relative to the service."""
        return f"/problems/{self.value.slug}"

    @property
    def status(self) -> int:
        """The HTTP status it is sent with."""
        return self.value.status

    @property
    def title(self) -> str:
        """One sentence for people, the same for every occurrence."""
        return self.value.title


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One thing that is wrong with a request, and where."""

    where: Annotated[str, Field(description="query.limit, body.kind, ...")]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemDocument:
    """A problem as it is sent (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: Annotated[str, Field(description="the path that was asked")]
    request_id: str
    errors: tuple[Place, ...] = ()


class ProblemError(Exception):
    """A request that cannot be answered as asked; the middleware turns it into a response."""

    def __init__(
        self, kind: Kind, detail: str, *, errors: Sequence[Place] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def document(self, *, instance: str, request_id: str) -> ProblemDocument:
        """The document to send for this occurrence."""
        return ProblemDocument(
            type=self.kind.type,
            title=self.kind.title,
            status=self.kind.status,
            detail=self.detail,
            instance=instance,
            request_id=request_id,
            errors=self.errors,
        )


class InputError(ValueError):
    """Input from a person or file that cannot be taken; the message is one plain sentence for whoever gave it."""
