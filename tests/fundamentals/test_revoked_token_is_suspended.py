"""The circuit breaker.

A user whose token was revoked fails in every period, for ever, and takes a start of the limit each time. After
`suspendAfter` such failures in a row the subscription is suspended; then one job is let through now and then, and its
outcome decides. An outage of the API, in which everybody fails, suspends nobody.
"""

from taskqueue import Discard, Job
from taskqueue.models.values import Schedule, TaskType
from taskqueue.store.suspended import try_suspended
from tests.fundamentals.conftest import Job as Started
from tests.fundamentals.conftest import Release

ORDERS = TaskType("orders", Schedule(interval_s=10), function="fetch", suspend_after=3)
USERS = ["ada", "bob", "eve", "kim", "lea"]


async def bob_is_revoked(job: Job) -> None:
    if job.user == "bob":
        raise Discard("401 the token was revoked")


async def api_is_down(_job: Job) -> None:
    raise Discard("the API is down")


def starts(jobs: list[Started], user: str) -> int:
    return sum(job.user == user for job in jobs)


async def test_a_revoked_token_takes_no_more_starts(release: Release) -> None:
    await release.publish(ORDERS, users=USERS)
    jobs = await release.work(100, bob_is_revoked)
    assert starts(jobs, "bob") == 3
    assert starts(jobs, "ada") == 10

    assert await try_suspended(release.store, "orders", "bob") == "ok"
    assert starts(await release.work(50, bob_is_revoked), "bob") == 1

    assert await try_suspended(release.store, "orders", "bob") == "ok"
    assert starts(await release.work(50), "bob") == 5


async def test_a_publish_resumes_nobody(release: Release) -> None:
    await release.publish(ORDERS, users=USERS)
    await release.work(40, bob_is_revoked)
    await release.publish(ORDERS, users=USERS)
    assert starts(await release.work(50), "bob") == 0


async def test_an_outage_suspends_nobody(release: Release) -> None:
    await release.publish(ORDERS, users=USERS)
    await release.work(100, api_is_down)
    jobs = await release.work(50)
    assert {starts(jobs, user) for user in USERS} == {5}
