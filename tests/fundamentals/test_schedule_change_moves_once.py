"""A schedule change moves no one twice.

A changed schedule is dealt next to the old one and takes over at one instant for all users: no period is run twice,
none is left out, and no gap is longer than the longer of the two periods. Other edits move no user.
"""

from collections import Counter
from dataclasses import replace

from taskqueue.models.values import Schedule, TaskType
from tests.fundamentals.conftest import Job, Release

ORDERS = TaskType("orders", Schedule(interval_s=20), function="fetch")
SLOWER = replace(ORDERS, schedule=Schedule(interval_s=30))
USERS = [f"u{k}" for k in range(30)]


def periods(jobs: list[Job]) -> list[int]:
    """Return the periods that every user ran, each once."""
    found = Counter((job.period_s or 0, job.user) for job in jobs)
    assert set(found.values()) == {1}
    return sorted({period for period, _ in found})


async def test_no_gap_exceeds_the_longer_period(release: Release) -> None:
    await release.publish(ORDERS, users=USERS)
    jobs = await release.work(40)
    await release.publish(SLOWER, users=USERS)
    jobs += await release.work(90)
    assert periods(jobs)[:6] == [0, 20, 40, 60, 90, 120]


async def test_another_edit_moves_no_user(release: Release) -> None:
    await release.publish(ORDERS, users=USERS)
    before = await release.work(40)
    await release.publish(replace(ORDERS, params={"region": "eu"}, cost=2), users=USERS)
    after = await release.work(40)
    assert {(job.user, job.due_s % 20) for job in before} == {(job.user, job.due_s % 20) for job in after}
