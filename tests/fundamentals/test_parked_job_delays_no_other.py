"""A parked job delays no other.

A job whose limit has no free slot is parked at that limit and leaves its lane. A type with a low limit and a
long backlog therefore takes nothing from types without one.
"""

from taskqueue.models.values import RateLimit, Schedule, TaskType
from tests.fundamentals.conftest import Release

SLOW = TaskType("slow", Schedule(interval_s=3600), function="fetch", rate_limit=RateLimit(per_second=2))
FAST = TaskType("fast", Schedule(interval_s=3600), function="fetch")


async def test_a_backlog_of_a_limited_type_leaves_the_rest_to_others(release: Release) -> None:
    await release.publish(SLOW, FAST, limit=50)
    await release.enqueue("slow", *[f"u{k}" for k in range(500)])
    await release.work(2)
    await release.enqueue("fast", *[f"u{k}" for k in range(200)])
    types = [job.type for job in await release.work(6)]
    assert types.count("fast") == 200
    assert 10 <= types.count("slow") <= 14
