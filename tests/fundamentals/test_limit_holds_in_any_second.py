"""A limit holds in any second.

Each start is a slot that the limit reserved, to the microsecond. A backlog of any length and any number of workers
never start more jobs than the limit allows, in no interval of a second, and a job of cost 3 takes three slots.
"""

from bisect import bisect_left
from dataclasses import replace

from taskqueue.models.values import Schedule, TaskType
from tests.fundamentals.conftest import Job, Release

ORDERS = TaskType("orders", Schedule(interval_s=300), function="fetch")
USERS = [f"u{k}" for k in range(400)]


def busiest_second(jobs: list[Job]) -> int:
    starts = [job.start_s for job in jobs]
    return max(bisect_left(starts, start + 1) - k for k, start in enumerate(starts))


async def test_a_backlog_starts_at_the_limit_and_never_above(release: Release) -> None:
    await release.publish(ORDERS, users=USERS, limit=20)
    await release.pass_time(300)
    jobs = await release.work(10, workers=4)
    assert 190 <= len(jobs) <= 210
    assert busiest_second(jobs) <= 20


async def test_a_costly_job_takes_several_slots(release: Release) -> None:
    await release.publish(replace(ORDERS, cost=4), users=USERS, limit=20)
    await release.pass_time(300)
    jobs = await release.work(10)
    assert 45 <= len(jobs) <= 55
    assert busiest_second(jobs) <= 5
