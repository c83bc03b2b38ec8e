"""Refusals of an API (429): each closes the limit that it is about, and no other one notices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Limit, LimitKey
from taskqueue.store.claim import Result
from taskqueue.store.limits import read_closed
from tests.store.test_named_limits import APP, ORDERS, SHOP, type_of
from tests.support.store.drive import backlog, kind, starts
from tests.support.store.raw import raw
from tests.support.store.ready import put_ready

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskqueue.store.claim import JobLease
    from tests.store.conftest import World

OTHER = Limit("other", LimitKey.RELEASE, 50.0)
TEAM = Limit("team", LimitKey.USER, 5.0)
RETRY_AFTER_MS = 10_000
#: From a start to the report of its refusal.
ANSWER_US = 10_000


async def refusing(
    world: World, seconds: float, refuses: Callable[[JobLease], bool], workers: int = 4
) -> list[JobLease]:
    """Drive workers whose handlers take ANSWER_US. A refusal is reported at once, and closes limits by default."""
    started: list[JobLease] = []
    running: dict[str, list[JobLease]] = {f"w{k}": [] for k in range(workers)}
    calls_us = {worker: [world.clock.now_us] for worker in running}
    end_us = world.clock.now_us + seconds * 1e6
    while world.clock.now_us < end_us:
        now_us = world.clock.now_us
        for worker, jobs in running.items():
            ended = [job for job in jobs if job.start_us + ANSWER_US <= now_us]
            refused = [job for job in ended if refuses(job)]
            ahead = [at_us for at_us in calls_us[worker] if at_us > now_us]
            if len(ahead) == len(calls_us[worker]) and not refused:
                continue
            running[worker] = [job for job in jobs if job not in ended]
            results = [Result(job.lease, Outcome.LIMITED, RETRY_AFTER_MS) for job in refused]
            results += [Result(job.lease, Outcome.DONE) for job in ended if job not in refused]
            got = await world.claim(worker, n=50, results=results, has_time=bool(ahead))
            started += got.jobs
            running[worker] += got.jobs
            calls_us[worker] = [*ahead, *([got.next_call_us] if got.next_call_us > 0 else [])]
        await world.clock.advance(us=2_000)
    return started


async def closed_by(world: World, *leases: JobLease, named: str = "", wait_ms: int = 5_000) -> set[str]:
    results = [Result(job.lease, Outcome.LIMITED, wait_ms, named) for job in leases]
    await world.claim(n=0, results=results)
    return {one.limit for one in await read_closed(world.store)}


NAMED = [
    ("", [], {"type:sync"}),
    ("", ["app"], {"app"}),
    ("", ["orders"], {"orders"}),
    ("", ["shop"], {"shop|u0"}),
    ("", ["orders", "shop"], {"shop|u0"}),
    ("", ["shop", "team"], {"shop|u0"}),
    ("team", ["shop", "team"], {"team|u0"}),
    ("app", ["orders", "shop"], {"app"}),
    ("app", ["shop"], {"app"}),
    ("global", ["shop"], {"global"}),
    ("type:sync", ["orders"], {"type:sync"}),
    ("other", ["shop"], {"shop|u0"}),
    ("nonsense|x", ["orders"], {"orders"}),
    ("type:else", [], {"type:sync"}),
]


@pytest.mark.parametrize(("named", "limits", "closed"), NAMED)
async def test_a_refusal_closes_the_limit_named_or_the_default(
    world: World, named: str, limits: list[str], closed: set[str]
) -> None:
    await world.install(type_of("sync", *limits), limits=[APP, ORDERS, SHOP, TEAM, OTHER])
    await world.enqueue("sync", "u0", "u0")
    (job, *_) = (await world.claim(n=1)).jobs
    assert await closed_by(world, job, named=named) == closed
    await world.clock.advance(ms=500)
    assert (await world.claim()).jobs == []
    await world.conserved()
    await world.clock.advance(ms=4_600)
    got: list[JobLease] = []
    for _ in range(20):
        got += (await world.claim()).jobs
        await world.clock.advance(ms=100)
    assert [job.failures for job in got] == [0, 0]
    await world.conserved()


async def test_three_refused_users_close_the_release_limit(world: World) -> None:
    await world.install(type_of("sync", "shop"), type_of("get", "shop"), limits=[APP, SHOP])
    for name, user in [("sync", "a"), ("sync", "a"), ("get", "a"), ("get", "b"), ("sync", "c")]:
        await world.enqueue(name, user)
    jobs = (await world.claim()).jobs
    await world.clock.advance(ms=500)
    by_user = {job.lease.split("|")[1]: job for job in jobs}
    assert await closed_by(world, *(job for job in jobs if "|a|" in job.lease)) == {"shop|a"}
    assert await closed_by(world, by_user["b"]) == {"shop|a", "shop|b"}
    assert await closed_by(world, by_user["c"]) == {"shop|a", "shop|b", "shop|c", "app"}
    assert await raw(world.store).pttl(world.store.keys("refused", "app")) > 0


async def test_refusals_more_than_a_second_apart_are_of_users_alone(world: World) -> None:
    await world.install(type_of("sync", "shop"), limits=[APP, SHOP])
    for user in "abcdef":
        await world.enqueue("sync", user)
        (job,) = (await world.claim()).jobs
        await world.clock.advance(ms=501)
        assert "app" not in await closed_by(world, job)


async def test_users_of_a_type_without_a_release_limit_close_the_type(world: World) -> None:
    await world.install(type_of("sync", "team"), type_of("else"), limits=[TEAM])
    await world.enqueue("sync", "a", "b", "c")
    jobs = (await world.claim()).jobs
    assert await closed_by(world, *jobs) == {"team|a", "team|b", "team|c", "type:sync"}
    await world.enqueue("sync", "d")
    await world.enqueue("else", "d")
    await world.clock.advance(ms=300)
    assert [kind(job) for job in (await world.claim()).jobs] == ["else"]


async def test_an_app_that_refuses_everybody_is_asked_twenty_times(world: World) -> None:
    types = [type_of("sync", "shop"), type_of("orders", "orders"), type_of("free", "other")]
    await world.install(*types, limits=[APP, ORDERS, SHOP, OTHER])
    await backlog(world, "free", "other", 1_000)
    await refusing(world, 0.5, lambda _: False)
    await backlog(world, "sync", "app", 2_000, users=2_000)
    jobs = await refusing(world, RETRY_AFTER_MS / 1_000 - 0.5, lambda job: kind(job) == "sync")
    found = starts(jobs, kind)
    assert len(found["sync"]) <= 20
    assert len(found["free"]) >= 0.975 * 50 * 9.4
    assert "app" in {one.limit for one in await read_closed(world.store)}
    await world.conserved()


async def test_a_closed_limit_leaves_the_lateness_of_others_unchanged(world: World) -> None:
    """Jobs of another API start at their dues while 2,000 users of the first one are refused."""
    await world.install(type_of("sync", "shop"), type_of("free", "other"), limits=[APP, SHOP, OTHER])
    first_ms = world.clock.now_ms + 500

    async def lateness(refused: bool) -> list[float]:
        nonlocal first_ms
        if refused:
            await backlog(world, "sync", "app", 2_000, users=2_000)
        dues = {f"free|u{k}|~{first_ms}{k}|{first_ms + 100 * k}|0": first_ms + 100 * k for k in range(40)}
        await put_ready(world.store, "normal", dues, "other")
        await raw(world.store).hincrby(world.store.keys("metrics"), "enqueued", 40)
        jobs = await refusing(world, 5.0, lambda job: kind(job) == "sync")
        first_ms = world.clock.now_ms + 500
        late = [job.start_us / 1_000 - int(job.lease.split("|")[3]) for job in jobs if kind(job) == "free"]
        assert len(late) == 40
        return sorted(late)

    calm, refused = await lateness(refused=False), await lateness(refused=True)
    assert abs(refused[-1] - calm[-1]) <= 2
    await world.conserved()
