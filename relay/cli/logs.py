"""What the log looks like: lines of JSON for machines, columns for a person at a terminal.

Nothing that passes through here holds a key.  Everything an event carries becomes text first,
because a key may hide in an object's `repr` as well; tracebacks come without local variables for
the same reason.
"""

import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, TextIO

import structlog

from relay.identity.redact import redact

Event = MutableMapping[str, Any]


def configure_logs(stream: TextIO | None = None) -> None:
    """Send every log line to `stream`, standard error if None."""
    out = stream or sys.stderr
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            without_keys,
            _renderer(terminal=out.isatty()),
        ],
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=True,
    )


def without_keys(_logger: Any, _method: str, event: Event) -> Event:
    """A structlog processor that cuts every key in an event."""
    return {redact(name): _clean(value) for name, value in event.items()}


def _clean(value: Any) -> Any:
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return redact(value)
        case Mapping():
            return {redact(str(key)): _clean(inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_clean(inner) for inner in value]
        case _:
            return redact(repr(value))


def _renderer(*, terminal: bool) -> Callable[[Any, str, Event], str | bytes]:
    if not terminal:
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
