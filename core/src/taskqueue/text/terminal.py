"""Standard output and error of a command, without characters that move the cursor.

A message may quote a file, a server or an argument; libraries quote arguments too when they refuse them. So all text
passes through these streams, except drawings: tables, plots, bars and coloured logs write to `unfiltered`, and make
their parts printable themselves. A guard below both handles a stream that accepts no text: a full disk, or a standard
output that was closed before the process began.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from taskqueue.text.printable import printable


class OutputFailedError(Exception):
    """Standard output accepts no more text; the message is the reason of the system."""


class Guarded:
    """A text stream whose failures do not reach the code that writes; a reader that left stays BrokenPipeError.

    is_answer: text that cannot be written raises OutputFailedError; otherwise it is lost.
    """

    def __init__(self, stream: TextIO, *, is_answer: bool) -> None:
        self._stream = stream
        self._is_answer = is_answer
        self._failure: OSError | None = None

    def write(self, text: str) -> int:
        """Write a text. Raises OutputFailedError."""
        if not isinstance(text, str):  # libraries find out in this way whether a stream is binary
            raise TypeError("text is written, not bytes")
        self._guard(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Write the buffered text. Raises OutputFailedError."""
        self._guard(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        """Return any other attribute of the stream."""
        if name in {"buffer", "detach", "reconfigure", "writelines"}:
            raise AttributeError(name)
        return getattr(self._stream, name)

    def _guard(self, act: Callable[[], object]) -> None:
        try:
            if self._failure is None:
                act()
        except BrokenPipeError:
            raise
        except OSError as error:
            _drop(self._stream)
            self._failure = error
        # Again at each write: a library that tries a stream out may have swallowed the first.
        if self._failure and self._is_answer:
            raise OutputFailedError(self._failure.strerror) from self._failure


def _drop(stream: TextIO) -> None:
    """Redirect a stream to /dev/null: its buffered text would fail again when the process ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)


class Filtered:
    """A text stream that makes text printable. It has no `buffer`, so bytes cannot bypass it."""

    def __init__(self, stream: TextIO) -> None:
        self.unfiltered = stream

    def write(self, text: str) -> int:
        """Write a text with escapes for unprintable characters; lines stay lines. Raises TypeError for bytes."""
        if not isinstance(text, str):  # libraries find out in this way whether a stream is binary
            raise TypeError("text is written, not bytes")
        self.unfiltered.write(printable(text, len(text) * 10))
        return len(text)

    def writelines(self, texts: Any) -> None:
        """Write several texts."""
        for text in texts:
            self.write(text)

    def __getattr__(self, name: str) -> Any:
        """Return any other attribute of the stream."""
        if name in {"buffer", "detach", "reconfigure"}:
            raise AttributeError(name)
        return getattr(self.unfiltered, name)


def unfiltered(stream: TextIO) -> TextIO:
    """Return the stream below, for drawings."""
    below: TextIO = getattr(stream, "unfiltered", stream)
    return below


@contextmanager
def filtered_output() -> Iterator[None]:
    """Filter standard output and error."""
    before = sys.stdout, sys.stderr
    sys.stdout = _filtered(before[0], is_answer=True)
    sys.stderr = _filtered(before[1], is_answer=False)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _filtered(stream: TextIO, *, is_answer: bool) -> TextIO:
    guarded = Guarded(unfiltered(stream), is_answer=is_answer)
    return cast("TextIO", Filtered(cast("TextIO", guarded)))
