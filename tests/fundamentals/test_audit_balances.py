"""The audit balances.

Every job that was ever emitted or enqueued is waiting, leased, done, dead, or counted as skipped: the store's
counters and its keys agree at any time. `taskqueue audit` prints the difference, which must be 0.
"""

import random

from taskqueue.handlers import Discard, RateLimited, RetryLater
from taskqueue.models.values import RateLimit, Schedule, TaskType
from tests.fundamentals.conftest import Release

TEN = RateLimit(per_second=10)
ORDERS = TaskType("orders", Schedule(interval_s=5), function="fetch", rate_limit=TEN)
REPORT = TaskType("report", Schedule(interval_s=7), function="fetch")
ENDINGS = [None, None, None, RetryLater(1), Discard("no"), RateLimited(1), ValueError()]


async def end_somehow(_job: object) -> None:
    if ending := random.choice(ENDINGS):
        raise ending


async def test_jobs_of_all_endings_are_accounted_for(release: Release) -> None:
    await release.publish(ORDERS, REPORT, users=[f"u{k}" for k in range(20)])
    for _ in range(5):
        await release.enqueue("orders", "ada", "bob")
        await release.work(3, end_somehow, workers=2, at_most=20)
        await release.totals()  # fails if the difference is not 0
    await release.publish(REPORT, users=["u1"])
    await release.work(10)
    totals = await release.totals()
    assert min(totals["done"], totals["retried"], totals["dead"]) > 0
