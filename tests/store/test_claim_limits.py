"""Limits narrower than the global one: kept exactly, and never at the cost of other types."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Limit, LimitKey, RateLimit, Schedule, TaskType
from taskqueue.store.claim import Result
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.types import read_catalog
from tests.support.store.drive import backlog as backlog_of
from tests.support.store.drive import drive, kind, starts, user
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)
TOLERANCE_US = 10_000


async def backlog(world: World, kind: str, jobs: int, due_ms: int, users: int = 1_000_000) -> None:
    """Ad hoc jobs of a type, in the queue of its own limit if it has one."""
    record = (await read_catalog(world.store)).records[kind]
    queue = f"type:{kind}" if record.task_type.rate_limit.per_second else "global"
    await backlog_of(world, kind, queue, jobs, due_ms, users)


def closest(times: list[int]) -> int:
    return min(b - a for a, b in itertools.pairwise(sorted(times)))


async def test_starts_of_a_limited_type_are_spaced(world: World) -> None:
    await world.install(TaskType("slow", HOUR, rate_limit=RateLimit(per_second=20)), rate=1_000)
    await backlog(world, "slow", 30, 1_000)
    jobs = await drive(world, 1.0)
    assert 19 <= len(jobs) <= 22
    assert closest([job.start_us for job in jobs]) >= 1.02e6 / 20 - TOLERANCE_US


async def test_a_users_starts_are_spaced_over_all_limiting_types(world: World) -> None:
    types = [TaskType(name, HOUR, limits=("shop",)) for name in ("one", "two")]
    await world.install(*types, limits=[Limit("shop", LimitKey.USER, 10)])
    await backlog(world, "one", 20, 1_000, users=2)
    await backlog(world, "two", 20, 1_000, users=2)
    found = starts(await drive(world, 1.0), user)
    assert set(found) == {"u0", "u1"}
    for times in found.values():
        assert 9 <= len(times) <= 12
        assert closest(times) >= 1.02e6 / 10 - TOLERANCE_US


async def test_a_limited_type_leaves_the_rest_to_other_types(
    world: World,
) -> None:
    await world.install(
        TaskType("slow", HOUR, rate_limit=RateLimit(per_second=20)), TaskType("free", HOUR), rate=100
    )
    await backlog(world, "slow", 1_000, 1_000)
    await backlog(world, "free", 1_000, 1_000_000)
    found = starts(await drive(world, 4.0), kind)
    assert len(found["slow"]) >= 0.95 * 4 * 20
    assert len(found["slow"]) + len(found["free"]) >= 0.95 * 4 * 100
    # Never more than the limit in any sliding second.
    assert all(
        later - first >= 1_000_000 for first, later in zip(found["slow"], found["slow"][20:], strict=False)
    )


@pytest.mark.parametrize("limit", [60, 90])
async def test_a_wide_limit_is_used_too(world: World, limit: int) -> None:
    wide = TaskType("wide", HOUR, rate_limit=RateLimit(per_second=limit))
    await world.install(wide, TaskType("free", HOUR), rate=100)
    await backlog(world, "wide", 1_000, 1_000)
    await backlog(world, "free", 1_000, 1_000_000)
    found = starts(await drive(world, 4.0), kind)
    wide_s = (found["wide"][-1] - found["wide"][0]) / 1e6
    assert len(found["wide"]) <= wide_s * limit + 5
    assert len(found["free"]) >= 4 * 8
    assert len(found["wide"]) >= 0.45 * 4 * 100


async def test_many_limited_users_share_the_whole_limit(world: World) -> None:
    shop = Limit("shop", LimitKey.USER, 0.5)
    await world.install(TaskType("sync", HOUR, limits=("shop",)), limits=[shop], rate=200)
    await backlog(world, "sync", 2_000, 1_000, users=400)
    jobs = await drive(world, 4.0)
    assert len(jobs) >= 0.95 * 4 * 200 * 0.98
    assert all(
        closest(times) >= 2.04e6 - TOLERANCE_US for times in starts(jobs, user).values() if len(times) > 1
    )


async def test_the_global_limit_moves_only_for_started_jobs(world: World) -> None:
    await world.install(TaskType("slow", HOUR, rate_limit=RateLimit(per_second=0.01)), rate=10)
    await backlog(world, "slow", 150, 1_000)
    got = await world.claim(n=5)
    tat = await world.tat_us()
    assert len(got.jobs) == 1
    assert tat <= got.now_us + 101_501
    assert len((await world.waiting())["ready:type:slow:normal"]) == 149
    await world.conserved()


async def test_a_job_needs_both_of_its_limits_and_books_neither_alone(world: World) -> None:
    both = TaskType("both", HOUR, rate_limit=RateLimit(per_second=0.1), limits=("shop",))
    await world.install(both, limits=[Limit("shop", LimitKey.USER, 0.01)])
    await backlog(world, "both", 2, 1_000, users=1)
    assert len((await world.claim()).jobs) == 1
    await world.clock.advance(s=11)  # the type is free again, the user is not
    assert (await world.claim()).jobs == []
    assert set(await world.waiting()) == {"parked:type:both|shop|u0"}
    await backlog(world, "both", 3, 500)  # other users find the type free
    assert [user(job) for job in (await world.claim()).jobs] == ["u1"]
    await world.conserved()


async def test_a_limit_with_costs_is_spaced_by_cost(world: World) -> None:
    await world.install(TaskType("big", HOUR, cost=3, rate_limit=RateLimit(per_second=30)), rate=1_000)
    await backlog(world, "big", 20, 1_000)
    assert closest([job.start_us for job in await drive(world, 1.0)]) >= 3 * 1.02e6 / 30 - TOLERANCE_US


@pytest.mark.parametrize(("limit", "free"), [("", ["other|a"]), ("global", [])])
async def test_a_handler_closes_a_limit_for_all_workers_without_an_attempt(
    world: World, limit: str, free: list[str]
) -> None:
    shop = Limit("shop", LimitKey.USER, 1_000)
    await world.install(TaskType("sync", HOUR, limits=("shop",)), TaskType("other", HOUR), limits=[shop])
    await world.enqueue("sync", "a")
    (job,) = (await world.claim()).jobs
    await world.claim(n=0, results=[Result(job.lease, Outcome.LIMITED, 5_000, limit)])
    await world.enqueue("sync", "a")
    await world.enqueue("other", "a")
    got = [job.lease.split("|~")[0] for job in (await world.claim("elsewhere")).jobs]
    assert got == free
    await world.clock.advance(ms=4_740)
    assert (await world.claim("elsewhere")).jobs == []
    await world.clock.advance(ms=260)
    again = {j.lease.rsplit("|", 2)[0]: j for j in (await world.claim("elsewhere")).jobs}
    first = again[job.lease.rsplit("|", 2)[0]]
    assert (first.failures, first.losses) == (0, 0)
    await world.conserved()


async def test_a_limit_stays_shut_until_the_last_start_is_paid(world: World) -> None:
    await world.install(TaskType("slow", HOUR, rate_limit=RateLimit(per_second=1)), TaskType("free", HOUR))
    await raw(world.store).hset(world.store.keys("limiter"), "first_seen_us", world.clock.now_us - 500_000)
    await backlog(world, "slow", 1, 1_000)
    await backlog(world, "free", 1, 1_000)
    assert [kind(job) for job in (await world.claim()).jobs] == ["free"]
    await world.clock.advance(ms=600)
    assert [kind(job) for job in (await world.claim()).jobs] == ["slow"]


async def test_a_type_without_limit_frees_its_parked_jobs(world: World) -> None:
    await world.install(TaskType("slow", HOUR, rate_limit=RateLimit(per_second=1)))
    await backlog(world, "slow", 3, 1_000)
    assert len((await world.claim()).jobs) == 1
    await world.install(TaskType("slow", HOUR))
    await world.clock.advance(ms=1_100)
    moving = await world.claim()
    assert (moving.jobs, moving.next_call_us) == ([], moving.now_us), (
        "the jobs go to the queue of the global limit"
    )
    assert len((await world.claim()).jobs) == 2
    assert await raw(world.store).exists(world.store.keys("limits_free_at")) == 0
    assert await read_subscriptions(world.store, "u0") == []
