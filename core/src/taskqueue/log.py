"""Logs: one JSON object a line for machines, or a readable line for people, and no secret in either.

Code says what happened and with which job: `log.info("job retried", job=name, after_ms=250)`. Params and
payloads are left out whatever asks for them, tokens and passwords are hidden by their key, and the passwords
of URLs by their form, in exception texts too.
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["json", "console"]

HIDDEN = "***"

# What a user of the system passes to a handler is nobody else's business.
_PRIVATE = frozenset({"params", "payload", "body", "headers", "cookies"})
_SECRET = re.compile(r"passw|secret|token|authori[sz]ation|api_?key|credential|cookie", re.IGNORECASE)
_URL_LOGIN = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?P<user>[^\s:/?#@]*):[^\s/?#]*@", re.IGNORECASE)
_URL_TOKEN = re.compile(
    r"(?P<key>[?&;](?:[\w-]*(?:token|key|secret|signature)|passw(?:or)?d|sig|code)=)[^\s&#\"']+",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(?P<kind>Bearer|Basic)\s+[A-Za-z0-9+/._~=-]+", re.IGNORECASE)


def redact(text: str) -> str:
    """Hide the passwords and tokens that a text holds.

    >>> redact("redis://worker:s3cret@cache:6379/0 refused")
    'redis://worker:***@cache:6379/0 refused'
    >>> redact("GET https://api.example/orders?access_token=abc&page=2")
    'GET https://api.example/orders?access_token=***&page=2'
    """
    text = _URL_LOGIN.sub(rf"\g<scheme>\g<user>:{HIDDEN}@", text)
    text = _URL_TOKEN.sub(rf"\g<key>{HIDDEN}", text)
    return _BEARER.sub(rf"\g<kind> {HIDDEN}", text)


def configure(level: LogLevel = "info", log_format: LogFormat = "json") -> None:
    """Send what structlog and the standard library log to standard error, in one form.

    Fields of a line: `ts` (UTC, ISO 8601), `level`, `event`, then what the call names.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        structlog.processors.format_exc_info,
        _hide,
    ]
    structlog.configure(
        processors=[*shared, _rendered(log_format)],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _rendered(log_format)],
        )
    )
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)


def _rendered(log_format: LogFormat) -> Processor:
    if log_format == "console":
        # Tracebacks come as text that was redacted already.
        return structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,
            timestamp_key="ts",
        )
    return _json


def _json(logger: WrappedLogger, name: str, event: EventDict) -> str | bytes:
    ordered = {key: event[key] for key in ("ts", "level", "event") if key in event} | dict(event)
    return structlog.processors.JSONRenderer(default=str)(logger, name, ordered)


def _hide(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    return {key: _hidden(key, value) for key, value in event.items()}


def _hidden(key: str, value: Any) -> Any:
    if key in _PRIVATE or _SECRET.search(key):
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(inner): _hidden(str(inner), item) for inner, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_hidden("", item) for item in value]
    # Under a name with "_" structlog carries a record of the standard library along.
    plain = value is None or isinstance(value, bool | int | float) or key.startswith("_")
    return value if plain else redact(str(value))
