"""The reader of what is stopped in the store: subscriptions by the circuit breaker, users by hand.

Each read is complete, so that no transition is missed. The more there is, the less often it is read.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from taskqueue.store.connection import Store
from taskqueue.store.suspended import count_suspended, scan_suspensions
from taskqueue.store.user_pauses import scan_pauses
from taskqueue_operator.stopped import Stopped, StoppedUser, SuspendedTask

_PERIOD_S = 3.0
#: On average: after a read of 50,000 rows the next one is 50 s later.
_ROWS_PER_S = 1_000


class StoppedReader:
    """Reads at most once in 3 s, and returns the identical value while nothing has changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last = Stopped()
        self._next_s = float("-inf")

    async def read(self, types: Iterable[str]) -> Stopped:
        """Return what is stopped, as last read.   types: all of the store.   Raises StoreFailure."""
        clock = asyncio.get_running_loop().time
        if clock() < self._next_s:
            return self._last
        found, rows = await self._read(types)
        self._next_s = clock() + max(_PERIOD_S, rows / _ROWS_PER_S)
        if found != self._last:
            self._last = found
        return self._last

    async def _read(self, types: Iterable[str]) -> tuple[Stopped, int]:
        """Return what is stopped, and the number of rows that were read."""
        counts = await count_suspended(self._store, list(types))
        tasks = defaultdict[str, dict[str, SuspendedTask]](dict)
        reasons: dict[str, str] = {}  # many users share few
        for name in sorted(name for name, number in counts.items() if number):
            async for user, found in scan_suspensions(self._store, name):
                reason = reasons.setdefault(found.reason, found.reason)
                tasks[user][name] = SuspendedTask(name, found.since_ms, reason)
        pauses = {user: until_ms async for user, until_ms in scan_pauses(self._store)}
        users = {
            user: StoppedUser(tuple(tasks[user].values()) if user in tasks else (), pauses.get(user))
            for user in tasks.keys() | pauses.keys()
        }
        suspended = {name: number for name, number in counts.items() if number}
        return Stopped(users, suspended), sum(counts.values()) + len(pauses)
