"""Logs: one JSON object a line for machines, or a readable line for people, and no secret in either.

A call names an event and its fields: `log.info("job retried", job=name, after_ms=250)`. A line never has params or
payloads; it hides tokens and passwords by their key, and the logins of URLs by their form, in exception texts and
tracebacks too.

User code logs here as well, so a line takes bounded time for any value, and a line that cannot be written is lost
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

from taskqueue.text.printable import printable, printable_line, type_name
from taskqueue.text.redaction import HIDDEN, MAX_CHARACTERS, redact, show_traceback
from taskqueue.text.terminal import unfiltered

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["json", "console"]

_T = TypeVar("_T")

_MAX_ITEMS, _MAX_DEPTH = 100, 8
#: Fields that hold tracebacks, and keep their line ends.
_SEVERAL_LINES = frozenset({"exception", "stack"})
#: Characters of one line. Each value costs a few besides its text: a hundred lists of a hundred lists have no end.
_MAX_LINE, _VALUE_COST = 65_536, 16
#: Python refuses to format much larger numbers.
_MAX_NUMBER = 2**64

# The data that users pass to handlers is private.
_PRIVATE = frozenset({"params", "payload", "body", "headers", "cookies"})
_SECRET = re.compile(r"passw|secret|token|authori[sz]ation|api_?key|credential|cookie", re.IGNORECASE)


class _Output:
    """Standard error, where a full disk, a closed pipe or a file that user code closed ends no process."""

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
    """Send the logs of structlog and of the standard library to standard error, in one form.

    Fields of a line: `ts` (UTC, ISO 8601), `level`, `event`, then the fields of the call.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    output = _Output(unfiltered(sys.stderr))
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
    sys.excepthook = show_traceback


def _rendered(log_format: LogFormat) -> Processor:
    if log_format == "console":
        # Tracebacks come as text that was redacted already.
        return _Console()
    return _json


class _Console:
    """Renders lines for people, with every part made printable."""

    def __init__(self) -> None:
        self._render = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,
            timestamp_key="ts",
        )

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> str:
        line = {printable_line(key): self._printable(key, value) for key, value in event.items()}
        return self._render(logger, name, line)

    def _printable(self, key: str, value: Any) -> Any:
        if isinstance(value, str):
            return (printable if key in _SEVERAL_LINES else printable_line)(value, len(value) * 10)
        if isinstance(value, Mapping):
            return {printable_line(name): self._printable("", item) for name, item in value.items()}
        return [self._printable("", item) for item in value] if isinstance(value, list) else value


def _json(logger: WrappedLogger, name: str, event: EventDict) -> str | bytes:
    ordered = {key: event[key] for key in ("ts", "level", "event") if key in event} | dict(event)
    return structlog.processors.JSONRenderer(default=str)(logger, name, ordered)


def _hide(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    line = _Line()
    return {key: line.fit(key, value) for key, value in event.items()}


class _Line:
    """The values of one line, until it is full."""

    def __init__(self) -> None:
        self._left = _MAX_LINE

    def fit(self, key: str, value: Any, depth: int = 0) -> Any:
        """Return a value without secrets, cut to the room that the line has left."""
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
                return {name: self.fit(name, item, depth + 1) for name, item in named}
            return [self.fit("", item, depth + 1) for item in self._first(value)]
        text = redact(value if isinstance(value, str) else printable(value, MAX_CHARACTERS))
        self._left -= len(text)
        return text if self._left > 0 or depth == 0 else "..."

    def _first(self, values: Iterable[_T]) -> Iterator[_T]:
        for value in islice(values, _MAX_ITEMS):
            if self._left <= 0:
                return
            yield value
