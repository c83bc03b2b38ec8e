"""A 429 closes the limit.

A handler that is refused by an API raises RateLimited (an HTTP type does so by itself). No worker starts a job of
the type until the time is over, no attempt is used, and other types go on.
"""

from taskqueue.handlers import RateLimited
from taskqueue.models.values import RateLimit, Schedule, TaskType
from tests.fundamentals.conftest import Release

TEN = RateLimit(per_second=10)
ORDERS = TaskType("orders", Schedule(interval_s=3600), function="fetch", rate_limit=TEN)
STOCKS = TaskType("stocks", Schedule(interval_s=3600), function="fetch", rate_limit=TEN)


async def refused(_job: object) -> None:
    raise RateLimited(20)


async def test_no_job_of_the_type_starts_until_the_time_is_over(release: Release) -> None:
    await release.publish(ORDERS, STOCKS)
    await release.work(2)
    await release.enqueue("orders", *[f"u{k}" for k in range(30)])
    (job,) = await release.lease(at_most=1)
    await release.run(job, refused)
    await release.enqueue("stocks", "ada")
    assert [job.type for job in await release.work(19)] == ["stocks"]
    orders = await release.work(10, workers=2)
    assert len(orders) == 30
    assert {job.failures for job in orders} == {0}
