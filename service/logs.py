"""Events into log lines, on stderr. It lets no secret through, whoever logs it."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

_SECRET_NAMES: Final = re.compile(
    r"token|secret|password|passwd|authorization|community|auth_key|privacy_key|_url$|^url$|dsn", re.IGNORECASE
)
_SECRET_VALUES: Final = re.compile(r"wg_[A-Za-z0-9_-]{43}|(?<=://)[^/@\s:]+:[^/@\s]+(?=@)")
HIDDEN: Final = "[hidden]"


def configure_logs(*, as_json: bool, least: int = logging.INFO) -> None:
    """Log to stderr from here on, from a level up: readable lines, or one JSON object a line."""
    renderer: Any = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            hide_secrets,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what is named like a secret, and what looks like one inside any text, tracebacks included."""
    for name, value in event.items():
        if _SECRET_NAMES.search(name):
            event[name] = HIDDEN
        elif isinstance(value, str):
            event[name] = _SECRET_VALUES.sub(HIDDEN, value)
    return event
