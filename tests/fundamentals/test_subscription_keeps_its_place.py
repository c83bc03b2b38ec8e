"""A subscription keeps its place.

Each subscription of a type has an offset within the period, and its job is due at that offset in every period.
Other users join and leave without moving it.
"""

from taskqueue.models.values import Schedule, TaskType
from tests.fundamentals.conftest import Job, Release

ORDERS = TaskType("orders", Schedule(interval_s=60), function="fetch")


def offsets(jobs: list[Job]) -> dict[str, float]:
    return {job.user: job.due_s % 60 for job in jobs}


async def test_a_job_is_due_at_the_same_offset_in_every_period(release: Release) -> None:
    await release.publish(ORDERS, users=["ada", "bob", "eve"])
    first, second = await release.work(60), await release.work(60)
    assert len(first) == len(second) == 3
    assert offsets(first) == offsets(second)


async def test_joining_and_leaving_users_move_no_other(release: Release) -> None:
    await release.publish(ORDERS, users=["ada", "bob", "eve"])
    first = offsets(await release.work(60))
    await release.publish(ORDERS, users=["ada", "dan", "eve", "zoe"])
    second = offsets(await release.work(60))
    assert (second["ada"], second["eve"]) == (first["ada"], first["eve"])
    assert second["dan"] == first["bob"]  # a freed offset is dealt first
    assert second["zoe"] not in first.values()
