"""Catch up after an outage.

`catchUp` decides about the occurrences that an outage swallowed. Latest runs the last one of each subscription, All
runs every one, Skip none. Occurrences that are not run are counted as missed.
"""

import pytest

from taskqueue.models.values import CatchUp, Schedule, TaskType
from tests.fundamentals.conftest import Release

USERS = [f"u{k}" for k in range(20)]


@pytest.mark.parametrize(("policy", "per_user"), [(CatchUp.LATEST, 1), (CatchUp.ALL, 5), (CatchUp.SKIP, 0)])
async def test_each_policy_runs_its_share(release: Release, policy: CatchUp, per_user: int) -> None:
    orders = TaskType("orders", Schedule(interval_s=60, window_s=30), function="fetch", catch_up=policy)
    await release.publish(orders, users=USERS)
    await release.work(105)
    before = await release.totals()

    await release.clock.advance(s=300)  # neither a scheduler nor a worker runs for five periods
    jobs = await release.work(5)
    totals = await release.totals() - before
    assert len(jobs) == 20 * per_user
    assert totals["missed"] == 20 * (5 - per_user)
