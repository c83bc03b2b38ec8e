"""A job runs once, however many schedulers there are.

Schedulers share one cursor in the store, and a script moves it and emits the jobs in one step. A scheduler that is
killed leaves nothing half done; a second one that makes the same call is told that the cursor moved.
"""

import asyncio
from collections import Counter

from taskqueue.models.values import Schedule, TaskType
from taskqueue.scheduler.ticker import Ticker
from tests.fundamentals.conftest import Release

ORDERS = TaskType("orders", Schedule(interval_s=10), function="fetch")
USERS = [f"u{k}" for k in range(50)]


async def test_three_schedulers_emit_each_job_once(release: Release) -> None:
    await release.publish(ORDERS, users=USERS)
    others = [Ticker(release.store) for _ in range(2)]
    jobs = []
    for _ in range(12):
        await asyncio.gather(*(other.turn() for other in others))
        jobs += await release.work(2.5)
    assert set(Counter(job.user for job in jobs).values()) == {3}


async def test_a_new_scheduler_goes_on_where_a_killed_one_stopped(release: Release) -> None:
    await release.publish(ORDERS, users=USERS)
    first = await release.work(15)
    release.ticker = Ticker(release.store)
    second = await release.work(15)
    assert set(Counter(job.user for job in first + second).values()) == {3}
