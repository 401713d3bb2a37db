"""Bytes from outside into values of a declared type, or a problem that names every place that is wrong.

It never repeats a value in a message: a value may be a secret.
"""

from typing import Any, TypeVar

import orjson
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from service.errors import Kind, Place, ProblemError

PLACES_MAX = 20  # enough to mend a form; a list of thousands helps nobody

strict = with_config(ConfigDict(extra="forbid"))  # every type read from outside: an unknown key is an error

A = TypeVar("A")


def parsed(content: bytes) -> Any:
    """The JSON of a body; NUL is refused here because no text column takes it."""
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise ProblemError(Kind.INVALID_JSON, f"Not JSON: {error}.") from error
    if b"\\u0000" in content:
        raise ProblemError(Kind.INVALID_JSON, "A text holds a NUL character.")
    return document


def validated(adapter: TypeAdapter[A], given: Any, *, where: str, kind: Kind) -> A:
    """The value of the declared type, or a problem that names every place that is wrong."""
    try:
        return adapter.validate_python(given)
    except ValidationError as error:
        raise refusal(kind, places_of(error, where=where)) from error


def places_of(error: ValidationError, *, where: str) -> list[Place]:
    """What pydantic found wrong."""
    return [
        Place(
            where=".".join([where, *(str(part)[:80] for part in entry["loc"])]),
            reason=_REASONS.get(entry["type"], entry["msg"]),
        )
        for entry in error.errors(include_url=False, include_input=False, include_context=False)[:PLACES_MAX]
    ]


_REASONS = {"unexpected_keyword_argument": "not known here", "missing": "is missing", "missing_argument": "is missing"}


def refusal(kind: Kind, places: list[Place]) -> ProblemError:
    """The problem of several places; the first is told in the detail."""
    first = places[0]
    return ProblemError(kind, f"{first.where}: {first.reason}.", errors=places[:PLACES_MAX])
