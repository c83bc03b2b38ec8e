"""Enqueue twice is once.

An application names a job that it enqueues. If it does not know whether a call arrived, it repeats the call with the
same id: the second adds nothing and returns the name of the first, for an hour.
"""

from taskqueue.models.values import Schedule, TaskType
from tests.fundamentals.conftest import Release

ORDERS = TaskType("orders", Schedule(interval_s=3600), function="fetch")


async def test_a_repeated_id_runs_once(release: Release) -> None:
    await release.publish(ORDERS)
    first = await release.enqueue("orders", "ada", job_id="invoice-7")
    assert await release.enqueue("orders", "ada", job_id="invoice-7") == first
    assert len(await release.work(5)) == 1
    assert await release.enqueue("orders", "ada", job_id="invoice-7") == first
    assert await release.work(5) == []


async def test_other_ids_and_no_id_are_other_jobs(release: Release) -> None:
    await release.publish(ORDERS)
    await release.enqueue("orders", "ada", job_id="invoice-7")
    await release.enqueue("orders", "ada", job_id="invoice-8")
    await release.enqueue("orders", "ada", "ada")
    assert len(await release.work(5)) == 4
