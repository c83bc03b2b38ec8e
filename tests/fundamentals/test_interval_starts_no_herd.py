"""An interval starts no herd.

The users of a type are spread evenly over its period, so that "every minute" is not "all at the full minute".
The limit is no part of this: it is far above the demand here.
"""

from collections import Counter

from taskqueue.models.values import Schedule, TaskType
from tests.fundamentals.conftest import Release

ORDERS = TaskType("orders", Schedule(interval_s=60), function="fetch")
REPORT = TaskType("report", Schedule(cron="* * * * *", window_s=30), function="report")


async def test_600_users_start_ten_a_second(release: Release) -> None:
    await release.publish(ORDERS, users=[f"u{k}" for k in range(600)])
    await release.work(2)
    jobs = await release.work(20)
    per_second = Counter(int(job.start_s) for job in jobs if 3 <= job.start_s < 21)
    assert len(per_second) == 18
    assert all(9 <= starts <= 11 for starts in per_second.values())


async def test_a_cron_schedule_is_spread_over_its_window(release: Release) -> None:
    await release.publish(REPORT, users=[f"u{k}" for k in range(300)])
    jobs = [job for job in await release.work(90) if job.period_s == 60]
    assert len(jobs) == 300
    per_second = Counter(int(job.start_s) - 60 for job in jobs)
    assert per_second == dict.fromkeys(range(30), 10)
