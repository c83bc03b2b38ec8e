"""A failed job backs off.

Any exception of a handler is a failed attempt. The job waits for a random time below a bound that doubles with each
attempt, and is a dead letter after the last. A handler that knows better raises RetryLater with a time.
"""

from taskqueue.handlers import RetryLater
from taskqueue.models.values import Retry, Schedule, TaskType
from tests.fundamentals.conftest import Release

RETRY = Retry(max_attempts=3, min_backoff_ms=2_000, max_backoff_ms=10_000)
ORDERS = TaskType("orders", Schedule(interval_s=3600), function="fetch", retry=RETRY)


async def fail(_job: object) -> None:
    raise ConnectionError


async def ask_for_five_seconds(_job: object) -> None:
    raise RetryLater(5)


async def test_a_job_fails_three_times_and_is_dead(release: Release) -> None:
    await release.publish(ORDERS)
    await release.enqueue("orders", "ada")
    attempts = await release.work(12, fail)
    assert [job.failures for job in attempts] == [0, 1, 2]
    first, second, third = (job.start_s for job in attempts)
    assert second - first <= 2 + 1
    assert third - second <= 4 + 1
    totals = await release.totals()
    assert (totals["retried"], totals["dead"]) == (2, 1)


async def test_retry_later_waits_as_long_as_asked(release: Release) -> None:
    await release.publish(ORDERS)
    await release.enqueue("orders", "ada")
    first, second = await release.work(10, ask_for_five_seconds)
    assert 5 <= second.start_s - first.start_s < 6
