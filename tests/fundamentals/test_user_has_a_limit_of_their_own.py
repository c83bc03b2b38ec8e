"""A user has a limit of their own.

A RateLimit with `key: User` spaces the jobs of one user, over all types that name it. A user with many jobs delays no
other user.
"""

from itertools import pairwise

from taskqueue.models.values import Limit, LimitKey, Schedule, TaskType
from tests.fundamentals.conftest import Release

POLITE = Limit("polite", LimitKey.USER, 1)
ORDERS = TaskType("orders", Schedule(interval_s=3600), function="fetch", limits=("polite",))
STOCKS = TaskType("stocks", Schedule(interval_s=3600), function="fetch", limits=("polite",))


async def test_jobs_of_one_user_are_spaced_over_all_types(release: Release) -> None:
    await release.publish(ORDERS, STOCKS, limits=[POLITE])
    await release.enqueue("orders", *["ada"] * 20)
    await release.enqueue("stocks", "ada", "ada", "bob")
    jobs = await release.work(6)
    ada = [job.start_s for job in jobs if job.user == "ada"]
    assert 5 <= len(ada) <= 7
    assert all(later - earlier >= 1 for earlier, later in pairwise(ada))
    assert [job.user for job in jobs if job.start_s < 3].count("bob") == 1
