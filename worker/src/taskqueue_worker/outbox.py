"""The outbox: results that wait until a claim carries them to the store."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from taskqueue.models.outcome import Outcome
from taskqueue.store.claim import Result
from taskqueue.store.job_name import parse
from taskqueue_worker.clock import StoreClock
from taskqueue_worker.task_types import BoundType

#: The store's scripts are bounded: no call carries more results.
_MAX_RESULTS = 500
#: A job of Forbid or Replace that is leased makes the store skip or replace the next one of its subscription. Where
#: that one is due within this time, the result is settled soon.
_NEAR_MS = 2_000
#: The shortest period of a cron line.
_CRON_PERIOD_S = 60
#: An attribute of an enum class costs 0.1 us in Python 3.11, a global next to nothing.
_DONE = Outcome.DONE


class ReportsTo(Protocol):
    """The part of the pace that results concern."""

    hungry: bool

    def reported(self, *, soon: bool) -> None: ...


class Outbox:
    """Results that no claim has carried yet, oldest first. find: a type by name."""

    def __init__(self, pace: ReportsTo, find: Callable[[str], BoundType | None], clock: StoreClock) -> None:
        self._pace = pace
        self._find = find
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Result] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, result: Result) -> None:
        self._waiting.append(result)
        self._pace.reported(soon=result.outcome is not _DONE or self._blocks_next(result.lease))

    def take(self) -> list[Result]:
        """Remove and return the oldest results, for one call. A call that fails puts them back."""
        taken, self._waiting = self._waiting[:_MAX_RESULTS], self._waiting[_MAX_RESULTS:]
        return taken

    def put_back(self, taken: list[Result]) -> None:
        self._waiting = taken + self._waiting

    def _blocks_next(self, lease: str) -> bool:
        """Tell whether the next job of the subscription may become due while this one still counts as running."""
        if not lease.endswith("x") or self._pace.hungry:  # a hungry worker claims again at once
            return False
        try:
            name = parse(lease)
        except (ValueError, IndexError):  # a lease that cannot be read is better gone soon
            return True
        bound = self._find(name.type)
        if name.occurrence is None or bound is None:
            return True
        period_ms = (bound.definition.schedule.interval_s or _CRON_PERIOD_S) * 1000
        since_due_ms = self._clock.to_store_ms(self._loop.time()) - name.due_ms
        return period_ms - since_due_ms % period_ms <= _NEAR_MS
