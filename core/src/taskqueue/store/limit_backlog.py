"""The backlog of Release limits and their closings, for metrics. User limits have too many users for a label.

Not of `work`: that counts due jobs, and names limits of queues with jobs alone; here idle limits have a sample, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.models.values import LimitKey
from taskqueue.store.command import hgetall, hmget, zscore
from taskqueue.store.connection import Store
from taskqueue.store.limit_record import read_limit
from taskqueue.store.malformed import location_of
from taskqueue.store.scalars import END_US
from taskqueue.store.waiting import count_lanes

#: Limits of which the backlog is read, in the order of their names.
MAX_LIMITS = 500


@dataclass(frozen=True, slots=True)
class LimitBacklog:
    """The backlog of a limit. waiting: jobs in the lanes of its queue, parked ones left out.

    closed_until_s: a handler closed the limit until then (epoch s); 0 for a limit that was never closed, or is open
    again.
    """

    waiting: int
    closed_until_s: float


async def read_limit_backlogs(store: Store) -> Mapping[str, LimitBacklog]:
    """Read the backlog of the global limit and of each Release limit by name. Raises StoreFailure."""
    declared = [
        store.malformed.read(location_of("limits", name), partial(read_limit, name, value))
        for name, value in (await store.read(hgetall(store.keys("limits")))).items()
    ]
    names = sorted(limit.name for limit in declared if limit and limit.key is LimitKey.RELEASE)[:MAX_LIMITS]
    waiting = await count_lanes(store, [GLOBAL_LIMIT, *names])
    (of_global,) = await store.read(hmget(store.keys("limiter"), "closed_until_us"))
    closed = [
        store.malformed.read("limiter closed_until_us", partial(_seconds, of_global or 0)),
        *map(_seconds, await store.read_all([zscore(store.keys("limits_closed_until"), n) for n in names])),
    ]
    return {
        name: LimitBacklog(waiting[name], until_s or 0.0)
        for name, until_s in zip((GLOBAL_LIMIT, *names), closed, strict=True)
    }


def _seconds(until_us: bytes | float | None) -> float:
    until = float(until_us or 0)
    if not 0 <= until < END_US:
        raise ValueError(until_us)
    return until / 1e6
