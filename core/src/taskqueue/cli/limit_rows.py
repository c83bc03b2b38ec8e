"""Limits as rows and details: the values in force, who waits, and when the next job can start."""

import math
from collections.abc import Sequence
from typing import Any

from taskqueue.cli.instant import iso
from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.models.values import LimitKey
from taskqueue.store.clock import server_now_ms
from taskqueue.store.command import hlen
from taskqueue.store.connection import Store
from taskqueue.store.limit_times import LimitTimes, read_limit_times
from taskqueue.store.types import Catalog
from taskqueue.store.waiting import count_lanes, count_parked

#: What each row has, in the order of a table.
COLUMNS = (
    "limit",
    "key",
    "perSecond",
    "burst",
    "within",
    "override",
    "waiting",
    "freeAt",
    "closedUntil",
    "ownValues",
)


async def limit_rows(store: Store, catalog: Catalog, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return a row for each limit, known ones only.

    waiting: of a Release limit the jobs of its queue, of a User limit those that wait for it. freeAt, closedUntil:
    None if a job can start now, and for User limits, which differ by user. ownValues: users with values of their own.
    """
    now_ms = await server_now_ms(store)
    users = [name for name in names if name != GLOBAL_LIMIT and catalog.limits[name].key is LimitKey.USER]
    times = await read_limit_times(store, catalog, [name for name in names if name not in users])
    waiting = await count_lanes(store, [name for name in names if name not in users])
    waiting += await count_parked(store)
    counts = await store.read_all([hlen(store.keys("limits", name)) for name in users])
    own_values = dict(zip(users, counts, strict=True))
    rows = []
    for name in names:
        limit, over = catalog.limits.get(name), catalog.overrides.get(name)
        declared = limit.per_second if limit else catalog.rate
        ends = iso(over.expires_ms) if over and over.expires_ms else "until cleared"
        own_burst = over.burst if over and over.burst else limit.burst if limit else None
        rows.append(
            {
                "limit": name,
                "key": (limit.key if limit else LimitKey.RELEASE).value,
                "perSecond": rate_text(over.rate if over else declared),
                "burst": own_burst,
                "within": limit.within if limit else None,
                "override": ends if over else None,
                "waiting": waiting[name],
                **_instants(times.get(name), now_ms),
                "ownValues": own_values.get(name),
            }
        )
    return rows


async def user_details(store: Store, catalog: Catalog, name: str, user: str) -> dict[str, Any]:
    """Return the details of a User limit for one user."""
    limit = f"{name}|{user}"
    times = (await read_limit_times(store, catalog, [limit]))[limit]
    return {
        "limit": name,
        "user": user,
        "perSecond": rate_text(times.per_second),
        "burst": times.burst,
        "ownValues": times.is_own,
        "waiting": (await count_parked(store))[limit],
        **_instants(times, await server_now_ms(store)),
    }


def rate_text(per_second: float | None) -> float | str | None:
    """Return a rate for an answer: `none` where only limits by name hold."""
    return "none" if per_second == math.inf else per_second


def _instants(times: LimitTimes | None, now_ms: int) -> dict[str, str | None]:
    free_ms = times.free_ms if times else 0
    closed_ms = times.closed_ms if times else 0
    return {
        "freeAt": iso(free_ms) if free_ms > now_ms else None,
        "closedUntil": iso(closed_ms) if closed_ms > now_ms else None,
    }
