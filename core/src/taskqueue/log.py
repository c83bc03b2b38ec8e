"""Logs: one JSON object a line for machines, or a readable line for people, and no secret in either.

Code says what happened and with which job: `log.info("job retried", job=name, after_ms=250)`. Params and
payloads are left out whatever asks for them, tokens and passwords are hidden by their key, and the passwords
of URLs by their form, in exception texts too.

User code logs here, too, so a line takes bounded time whatever is in it, and one that cannot be written is lost
rather than raised.
"""

import logging
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any, Literal, TextIO, TypeVar, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from taskqueue.printable import printable, type_name

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["json", "console"]

_T = TypeVar("_T")

HIDDEN = "***"
#: Characters that are kept of one text. Of several lines, such as a traceback, the last ones are kept, too.
MAX_CHARACTERS = 8_192
_TAIL_CHARACTERS = 4_096
_MAX_ITEMS, _MAX_DEPTH = 100, 8
#: Characters of one line. A value counts as some more than its text: a hundred lists of a hundred lists have no end.
_MAX_LINE, _VALUE_COST = 65_536, 16
#: Python refuses to write much larger numbers.
_MAX_NUMBER = 2**64

# What a user of the system passes to a handler is nobody else's business.
_PRIVATE = frozenset({"params", "payload", "body", "headers", "cookies"})
_SECRET = re.compile(r"passw|secret|token|authori[sz]ation|api_?key|credential|cookie", re.IGNORECASE)
# Each of these takes time in proportion to the text: what stands before a fixed part is bounded or cannot overlap.
_URL_LOGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]{0,30}://)(?P<user>[^\s:/?#@]*):[^\s/?#]*@", re.IGNORECASE
)
_URL_TOKEN = re.compile(
    r"(?P<key>[?&;](?:[\w-]*(?:token|key|secret|signature)|passw(?:or)?d|sig|code)=)[^\s&#\"']+",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(?P<kind>Bearer|Basic)\s+[A-Za-z0-9+/._~=-]+", re.IGNORECASE)


def redact(text: str) -> str:
    """Hide the passwords and tokens that a text holds, and cut it after 8,192 characters.

    >>> redact("redis://worker:s3cret@cache:6379/0 refused")
    'redis://worker:***@cache:6379/0 refused'
    >>> redact("GET https://api.example/orders?access_token=abc&page=2")
    'GET https://api.example/orders?access_token=***&page=2'
    """
    if len(text) <= MAX_CHARACTERS:
        return _hide_secrets(text)
    # The end is kept from a line's beginning on: what was cut in the middle could not be recognised as a secret.
    tail = text[-_TAIL_CHARACTERS:].partition("\n")[2]
    head = text[: MAX_CHARACTERS - len(tail)]
    word = head.rsplit(maxsplit=1)[-1:]
    if word and "://" in word[0]:  # its password may end behind the cut
        head = head[: head.rindex(word[0])]
    return f"{_hide_secrets(head)}... ({len(text):,} characters) ...{_hide_secrets(tail)}"


def _hide_secrets(text: str) -> str:
    text = _URL_LOGIN.sub(rf"\g<scheme>\g<user>:{HIDDEN}@", text)
    text = _URL_TOKEN.sub(rf"\g<key>{HIDDEN}", text)
    return _BEARER.sub(rf"\g<kind> {HIDDEN}", text)


class _Output:
    """Standard error. A full disk, a closed pipe or a file that user code closed must not end the process."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            try:
                self._file.write(text)
            except UnicodeEncodeError:
                self._file.write(text.encode("ascii", "backslashreplace").decode())

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._file.flush()


def configure(level: LogLevel = "info", log_format: LogFormat = "json") -> None:
    """Send what structlog and the standard library log to standard error, in one form.

    Fields of a line: `ts` (UTC, ISO 8601), `level`, `event`, then what the call names.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    output = _Output(sys.stderr)
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
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", output)),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(output)
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
    line = _Line()
    return {key: line.shown(key, value) for key, value in event.items()}


class _Line:
    """The values of one line, until it is full."""

    def __init__(self) -> None:
        self._left = _MAX_LINE

    def shown(self, key: str, value: Any, depth: int = 0) -> Any:
        """Return what is written of a value: no secret, and no more than the line has room for."""
        self._left -= _VALUE_COST
        if key in _PRIVATE or _SECRET.search(key[:MAX_CHARACTERS]):
            return HIDDEN
        # Under a name with "_" structlog carries a record of the standard library along.
        if value is None or isinstance(value, bool | float) or key.startswith("_"):
            return value
        if isinstance(value, int) and -_MAX_NUMBER < value < _MAX_NUMBER:
            return value
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            if depth >= _MAX_DEPTH or self._left <= 0:
                return f"<{type_name(value)}>"
            if isinstance(value, Mapping):
                named = ((printable(name, 100), item) for name, item in self._first(value.items()))
                return {name: self.shown(name, item, depth + 1) for name, item in named}
            return [self.shown("", item, depth + 1) for item in self._first(value)]
        text = redact(value if isinstance(value, str) else printable(value, MAX_CHARACTERS))
        self._left -= len(text)
        return text if self._left > 0 or depth == 0 else "..."

    def _first(self, values: Iterable[_T]) -> Iterator[_T]:
        for value in islice(values, _MAX_ITEMS):
            if self._left <= 0:
                return
            yield value
