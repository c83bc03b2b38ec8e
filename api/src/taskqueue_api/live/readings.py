"""Values of the store that pages share: each is read once for all viewers, and kept for a while.

A reading that takes long is repeated less often, so that none takes more than a hundredth of a core.
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
#: Seconds for which a value is shown beyond its time. It grows old without viewers: the next one waits for a new one.
MAX_OVERDUE_S = 5.0
#: Seconds until a failed reading is repeated.
_RETRY_S = 1.0


@dataclass(slots=True)
class _Kept:
    """due_s: from then on the value is read again.   error: of the last reading.   is_past: no action changes it."""

    reading: "asyncio.Task[None] | None" = None
    value: Any = None
    error: TaskqueueError | None = None
    due_s: float = float("-inf")
    is_read: bool = False
    is_past: bool = False


class Readings:
    """The values of one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
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

        With waits, or where nobody asked for longer than MAX_OVERDUE_S, it is read for this call.

        is_past: the value is of the past, which no action changes.   Raises the TaskqueueError of the last reading.
        """
        kept = self._begin(key, read, period_s)
        kept.is_past = is_past
        is_old = self._clock() - kept.due_s > MAX_OVERDUE_S
        if kept.reading and (waits or not kept.is_read or is_old):
            # A viewer that leaves ends no reading for which another one waits.
            await asyncio.shield(kept.reading)
        if kept.error:
            raise kept.error
        value: _Value = kept.value
        return value

    def peek(self, key: Hashable, read: Callable[[], Awaitable[_Value]], period_s: float) -> _Value | None:
        """Return a value as `get` does, but wait for none: None until it was read once."""
        value: _Value | None = self._begin(key, read, period_s).value
        return value

    def _begin(self, key: Hashable, read: Callable[[], Awaitable[Any]], period_s: float) -> _Kept:
        """Return what is kept of a value, and begin to read it where that is due."""
        kept = self._kept.setdefault(key, _Kept())
        self._kept.move_to_end(key)
        if len(self._kept) > MAX_VALUES:
            self._kept.popitem(last=False)
        if self._clock() >= kept.due_s and kept.reading is None:
            kept.reading = asyncio.create_task(self._read(kept, read, period_s))
        return kept

    def expire(self) -> None:
        """Read all values but those of the past again at their next use, as a person has changed the store."""
        for kept in self._kept.values():
            if not kept.is_past:
                kept.due_s, kept.is_read = float("-inf"), False

    async def _read(self, kept: _Kept, read: Callable[[], Awaitable[Any]], period_s: float) -> None:
        began_s = self._clock()
        try:
            kept.value, kept.error, kept.is_read = await read(), None, True
            took_s = self._clock() - began_s
            kept.due_s = self._clock() + max(period_s, took_s * _PAUSE_PER_READING)
        except TaskqueueError as error:
            kept.error = error
            kept.due_s = self._clock() + _RETRY_S
        finally:
            kept.reading = None
