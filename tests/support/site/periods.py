"""Arrivals at the API by period: users of each occurrence, and the evenness of their dues."""

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from taskqueue.store.connection import Store
from taskqueue.store.types import read_catalog
from tests.support.site.bookings import Booking
from tests.support.site.counting_api import Arrival, CountingApi
from tests.support.site.site import until


async def taken_over(store: Store, types: Collection[str], period_s: int) -> int:
    """Wait until these types have this interval; return from when on all of them emit by it (epoch s)."""
    newest = {}

    async def check() -> bool:
        records = (await read_catalog(store)).records
        newest.update({name: records[name].active[-1] for name in types})
        return {one.schedule.interval_s for one in newest.values()} == {period_s}

    await until("the intervals are taken over", check)
    return max(one.from_s for one in newest.values())


async def next_period(
    api: CountingApi, wanted: Mapping[str, Collection[str]], period_s: int, after_s: float
) -> tuple[int, list[Arrival]]:
    """Watch the first whole period that begins after an instant (epoch s), until each wanted user has come.

    wanted: users by type. Return the period's start, and the arrivals of these types that are its own.
    """
    begin_s = int(after_s // period_s + 1) * period_s
    await asyncio.sleep(max(0.0, begin_s + period_s - time.time()))
    due = {(name, user) for name, users in wanted.items() for user in users}

    async def came() -> list[Arrival]:
        return [one for one in await api.arrivals() if one.type in wanted and one.occurrence == begin_s]

    async def all_came() -> bool:
        return {(one.type, one.user) for one in await came()} >= due

    await until("everybody has come", all_came)
    return begin_s, await came()


def once_each(arrivals: Iterable[Arrival], wanted: Mapping[str, Collection[str]]) -> None:
    """Assert that every type came once for each of its users, and for no other user."""
    came = Counter((one.type, one.user) for one in arrivals)
    due = Counter((name, user) for name, users in wanted.items() for user in users)
    assert (came - due, due - came) == (Counter(), Counter()), "(too many, missing)"


def evenly(bookings: Iterable[Booking], types: Collection[str], begin_s: int, period_s: int) -> None:
    """Assert that every second of a period has its share of these types' dues, give or take a half."""
    jobs = {one.job for one in bookings if one.job.type in types and one.job.occurrence == begin_s}
    share = len(jobs) / period_s
    seconds = Counter(job.due_ms // 1000 - begin_s for job in jobs)
    assert all(0.5 * share <= seconds[n] <= 1.5 * share for n in range(period_s)), (share, seconds)
