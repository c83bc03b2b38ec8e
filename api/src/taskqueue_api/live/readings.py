"""Values of the store that pages share: each is read once for all viewers, and kept for a while.

A reading that takes long is repeated less often, so that none takes more than a hundredth of a core; while writes
follow each other, a tenth. Of the last two readings the shorter one counts: a busy machine makes any reading long.
Every call after a write returns a value read after the write.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from taskqueue.errors import TaskqueueError

_Value = TypeVar("_Value")
#: Values that are kept; the one that was unused for longest goes first.
MAX_VALUES = 500
#: A reading of 50 ms is repeated after 5 s at the earliest.
_PAUSE_PER_READING = 100.0
#: After a write it is repeated at the next use, but not before it has rested for 0.5 s.
_REST_PER_READING = 10.0
#: Seconds for which a value is shown beyond its time. It grows old without viewers: the next one waits for a new one.
MAX_OVERDUE_S = 5.0
#: Seconds until a failed reading is repeated.
_RETRY_S = 1.0


@dataclass(slots=True)
class _Kept:
    """due_s: from then on the value is read again.   rests_until_s: before then not even after a write.

    error: of the last reading.   seen: writes that were done when it began; -1 before the first.
    took_s: seconds that the last reading took; 0 before the first.
    """

    reading: "asyncio.Task[None] | None" = None
    value: Any = None
    error: TaskqueueError | None = None
    due_s: float = float("-inf")
    rests_until_s: float = float("-inf")
    seen: int = -1
    took_s: float = 0.0


class Readings:
    """The values of one process.   writes: the number of writes that were done through it."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.writes = 0
        self._clock = clock
        self._sleep = sleep
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    async def get(
        self,
        key: Hashable,
        read: Callable[[], Awaitable[_Value]],
        period_s: float,
        *,
        waits: bool = False,
        is_past: bool = False,
    ) -> _Value:
        """Return a value. One that is older than a period is read again for the next call.

        It is read for this call with waits, after a failure, after a write, and where nobody asked for MAX_OVERDUE_S.
        period_s: 0 keeps nothing; calls at the same time share one reading.   is_past: the value is of the past, which
        no write changes.   Raises the TaskqueueError of the last reading.
        """
        wanted = 0 if is_past else self.writes
        kept = self._begin(key, read, period_s, wanted)
        is_old = self._clock() - kept.due_s > MAX_OVERDUE_S
        # A viewer that leaves ends no reading for which another one waits.
        if kept.reading and (waits or is_old or kept.error):
            await asyncio.shield(kept.reading)
        while kept.seen < wanted:
            kept = self._begin(key, read, period_s, wanted)
            if kept.reading:
                await asyncio.shield(kept.reading)
        if kept.error:
            raise kept.error
        value: _Value = kept.value
        return value

    def peek(self, key: Hashable, read: Callable[[], Awaitable[_Value]], period_s: float) -> _Value | None:
        """Return a value as `get` does, but wait for none: None until it was read once."""
        value: _Value | None = self._begin(key, read, period_s, self.writes).value
        return value

    def expire(self) -> None:
        """Read all values but those of the past again at their next use: the store was written."""
        self.writes += 1

    def _begin(
        self, key: Hashable, read: Callable[[], Awaitable[Any]], period_s: float, wanted: int
    ) -> _Kept:
        """Return what is kept of a value, and begin to read it where that is due.   wanted: writes to be seen."""
        kept = self._kept.setdefault(key, _Kept())
        self._kept.move_to_end(key)
        if len(self._kept) > MAX_VALUES:
            self._kept.popitem(last=False)
        is_due = self._clock() >= kept.due_s or kept.seen < wanted
        if is_due and kept.reading is None:
            kept.reading = asyncio.create_task(self._read(kept, read, period_s))
        return kept

    async def _read(self, kept: _Kept, read: Callable[[], Awaitable[Any]], period_s: float) -> None:
        try:
            if (rest_s := kept.rests_until_s - self._clock()) > 0:
                await self._sleep(rest_s)
            seen, began_s = self.writes, self._clock()
            try:
                kept.value, kept.error = await read(), None
            except TaskqueueError as error:
                kept.error = error
            ended_s = self._clock()
            before_s, kept.took_s = kept.took_s, ended_s - began_s
            cost_s = min(before_s, kept.took_s)
            pause_s = max(period_s, cost_s * _PAUSE_PER_READING) if period_s else 0.0
            kept.seen, kept.due_s = seen, ended_s + (_RETRY_S if kept.error else pause_s)
            kept.rests_until_s = ended_s + cost_s * _REST_PER_READING
        finally:
            kept.reading = None
