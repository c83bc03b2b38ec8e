"""An edit reaches waiting jobs.

A waiting job is a name in a lane; its params and its type are read when it starts. An edit therefore holds for jobs
that already wait, and the job of a user who left, or was suspended, is skipped.
"""

from taskqueue.models.values import Schedule, Subscription, TaskType, UserSubscription
from tests.fundamentals.conftest import Release

TYPES = {"orders": TaskType("orders", Schedule(interval_s=10), function="fetch")}


def subscribed(region: str, user: str, *, suspend: bool = False) -> UserSubscription:
    return UserSubscription(user, (Subscription("orders", {"region": region}),), suspend)


async def test_edited_params_reach_a_waiting_job(release: Release) -> None:
    await release.apply(TYPES, {"ada": subscribed("eu", "ada")})
    await release.pass_time(10)
    await release.apply(TYPES, {"ada": subscribed("us", "ada")})
    assert [job.params for job in await release.work(1)] == [{"region": "us"}]


async def test_a_waiting_job_of_a_suspended_user_is_skipped(release: Release) -> None:
    users = {user: subscribed("eu", user) for user in ("ada", "bob")}
    await release.apply(TYPES, users)
    await release.pass_time(9.5)
    await release.apply(TYPES, users | {"ada": subscribed("eu", "ada", suspend=True)})
    assert {job.user for job in await release.work(9)} == {"bob"}
    assert (await release.totals())["skipped"] == 1
