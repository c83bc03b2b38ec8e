"""Priorities share by weight.

High, Normal and Low are lanes. While all have a backlog, they share the starts by their weights 4, 2 and 1, so
that Low is slow and never starved. An empty lane leaves its share to the rest.
"""

from collections import Counter

from taskqueue.models.values import Priority, Schedule, TaskType
from tests.fundamentals.conftest import Release

TYPES = {
    priority: TaskType(priority.lower(), Schedule(interval_s=3600), function="fetch", priority=priority)
    for priority in Priority
}


async def shares(release: Release, *priorities: Priority) -> dict[str, float]:
    await release.publish(*TYPES.values(), limit=70)
    await release.work(2)
    for priority in priorities:
        await release.enqueue(TYPES[priority].name, *[f"u{k}" for k in range(500)])
    jobs = await release.work(5)
    return {name: round(n / len(jobs), 2) for name, n in Counter(job.type for job in jobs).items()}


async def test_three_lanes_share_the_limit(release: Release) -> None:
    found = await shares(release, *Priority)
    assert found == {"high": round(4 / 7, 2), "normal": round(2 / 7, 2), "low": round(1 / 7, 2)}


async def test_an_empty_lane_yields(release: Release) -> None:
    assert await shares(release, Priority.LOW) == {"low": 1.0}
