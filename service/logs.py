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
ERROR_CHARS_MAX: Final = 500  # of a library's error: some repeat the request that they could not read


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
    root = logging.getLogger()
    if not any(isinstance(handler, _Libraries) for handler in root.handlers):
        root.addHandler(_Libraries(logging.WARNING))


class _Libraries(logging.Handler):
    """What libraries log, as events of ours: in the same form, to the same place, with no secret."""

    def emit(self, record: logging.LogRecord) -> None:
        """One event; the trouble of a peer (a database that went, a request that is none) needs no traceback."""
        error = record.exc_info[1] if record.exc_info else None
        told: dict[str, Any] = {} if error is None else {"error": f"{type(error).__name__}: {error}"[:ERROR_CHARS_MAX]}
        if error is not None and not record.name.startswith(("asyncpg", "aiohttp")):
            told["exc_info"] = error
        structlog.get_logger().log(record.levelno, "library", library=record.name, said=record.getMessage(), **told)


def hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what is named like a secret, and what looks like one inside any text, tracebacks included."""
    for name, value in event.items():
        if _SECRET_NAMES.search(name):
            event[name] = HIDDEN
        elif isinstance(value, str):
            event[name] = _SECRET_VALUES.sub(HIDDEN, value)
    return event
