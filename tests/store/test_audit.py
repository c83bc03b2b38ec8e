"""audit: every job that came in is somewhere, exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import RateLimit, Schedule, TaskType
from taskqueue.store.audit import audit
from taskqueue.store.claim import Result
from taskqueue.store.cursor import read_cursor
from tests.support.store.raw import raw
from tests.support.store.ready import put_ready

if TYPE_CHECKING:
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)


async def test_an_empty_store_can_be_audited(world: World) -> None:
    found = await audit(world.store)
    assert (found.difference, found.parked, found.leased, found.cursor) == (0, 0, 0, -1)
    assert set(found.totals.values()) <= {0}


async def test_each_place_and_each_end_is_counted(world: World) -> None:
    narrow = TaskType("narrow", HOUR, rate_limit=RateLimit(per_second=0.001))
    await world.install(TaskType("sync", HOUR), narrow)
    await world.enqueue("sync", "a", "b", "c", "d")
    await world.enqueue("narrow", "a", "b")
    jobs = {job.lease.split("|")[1]: job for job in (await world.claim(n=10)).jobs if "sync" in job.lease}
    results = [
        Result(jobs["a"].lease, Outcome.DONE),
        Result(jobs["b"].lease, Outcome.DEAD, 0, "no"),
        Result(jobs["c"].lease, Outcome.RETURNED),
    ]
    await world.claim(n=0, results=results)
    found = await audit(world.store)
    assert found.difference == 0
    assert (found.totals["enqueued"], found.totals["done"], found.totals["dead"]) == (6, 1, 1)
    assert (sum(found.ready.values()), found.parked, found.leased, found.dead_letters) == (2, 0, 2, 1)
    assert found.cursor == await read_cursor(world.store)


async def test_jobs_emitted_ahead_are_not_due_yet(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    names = await world.enqueue("sync", "a", "b", "c")
    await raw(world.store).zadd(world.store.keys("ready", "global", "normal"), {names[0]: 9_999_999_999_999})
    found = await audit(world.store)
    assert (found.ready["normal"], found.due["normal"], found.due["high"]) == (3, 2, 0)


async def test_a_lost_or_doubled_job_shows(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    names = await world.enqueue("sync", "a", "b")
    await raw(world.store).zrem(world.store.keys("ready", "global", "normal"), names[0])
    assert (await audit(world.store)).difference == 1
    await put_ready(world.store, "low", {names[1]: 1, names[0]: 1})
    assert (await audit(world.store)).difference == -1
