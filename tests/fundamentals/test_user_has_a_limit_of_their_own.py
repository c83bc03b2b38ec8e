"""A user has a limit of their own.

`rateLimit.perUserPerSecond` spaces the jobs of one user, over all types that ask for it. A user with many jobs
delays no other user.
"""

from itertools import pairwise

from taskqueue.models.values import RateLimit, Schedule, TaskType
from tests.fundamentals.conftest import Release

POLITE = RateLimit(per_user_per_second=1)
ORDERS = TaskType("orders", Schedule(interval_s=3600), function="fetch", rate_limit=POLITE)
STOCKS = TaskType("stocks", Schedule(interval_s=3600), function="fetch", rate_limit=POLITE)


async def test_jobs_of_one_user_are_spaced_over_all_types(release: Release) -> None:
    await release.publish(ORDERS, STOCKS)
    await release.enqueue("orders", *["ada"] * 20)
    await release.enqueue("stocks", "ada", "ada", "bob")
    jobs = await release.work(6)
    ada = [job.start_s for job in jobs if job.user == "ada"]
    assert 5 <= len(ada) <= 7
    assert all(later - earlier >= 1 for earlier, later in pairwise(ada))
    assert [job.user for job in jobs if job.start_s < 3].count("bob") == 1
