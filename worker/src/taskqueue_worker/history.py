"""The history of a worker: counts of each type by minute of the store's clock, flushed beside the heartbeat.

A kill loses the counts since the last flush, at most 5 s of them. A worker that drains flushes last of all.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import count, islice, zip_longest

import structlog

from taskqueue.store.connection import Store
from taskqueue.store.errors import StoreFailure
from taskqueue.store.history import MAX_MINUTES, MINUTE_MS, Counted, Counters
from taskqueue.store.history import count as count_once
from taskqueue_worker.clock import StoreClock
from taskqueue_worker.leased_job import LeasedJob
from taskqueue_worker.tally import Tally
from taskqueue_worker.task_types import TaskTypes

log = structlog.get_logger("taskqueue.worker")

#: Less than 5 s by the time that a call may take.
_FLUSH_S = 4.0
#: Between two last flushes.
_REPEAT_S = 0.1


class History:
    """Collects the counts of all types, and flushes them.   held: returns the jobs that this worker holds."""

    def __init__(
        self,
        store: Store,
        worker: str,
        types: TaskTypes,
        held: Callable[[], Iterable[LeasedJob]],
        clock: StoreClock,
    ) -> None:
        self._store = store
        self._worker = worker
        self._types = types
        self._held = held
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._since_s = self._loop.time()
        self._tallies = dict[Tally, str]()
        self._minutes: dict[tuple[str, int], Counters] = {}
        self._numbers = count(1)
        self._unanswered: deque[tuple[int, Sequence[Counted]]] = deque()
        self._flushing = asyncio.Lock()

    async def run(self) -> None:
        """Collect at the end of each minute, and flush every four seconds, until cancelled."""
        flush_s = self._loop.time() + _FLUSH_S
        while True:
            now_s = self._loop.time()
            await asyncio.sleep(min(flush_s - now_s, self._left_of_minute_s(now_s)))
            self.collect()
            if self._loop.time() >= flush_s:
                flush_s = self._loop.time() + _FLUSH_S
                try:
                    await self.flush()
                except StoreFailure as error:
                    log.warning("history not flushed, repeated", error=str(error))

    async def close(self, until_s: float) -> None:
        """Flush the last counts, if the store answers by until_s; a call without an answer is repeated."""
        self.collect()
        try:
            async with asyncio.timeout_at(until_s):
                while True:
                    try:
                        return await self.flush()
                    except StoreFailure as error:
                        log.warning("history not flushed, repeated", error=str(error))
                        await asyncio.sleep(_REPEAT_S)
        except TimeoutError:
            log.warning("history not flushed, the last counts are lost", worker=self._worker)

    def collect(self) -> None:
        """Take the counts since the last call, for the minute in which that time began.

        A removed type is counted until its last job ended.
        """
        minute = int(self._clock.to_store_ms(self._since_s) // MINUTE_MS)
        bound = (*self._types.all(), *(leased.type for leased in self._held()))
        now = {one.tally: one.definition.name for one in bound}
        for tally, name in (self._tallies | now).items():
            if new := tally.take():
                before = self._minutes.get((name, minute), ())
                self._minutes[name, minute] = [a + b for a, b in zip_longest(before, new, fillvalue=0)]
        self._tallies, self._since_s = now, self._loop.time()

    async def flush(self) -> None:
        """Send the collected counts, first a call without an answer once more: under its number it counts once.

        Raises StoreFailure.
        """
        async with self._flushing:
            if not self._unanswered:
                rows = iter([(*key, counters) for key, counters in self._minutes.items()])
                while batch := list(islice(rows, MAX_MINUTES)):
                    self._unanswered.append((next(self._numbers), batch))
                self._minutes = {}
            while self._unanswered:
                await count_once(self._store, self._worker, *self._unanswered[0])
                self._unanswered.popleft()

    def _left_of_minute_s(self, now_s: float) -> float:
        return (MINUTE_MS - self._clock.to_store_ms(now_s) % MINUTE_MS) / 1000
