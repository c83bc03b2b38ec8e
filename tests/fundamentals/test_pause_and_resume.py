"""Pause and resume.

A paused type or user emits and starts no scheduled job; jobs enqueued by an application still run. A pause belongs to
the person who set it: no manifest ends it.
"""

from taskqueue.models.values import Schedule, TaskType
from taskqueue.store.pause import pause, resume
from taskqueue.store.user_pauses import pause_user, resume_user
from tests.fundamentals.conftest import Release

ORDERS = TaskType("orders", Schedule(interval_s=10), function="fetch")
USERS = ["ada", "bob"]


async def test_a_paused_type_runs_only_enqueued_jobs(release: Release) -> None:
    await release.publish(ORDERS, users=USERS)
    assert len(await release.work(10)) == 2
    await pause(release.store, "orders")
    await release.publish(ORDERS, users=USERS)
    await release.work(1)
    await release.enqueue("orders", "eve")
    assert [job.user for job in await release.work(30)] == ["eve"]
    assert await resume(release.store, "orders")
    assert {job.user for job in await release.work(12)} == {"ada", "bob"}


async def test_a_pause_may_end_by_itself(release: Release) -> None:
    await release.publish(ORDERS, users=USERS)
    await pause(release.store, "orders", for_ms=20_000)
    assert await release.work(19) == []
    assert len(await release.work(12)) == 2


async def test_a_paused_user_runs_only_enqueued_jobs(release: Release) -> None:
    await release.publish(ORDERS, users=USERS)
    await pause_user(release.store, "ada")
    await release.publish(ORDERS, users=[*USERS, "eve"])
    assert {job.user for job in await release.work(30)} == {"bob", "eve"}
    await release.enqueue("orders", "ada")
    assert "ada" in {job.user for job in await release.work(1)}
    assert await resume_user(release.store, "ada")
    assert {job.user for job in await release.work(12)} == {"ada", "bob", "eve"}


async def test_a_pause_of_a_user_may_end_by_itself(release: Release) -> None:
    await release.publish(ORDERS, users=USERS)
    await pause_user(release.store, "ada", for_ms=20_000)
    assert {job.user for job in await release.work(20)} == {"bob"}
    await release.publish(ORDERS, users=USERS)
    assert {job.user for job in await release.work(12)} == {"ada", "bob"}
