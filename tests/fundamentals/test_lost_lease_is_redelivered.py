"""A lost lease is redelivered.

A worker holds a lease for each job it runs. If the worker vanishes, the lease expires and the job goes to another
worker: at least once. A result that arrives after that counts for nothing.
"""

from taskqueue.models.values import Schedule, TaskType
from tests.fundamentals.conftest import LEASE_S, Release

ORDERS = TaskType("orders", Schedule(interval_s=3600), function="fetch")


async def succeed(_job: object) -> None: ...


async def test_a_job_of_a_vanished_worker_runs_on_another(release: Release) -> None:
    await release.publish(ORDERS)
    await release.enqueue("orders", "ada")
    await release.work(2, at_most=0)
    (lost,) = await release.lease("vanishing")
    assert await release.work(LEASE_S - 5) == []
    (again,) = await release.work(10)
    assert (again.user, again.failures) == ("ada", 0)
    assert (await release.totals())["lost"] == 1
    await release.run(lost, succeed, "vanishing")  # too late
    assert (await release.totals())["done"] == 1
