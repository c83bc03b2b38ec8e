"""Limits: the values in force, the jobs that wait, and when the next one can start."""

from collections.abc import Sequence

from pydantic import Field

from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.models.quantity import written_rate
from taskqueue.models.values import LimitKey
from taskqueue.store.clock import server_now_ms
from taskqueue.store.command import hlen
from taskqueue.store.connection import Store
from taskqueue.store.limit_times import LimitTimes, read_limit_times
from taskqueue.store.limits import ClosedLimit, read_closed
from taskqueue.store.types import Catalog, read_catalog
from taskqueue.store.waiting import count_lanes, count_parked
from taskqueue.views.errors import UnknownLimitError
from taskqueue.views.instant import at, iso
from taskqueue.views.view import Instant, View

#: Starts per second; `none` where only limits by name hold; None if no job starts.
PerSecond = float | str | None


class LimitRow(View):
    """A limit, and its values in force.

    override: until when values set by hand are in force.   waiting: of a Release limit the jobs of its queue, of a User
    limit those that wait for it.   free_at, closed_until: None if a job can start now, and for User limits, which
    differ by user.   own_values: users with values of their own.
    """

    limit: str
    key: LimitKey
    per_second: PerSecond
    burst: int | None
    within: str | None
    override: str | None
    waiting: int
    free_at: Instant | None
    closed_until: Instant | None
    own_values: int | None


class UserLimit(View):
    """A User limit for one user.   own_values: whether the values are the user's own."""

    limit: str
    user: str
    per_second: PerSecond
    burst: int
    own_values: bool
    waiting: int
    free_at: Instant | None
    closed_until: Instant | None


class GlobalLimit(View):
    """The global limit, and all limits that a handler closed, each with the end and the handler."""

    per_second: PerSecond
    closed: dict[str, str] = Field(exclude_if=lambda closed: not closed)


async def list_limits(store: Store) -> list[LimitRow]:
    """Return a row for the global limit, then for each limit by name."""
    catalog = await read_catalog(store)
    return await _rows(store, catalog, [GLOBAL_LIMIT, *sorted(catalog.limits)])


async def read_limit(store: Store, name: str) -> LimitRow:
    """Return one limit. Raises UnknownLimitError."""
    catalog = await read_catalog(store)
    if name != GLOBAL_LIMIT and name not in catalog.limits:
        raise UnknownLimitError(name)
    (row,) = await _rows(store, catalog, [name])
    return row


async def read_user_limit(store: Store, name: str, user: str) -> UserLimit:
    """Return a limit with key User for one user. Raises UnknownLimitError for any other limit."""
    catalog = await read_catalog(store)
    limit = f"{name}|{user}"
    times = (await read_limit_times(store, catalog, [limit])).get(limit)
    if times is None:
        raise UnknownLimitError(name)
    now_ms = await server_now_ms(store)
    return UserLimit(
        limit=name,
        user=user,
        per_second=rate_text(times.per_second),
        burst=times.burst,
        own_values=times.is_own,
        waiting=(await count_parked(store))[limit],
        free_at=_free_at(times, now_ms),
        closed_until=_closed_until(times, now_ms),
    )


async def read_global_limit(store: Store) -> GlobalLimit:
    """Return the global limit, and all limits that are closed."""
    catalog = await read_catalog(store)
    closed = {one.limit: _closed_text(one) for one in await read_closed(store)}
    return GlobalLimit(per_second=rate_text(catalog.rate), closed=closed)


async def _rows(store: Store, catalog: Catalog, names: Sequence[str]) -> list[LimitRow]:
    """Return a row for each limit, known ones only."""
    now_ms = await server_now_ms(store)
    users = [name for name in names if name != GLOBAL_LIMIT and catalog.limits[name].key is LimitKey.USER]
    shared = [name for name in names if name not in users]
    times = await read_limit_times(store, catalog, shared)
    waiting = await count_lanes(store, shared) + await count_parked(store)
    counts = await store.read_all([hlen(store.keys("limits", name)) for name in users])
    own_values = dict(zip(users, counts, strict=True))
    rows = []
    for name in names:
        limit, over = catalog.limits.get(name), catalog.overrides.get(name)
        rows.append(
            LimitRow(
                limit=name,
                key=limit.key if limit else LimitKey.RELEASE,
                per_second=rate_text(rate_in_force(catalog, name)),
                burst=(over and over.burst) or (limit.burst if limit else None),
                within=limit.within if limit else None,
                override=(iso(over.expires_ms) if over.expires_ms else "until cleared") if over else None,
                waiting=waiting[name],
                free_at=_free_at(times.get(name), now_ms),
                closed_until=_closed_until(times.get(name), now_ms),
                own_values=own_values.get(name),
            )
        )
    return rows


def rate_in_force(catalog: Catalog, limit: str) -> float | None:
    """Return the starts per second of a limit: infinite for no limit, None if no job starts. Raises KeyError."""
    if limit == GLOBAL_LIMIT:
        return catalog.rate
    over = catalog.overrides.get(limit)
    return over.rate if over else catalog.limits[limit].per_second


def rate_text(per_second: float | None) -> PerSecond:
    """Return a rate for an answer: `none` where only limits by name hold."""
    return None if per_second is None else written_rate(per_second)


def _free_at(times: LimitTimes | None, now_ms: int) -> Instant | None:
    return at(times.free_ms) if times and times.free_ms > now_ms else None


def _closed_until(times: LimitTimes | None, now_ms: int) -> Instant | None:
    return at(times.closed_ms) if times and times.closed_ms > now_ms else None


def _closed_text(one: ClosedLimit) -> str:
    """Return the end of a closure, and the handler that closed the limit where it is known."""
    by = f" by a handler of {one.by[0]}, user {one.by[1]}" if one.by else ""
    return f"until {iso(one.until_ms)}{by}"
