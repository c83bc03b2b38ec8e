"""A removed type keeps its subscriptions.

Manifests may be applied and deleted in any order. The users of a type that is gone wait for it; no job is emitted
meanwhile, and when the type comes back each of them is dealt in again.
"""

from taskqueue.models.values import Schedule, Subscription, TaskType, UserSubscription
from tests.fundamentals.conftest import Release

ORDERS = TaskType("orders", Schedule(interval_s=30), function="fetch")
USERS = {user: UserSubscription(user, (Subscription("orders"),)) for user in ("ada", "bob", "eve")}


async def test_users_wait_for_a_removed_type(release: Release) -> None:
    publish = release.publisher.publish
    await publish({"orders": ORDERS}, USERS)
    assert len(await release.work(30)) == 3
    await publish({}, USERS)
    await release.work(2)
    assert await release.work(60) == []
    await publish({"orders": ORDERS}, USERS)
    jobs = await release.work(60)
    assert {job.user for job in jobs} == USERS.keys()


async def test_users_may_come_before_their_type(release: Release) -> None:
    await release.publisher.publish({}, USERS)
    await release.work(30)
    await release.publisher.publish({"orders": ORDERS}, USERS)
    assert {job.user for job in await release.work(30)} == USERS.keys()
