"""A concurrency policy is kept.

`concurrencyPolicy` decides about a job that is due while the last one of its subscription still runs, as for a
CronJob of Kubernetes. Allow starts both, Forbid skips the new one, Replace takes the lease of the old one.
"""

import pytest

from taskqueue.models.values import ConcurrencyPolicy, Schedule, TaskType
from tests.fundamentals.conftest import Release

ALLOW, FORBID, REPLACE = ConcurrencyPolicy


@pytest.mark.parametrize(
    ("policy", "started", "counted"), [(ALLOW, 1, ""), (FORBID, 0, "skipped"), (REPLACE, 1, "replaced")]
)
async def test_a_second_job_is_due_while_one_runs(
    release: Release, policy: ConcurrencyPolicy, started: int, counted: str
) -> None:
    orders = TaskType("orders", Schedule(interval_s=10), function="fetch", concurrency_policy=policy)
    await release.publish(orders, users=["ada"])
    await release.pass_time(10)
    (_running,) = await release.lease("slow")
    assert len(await release.work(11)) == started
    totals = await release.totals()
    assert {name for name in ("skipped", "replaced") if totals[name]} == ({counted} if counted else set())
