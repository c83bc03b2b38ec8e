"""Standard output and error of a command, where nothing that moves the cursor gets through.

A message may hold what a file, a server or an argument said; a library prints it, too, when it refuses an argument. So
everything passes through here, but for what is drawn: tables, plots, bars and coloured logs write to `unfiltered`, and
make their parts printable themselves.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from taskqueue.printable import printable


class Filtered:
    """A text stream whose text is made printable. It has no buffer, past which bytes could be written."""

    def __init__(self, stream: TextIO) -> None:
        self.unfiltered = stream

    def write(self, text: str) -> int:
        """Write a text with escapes for what is not printable; lines stay lines. Raises TypeError for bytes."""
        if not isinstance(text, str):  # so libraries find out whether a stream is binary
            raise TypeError("text is written, not bytes")
        self.unfiltered.write(printable(text, len(text) * 10))
        return len(text)

    def writelines(self, texts: Any) -> None:
        """Write several texts."""
        for text in texts:
            self.write(text)

    def __getattr__(self, name: str) -> Any:
        """Answer anything else as the stream does."""
        if name in {"buffer", "detach", "reconfigure"}:
            raise AttributeError(name)
        return getattr(self.unfiltered, name)


def unfiltered(stream: TextIO) -> TextIO:
    """Return the stream below, for what is drawn."""
    below: TextIO = getattr(stream, "unfiltered", stream)
    return below


@contextmanager
def filtered_output() -> Iterator[None]:
    """Filter standard output and error."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast("TextIO", Filtered(unfiltered(stream))) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
