"""Part of station 3: the regular expressions that cards may use - a subset that cannot run away.

Pure. A pattern is anchored, short, without nested repetition, look-around or back-reference, and reads a bounded text:
its worst case is a small power of `TEXT_CHARS_MAX`, and a test times every pattern of every card.
"""

import re
from collections.abc import Iterator
from re import _constants, _parser  # type: ignore[attr-defined]  # no public parser; shape held by test_pattern.py
from typing import Any

TEXT_CHARS_MAX = 1_024  # sysDescr has at most 255 octets (RFC 3418), the longest in the field about 600
PATTERN_CHARS_MAX = 600
REPEATS_MAX = 12  # open-ended repeats of a class, as in [0-9.]+ or [^;]+: they stop at their delimiter
WIDE_REPEATS_MAX = 2  # open-ended repeats of anything, as in .* - each multiplies the worst case by the text
_OPEN = 128  # a repeat with a higher bound counts as open-ended


class PatternError(ValueError):
    """A pattern outside the subset; the message says which rule it breaks."""


def compile_pattern(source: str) -> re.Pattern[str]:
    """The compiled pattern; PatternError when it is outside the subset."""
    if len(source) > PATTERN_CHARS_MAX:
        raise PatternError(f"longer than {PATTERN_CHARS_MAX} characters")
    if not source.startswith("^"):
        raise PatternError("not anchored: begin it with ^")
    try:
        parsed = _parser.parse(source)
        pattern = re.compile(source)
    except (re.error, RecursionError, OverflowError) as error:
        raise PatternError(f"no regular expression: {error}") from error
    narrow = wide = 0
    for operation, argument, within_repeat in _operations(parsed, within_repeat=False):
        if operation in _REFUSED:
            raise PatternError("look-around, back-references and conditions are not allowed")
        if operation not in _REPEATS or argument[1] <= 1:
            continue
        if within_repeat:
            raise PatternError("a repeat within a repeat")
        if argument[1] > _OPEN:
            if _is_wide(argument[2]):
                wide += 1
            else:
                narrow += 1
    if wide > WIDE_REPEATS_MAX or narrow > REPEATS_MAX:
        raise PatternError(f"more than {WIDE_REPEATS_MAX} open repeats of anything or {REPEATS_MAX} of a class")
    return pattern


def literal_chars(source: str) -> int:
    """How many characters the pattern fixes: the measure of how specific it is (see `recognise`)."""
    return _fixed(_parser.parse(source))


_REPEATS = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)
_REFUSED = (
    _constants.ASSERT,
    _constants.ASSERT_NOT,
    _constants.GROUPREF,
    _constants.GROUPREF_EXISTS,
    _constants.ATOMIC_GROUP,
)


def _operations(parsed: Any, *, within_repeat: bool) -> Iterator[tuple[Any, Any, bool]]:
    for operation, argument in parsed:
        yield operation, argument, within_repeat
        if operation in _REPEATS:
            yield from _operations(argument[2], within_repeat=within_repeat or argument[1] > 1)
        elif operation is _constants.SUBPATTERN:
            yield from _operations(argument[3], within_repeat=within_repeat)
        elif operation is _constants.BRANCH:
            for branch in argument[1]:
                yield from _operations(branch, within_repeat=within_repeat)


def _is_wide(repeated: Any) -> bool:
    """Whether what is repeated takes any character: `.`, or more than one element."""
    if len(repeated) != 1:
        return True
    operation, argument = repeated[0]
    if operation in (_constants.ANY, _constants.BRANCH):
        return True
    if operation is _constants.SUBPATTERN:
        return _is_wide(argument[3])
    return False


def _fixed(parsed: Any) -> int:
    total = 0
    for operation, argument in parsed:
        if operation is _constants.LITERAL:
            total += 1
        elif operation in _REPEATS:
            total += argument[0] * _fixed(argument[2])
        elif operation is _constants.SUBPATTERN:
            total += _fixed(argument[3])
        elif operation is _constants.BRANCH:
            total += min(_fixed(branch) for branch in argument[1])
    return total
