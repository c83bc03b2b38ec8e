"""Reads the store once a second while a page is open, for all pages.

Each second costs one script of bounded time. The count of all jobs walks the limits that jobs wait for, and the types
are a hundred kilobytes: they are read every few seconds, less often the longer they take.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping

from taskqueue.errors import TaskqueueError
from taskqueue.store.audit import audit
from taskqueue.store.clock import server_now_ms
from taskqueue.store.connection import Store
from taskqueue.store.types import read_catalog
from taskqueue.store.work import read_work
from taskqueue_api.live.plans import Plans
from taskqueue_api.live.readings import Readings
from taskqueue_api.live.snapshot import Snapshot

PERIOD_S = 1.0
#: Seconds between two readings of values that cost more.
_AUDIT_S, _CATALOG_S = 2.0, 5.0
#: Snapshots over which the starts per second are counted.
_SPAN = 10


class Reader:
    """The one reader of a process. Any number of pages follow it.

    readings: values of the store that pages share.   plans: of days, which the API shares, too.
    """

    def __init__(self, store: Store) -> None:
        self.readings = Readings()
        self.plans = Plans(store, self.readings)
        self._store = store
        self._newest: Snapshot | None = None
        self._failure: TaskqueueError | None = None
        self._started: deque[tuple[int, int]] = deque(maxlen=_SPAN)
        self._reading = asyncio.Lock()
        self._changed = asyncio.Condition()
        self._followers = 0
        self._read_s = float("-inf")
        self._seen = 0
        self._closed = False

    async def run(self) -> None:
        """Read until cancelled: a snapshot a second while a page is open."""
        while True:
            began_s = time.monotonic()
            if self._followers:
                await self._read()
                async with self._changed:
                    self._changed.notify_all()
            await asyncio.sleep(max(0.0, began_s + PERIOD_S - time.monotonic()))

    async def close(self) -> None:
        """End all iterations of `follow`."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    async def newest(self) -> Snapshot:
        """Return a snapshot that is at most two periods old, and has seen every write of this process.

        Raises TaskqueueError, which may be as old.
        """
        if not self._is_current(2 * PERIOD_S):
            await self._read(2 * PERIOD_S)
        if self._failure:
            raise self._failure
        assert self._newest
        return self._newest

    async def follow(self) -> AsyncIterator[Snapshot | TaskqueueError]:
        """Yield each new snapshot, or the reason why there is none, until the process ends."""
        self._followers += 1
        try:
            while not self._closed:
                async with self._changed:
                    await self._changed.wait()
                if newest := self._failure or self._newest:
                    yield newest
        finally:
            self._followers -= 1

    async def _read(self, most_s: float = 0.0) -> None:
        """Read a snapshot, unless that was done, or failed, in the last `most_s` seconds and since the last write."""
        async with self._reading:
            if self._is_current(most_s):
                return
            seen = self.readings.writes
            try:
                self._newest, self._failure = await self._snapshot(), None
            except TaskqueueError as failure:
                self._failure = failure
            self._read_s, self._seen = time.monotonic(), seen

    def _is_current(self, most_s: float) -> bool:
        return time.monotonic() - self._read_s <= most_s and self._seen == self.readings.writes

    async def _snapshot(self) -> Snapshot:
        taken_ms = await server_now_ms(self._store)
        work = await read_work(self._store)
        return Snapshot(
            taken_ms,
            work,
            await self.readings.get("audit", lambda: audit(self._store), _AUDIT_S, waits=True),
            await self.readings.get("catalog", lambda: read_catalog(self._store), _CATALOG_S, waits=True),
            self._starts_per_s(taken_ms, work.totals),
        )

    def _starts_per_s(self, taken_ms: int, totals: Mapping[str, int]) -> float | None:
        """Return the starts per second since the oldest of the last snapshots; None after a gap."""
        started = totals.get("leased", 0)
        last_ms, last = self._started[-1] if self._started else (taken_ms, started)
        if started < last or not 0 <= taken_ms - last_ms < _SPAN * 1000:
            self._started.clear()
        self._started.append((taken_ms, started))
        began_ms, before = self._started[0]
        return (started - before) * 1000 / (taken_ms - began_ms) if taken_ms > began_ms else None
