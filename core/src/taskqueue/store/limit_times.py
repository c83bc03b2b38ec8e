"""Times of limits: the next start that each has left, and until when a handler closed it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.models.limit_tree import path_of
from taskqueue.models.values import Limit, LimitKey
from taskqueue.plan.limiter import STRETCH, Bucket
from taskqueue.store.clock import server_now_us
from taskqueue.store.command import hget, hmget, zscore
from taskqueue.store.connection import Store
from taskqueue.store.limit_record import read_user_limit
from taskqueue.store.types import Catalog
from taskqueue.store.user_key import escape_limit


@dataclass(frozen=True, slots=True)
class LimitTimes:
    """Values in force of a limit, and its times (epoch ms).

    per_second: None for no rate of its own.   free_ms: earliest start that is left, `closed_ms` included.
    closed_ms: a handler closed the limit until then; 0 while it is open.   is_own: the values are the user's own.
    """

    per_second: float | None
    burst: int
    free_ms: int
    closed_ms: int
    is_own: bool = False


async def read_limit_times(store: Store, catalog: Catalog, names: Sequence[str]) -> Mapping[str, LimitTimes]:
    """Read the times of limits, `global`, NAME, NAME|USER or type:TYPE; unknown ones are missing."""
    now_us = await server_now_us(store)
    fields = ("start_us", "cost", "max_cost", "first_seen_us", "closed_until_us")
    limiter = [_number(value) for value in await store.read(hmget(store.keys("limiter"), *fields))]
    reader = _Reader(store, catalog, now_us, limiter)
    found = {}
    for name in names:
        times = await reader.read(name)
        if times is not None:
            found[name] = times
    return found


def _number(value: bytes | None) -> float:
    """Read a field of the limiter, 0 for one that is missing or unreadable: scripts note it."""
    try:
        return float(value or 0)
    except ValueError:
        return 0.0


class _Reader:
    """Reads one limit after another, at one instant.   limiter: fields of the global limit."""

    def __init__(self, store: Store, catalog: Catalog, now_us: int, limiter: Sequence[float]) -> None:
        self._store = store
        self._catalog = catalog
        self._now_us = now_us
        self._start_us, self._cost, self._max_cost, self._first_seen_us, self._closed_us = limiter

    async def read(self, name: str) -> LimitTimes | None:
        """Read the times of a limit; None if there is no such limit."""
        base, _, user = escape_limit(name).partition("|")
        if name == GLOBAL_LIMIT:
            return self._global()
        closed_us = (
            await self._store.read(zscore(self._store.keys("limits_closed_until"), escape_limit(name))) or 0
        )
        if name.startswith("type:"):
            record = self._catalog.records.get(name.removeprefix("type:"))
            rate = record.task_type.rate_limit.per_second if record else None
            grid_us = self._grid_us(record.task_type.limits) if record else 0.0
            return await self._times(self._store.keys("tats"), name, rate, 1, closed_us, grid_us)
        limit = self._catalog.limits.get(base)
        if limit is None or (limit.key is LimitKey.USER) != bool(user):
            return None
        rate, burst = self._values(limit)
        grid_us = self._grid_us([limit.within] if limit.within else [])
        if not user:
            return await self._times(self._store.keys("tats"), name, rate, burst, closed_us, grid_us)
        own = await self._store.read(hget(self._store.keys("limits", base), user))
        values = (
            self._store.malformed.read(f"limits:{base} {user}", partial(read_user_limit, base, own))
            if own
            else None
        )
        if values:
            rate, burst = values.per_second, values.burst
        key = self._store.keys("tats", base)
        return await self._times(key, user, rate, burst, closed_us, grid_us, is_own=values is not None)

    def _values(self, limit: Limit) -> tuple[float | None, int]:
        """Return rate and burst in force."""
        over = self._catalog.overrides.get(limit.name)
        return (over.rate, over.burst or limit.burst) if over else (limit.per_second, limit.burst)

    def _grid_us(self, names: Sequence[str]) -> float:
        """Return the time between the starts of the slowest of these limits, those around them and the global one."""
        outer = [self._values(limit)[0] for limit in path_of(names, self._catalog.limits).release]
        return STRETCH * 1e6 / min((rate for rate in (*outer, self._catalog.rate) if rate), default=math.inf)

    async def _times(
        self,
        key: str,
        member: str,
        rate: float | None,
        burst: int,
        closed_us: float,
        grid_us: float,
        *,
        is_own: bool = False,
    ) -> LimitTimes:
        free_us: float = 0
        if rate is not None:
            tat_us = await self._store.read(zscore(key, member))
            max_cost = int(self._max_cost) or 1
            bucket = Bucket(rate, burst, tat_us or 0.0, grid_us, max_cost)
            if tat_us is None and self._first_seen_us:  # as on a server that was not seen before
                first_us = self._first_seen_us + burst * bucket.spacing_us
                bucket = Bucket(rate, burst, first_us, grid_us, max_cost)
            free_us = bucket.free_us(self._now_us)
        return self._answer(rate, burst, free_us, closed_us, is_own=is_own)

    def _global(self) -> LimitTimes:
        rate = self._catalog.rate
        slot_us = STRETCH * 1e6 / rate if rate else 0.0
        free_us = self._start_us + self._cost * slot_us if slot_us else 0.0
        return self._answer(rate, 1, free_us, self._closed_us)

    def _answer(
        self, rate: float | None, burst: int, free_us: float, closed_us: float, *, is_own: bool = False
    ) -> LimitTimes:
        closed_us = closed_us if closed_us > self._now_us else 0.0
        free_ms = math.ceil(max(free_us, closed_us, 0) / 1000)
        return LimitTimes(rate, burst, free_ms, int(closed_us) // 1000, is_own)
