"""The time that processes themselves take: that of the clock, without their waits for a processor.

A busy machine keeps a process waiting for seconds; Linux counts that time for each thread.
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


class OwnTime:
    """Begins now. pids: of processes, whose children count, too; `look` often: an ended process tells nothing more."""

    def __init__(self, *pids: int) -> None:
        self._pids = pids
        self._began_s = time.monotonic()
        self._waited_ns: dict[Path, int] = {}
        self._before_ns = 0
        self.look()
        self._before_ns = sum(self._waited_ns.values())

    def look(self) -> float:
        """Return the time so far (s)."""
        for pid in (os.getpid(), *(one for root in self._pids for one in _family(root))):
            with suppress(OSError):  # it has ended
                for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                    self._waited_ns[thread] = int(thread.read_text().split()[1])
        waited_ns = sum(self._waited_ns.values()) - self._before_ns
        return time.monotonic() - self._began_s - waited_ns / 1e9


def _family(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in children.read_text().split():
                yield from _family(int(child))
