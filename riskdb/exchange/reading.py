"""Before station 6: single values out of parsed JSON, each mistake with the place it stands in.

Knows JSON and nothing of hospitals; `riskdb.exchange` knows the formats. It changes and defaults nothing.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

LIST_ITEMS_MAX = 2_000_000  # twice the largest region measured; a longer list is not a graph but an accident
TEXT_CHARS_MAX = 1_000  # ids are shown, linked and stored as keys
WHOLE_MAX = 2**63 - 1  # what JSON readers agree on
NUMBER_MAX = 1e12  # more people than ever lived; keeps sums finite
ANNOTATIONS = frozenset({"kind", "type", "name", "unit"})  # anywhere, with keys beginning x_; they change no number


class ExchangeError(ValueError):
    """A document that is not of its format: the place, and what is wrong there."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}" if place else problem)


def is_annotation(key: str) -> bool:
    """Is this a key that may stand anywhere and changes no number?"""
    return key in ANNOTATIONS or key.startswith("x_")


def fields(
    value: object, place: str, *, required: Collection[str] = (), optional: Collection[str] = ()
) -> Mapping[str, Any]:
    """An object with these keys, annotations apart."""
    if not isinstance(value, dict):
        raise ExchangeError(place, f"must be an object, not {shown(value)}")
    for key in value:
        if not isinstance(key, str):
            raise ExchangeError(place, f"a key must be text, not {shown(key)}")
        if key not in required and key not in optional and not is_annotation(key):
            raise ExchangeError(place, f"unknown key {shown(key)}")
    for key in required:
        if key not in value:
            raise ExchangeError(place, f"{key!r} is missing")
    for key in ANNOTATIONS.intersection(value):
        if value[key] is not None and not isinstance(value[key], str):
            raise ExchangeError(within(place, key), f"must be text, not {shown(value[key])}")
    return value


def items(value: object, place: str) -> Sequence[Any]:
    """A list."""
    if not isinstance(value, list):
        raise ExchangeError(place, f"must be a list, not {shown(value)}")
    if len(value) > LIST_ITEMS_MAX:
        raise ExchangeError(place, f"holds {len(value)} items, more than {LIST_ITEMS_MAX}")
    return value


def text(value: object, place: str) -> str:
    """A text that can be an id."""
    if not isinstance(value, str):
        raise ExchangeError(place, f"must be text, not {shown(value)}")
    if not 0 < len(value) <= TEXT_CHARS_MAX:
        raise ExchangeError(place, f"must have 1 to {TEXT_CHARS_MAX} characters, not {len(value)}")
    return value


def whole(value: object, place: str, *, least: int = 0, most: int = WHOLE_MAX) -> int:
    """A whole number within bounds; true and 1.0 are not whole numbers."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ExchangeError(place, f"must be a whole number, not {shown(value)}")
    if not least <= value <= most:
        raise ExchangeError(place, f"must lie between {least} and {most}, not {value}")
    return value


def number(value: object, place: str, *, most: float = NUMBER_MAX) -> float:
    """A finite number from 0 to `most`."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ExchangeError(place, f"must be a number, not {shown(value)}")
    if not (math.isfinite(value) and 0 <= value <= most):
        raise ExchangeError(place, f"must lie between 0 and {most:g}, not {value}")
    return float(value) + 0.0  # -0.0 becomes 0.0


def within(place: str, key: str) -> str:
    """The place of a key in an object."""
    return f"{place}.{key}" if place else key


def shown(value: object) -> str:
    """A value as a message may show it: short, and never a whole document."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    words = {None: "null", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return words[value]
    told = repr(value)
    return told if len(told) <= 80 else f"{told[:77]}..."
