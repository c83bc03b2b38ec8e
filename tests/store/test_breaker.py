"""The circuit breaker: who fails for good is suspended, an outage suspends nobody, and one job lets a user back in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import ConcurrencyPolicy, Schedule, Subscription
from taskqueue.store.audit import audit
from taskqueue.store.claim import JobLease, Result
from taskqueue.store.runs import read_runs
from taskqueue.store.subscribe import subscribe, unsubscribe
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.suspended import count_suspended, follow_suspended, try_suspended
from tests.support.store.raw import raw
from tests.support.store.shop import AFTER, RUN_US, SYNC, Shop, broken, opened, user_of

if TYPE_CHECKING:
    from tests.store.conftest import World

DAY_MS = 86_400_000


async def test_users_who_fail_for_good_are_suspended(world: World) -> None:
    shop, revoked = await opened(world, 1_000, bad=range(0, 1_000, 10))
    started = await shop.work(10 * (AFTER + 1), step_s=0.25)
    assert {started.count(user) for user in revoked} == {AFTER}
    assert await shop.suspended() == revoked
    later = await shop.work(20, step_s=0.25)
    assert not revoked & set(later)
    assert {later.count(f"u{k}") for k in range(1_000) if f"u{k}" not in revoked} == {2}
    assert await count_suspended(world.store, ["sync"]) == {"sync": len(revoked)}
    assert (await audit(world.store)).totals["suspended"] == len(revoked)
    schedule = await raw(world.store).zrange(world.store.keys.schedule("sync", 1), 0, -1, withscores=True)
    assert {user.decode() for user, score in schedule if score < 0} == revoked


@pytest.mark.parametrize(
    ("interval_s", "before_s", "outage_s"),
    [(10, 0, 600), (1, 0, 120), (1, 15, 60), (10, 20, 600), (60, 100, 120)],
)
async def test_an_outage_suspends_nobody(world: World, interval_s: int, before_s: int, outage_s: int) -> None:
    """before_s: so long before, one of the users began to fail."""
    task_type = replace(
        SYNC, schedule=Schedule(interval_s=interval_s), suspend_after=before_s // interval_s + 2
    )
    shop, _ = await opened(world, 30, task_type)
    await shop.work(interval_s)
    begin_s = shop.now_s
    shop.fails = lambda user, at_s: user == "u0" or at_s >= begin_s + before_s
    await shop.work(before_s)
    await shop.work(outage_s, step_s=interval_s / 4)
    shop.fails = lambda _user, _at_s: False
    await shop.work(3 * interval_s)
    assert await shop.suspended() == set()


async def test_an_outage_much_shorter_than_a_period_suspends_nobody(world: World) -> None:
    shop, revoked = await opened(world, 1_000, replace(SYNC, schedule=Schedule(interval_s=3_600)), [0])
    failed, begin_s = 0, 0.0
    while failed < AFTER - 1:
        found = (await shop.work(60, step_s=15)).count("u0")
        failed, begin_s = failed + found, shop.now_s if found else begin_s
    await shop.work(begin_s + 3_600 - 300 - shop.now_s, step_s=15)
    shop.fails = lambda _user, _at_s: True
    assert "u0" in await shop.work(600, step_s=15)
    assert await shop.suspended() == set()
    shop.fails = lambda user, _: user in revoked
    await shop.work(3_600, step_s=15)
    assert await shop.suspended() == {"u0"}


async def test_a_user_who_fails_beyond_the_outage_is_suspended(world: World) -> None:
    shop, _ = await opened(world, 20)
    shop.fails = lambda _user, _at_s: True
    await shop.work(100)
    assert await shop.suspended() == set()
    shop.fails = lambda user, _at_s: user == "u7"
    await shop.work(60)
    assert await shop.suspended() == {"u7"}


async def test_a_success_begins_the_count_anew(world: World) -> None:
    shop, _ = await opened(world, 5)
    shop.fails = lambda user, at_s: user == "u0" and at_s % 30 >= 10
    await shop.work(300)
    assert await shop.suspended() == set()


async def test_ad_hoc_jobs_do_not_count(world: World) -> None:
    shop, _ = await opened(world, 5, bad=[0])
    await shop.work(10)
    for _ in range(5):
        await world.enqueue("sync", "u0")
        await shop.work(1)
    assert await shop.suspended() == set()
    assert (await read_runs(world.store, "u0"))["sync"][0] is Outcome.DEAD
    await shop.work(10 * AFTER)
    assert await shop.suspended() == {"u0"}


async def test_nothing_but_a_person_resumes_anybody(world: World) -> None:
    shop, _ = await broken(world)
    await shop.publish()
    await shop.open()  # another process
    shop.task_type = replace(SYNC, schedule=Schedule(interval_s=20))
    await shop.publish()
    started = await shop.work(100)
    assert "u0" not in started
    assert started.count("u1") >= 4
    assert await shop.suspended() == {"u0"}


#: What lets one job through.
async def _resume(shop: Shop) -> None:
    assert await try_suspended(shop.world.store, "sync", "u0") == "ok"


async def _edit(shop: Shop) -> None:
    shop.params["u0"] = {"token": shop.params.get("u0", {}).get("token", 0) + 1}
    await shop.publish()


async def _time(shop: Shop) -> None:
    await shop.world.clock.advance(ms=DAY_MS)


REMEDIES = {"resume": _resume, "edit": _edit, "time": _time}


@pytest.mark.parametrize("policy", [ConcurrencyPolicy.ALLOW, ConcurrencyPolicy.FORBID])
@pytest.mark.parametrize("remedy", REMEDIES)
async def test_one_job_is_let_through_and_decides(
    world: World, remedy: str, policy: ConcurrencyPolicy
) -> None:
    shop, revoked = await broken(world, replace(SYNC, concurrency_policy=policy))
    await REMEDIES[remedy](shop)
    assert (await shop.work(60)).count("u0") == 1
    assert await shop.suspended() == {"u0"}
    (subscription,) = await read_subscriptions(world.store, "u0")
    assert subscription.by_breaker
    assert not subscription.on_trial
    revoked.clear()
    await REMEDIES[remedy](shop)
    assert (await shop.work(60)).count("u0") >= 5
    assert await shop.suspended() == set()
    (subscription,) = await read_subscriptions(world.store, "u0")
    assert not subscription.by_breaker
    assert await raw(world.store).exists(world.store.keys("suspended")) == 0
    assert await raw(world.store).exists(world.store.keys("exclusive")) == 0


async def test_a_retried_trial_goes_on(world: World) -> None:
    shop, revoked = await broken(world)
    await _resume(shop)
    (trial,) = [job for job in await claimed(shop) if user_of(job) == "u0"]
    await world.claim("w", 0, [Result(trial.lease, Outcome.RETRIED, 100, "503", RUN_US)])
    revoked.clear()
    assert (await shop.work(30)).count("u0") >= 1
    assert await shop.suspended() == set()


async def claimed(shop: Shop) -> list[JobLease]:
    """The jobs of one period, leased and not settled."""
    jobs: list[JobLease] = []
    for _ in range(12):
        await shop.ticker.turn()
        jobs += (await shop.world.claim("w", 1_000)).jobs
        await shop.world.clock.advance(s=1)
    return jobs


async def test_no_second_job_goes_while_the_trial_runs(world: World) -> None:
    shop, _ = await broken(world)
    await _resume(shop)
    assert [user_of(job) for job in await claimed(shop)].count("u0") == 1
    assert "u0" not in [user_of(job) for job in await claimed(shop)]


async def test_a_lost_trial_is_repeated(world: World) -> None:
    shop, _ = await broken(world)
    await _resume(shop)
    (trial,) = [job for job in await claimed(shop) if user_of(job) == "u0"]
    await raw(world.store).zrem(world.store.keys("leases"), trial.lease)
    await raw(world.store).hincrby(world.store.keys("metrics"), "skipped", 1)
    assert "u0" not in await shop.work(60)
    await world.clock.advance(ms=DAY_MS)
    assert (await shop.work(30)).count("u0") == 1


async def test_a_trial_that_still_runs_is_not_repeated(world: World) -> None:
    shop, _ = await broken(world, replace(SYNC, retry_suspended_after_ms=20_000))
    users: list[str] = []
    for _ in range(4):  # no longer than the lease
        await shop.publisher.maintain()
        users += [user_of(job) for job in await claimed(shop)]
    assert users.count("u0") == 1


async def test_a_suspension_ends_with_its_subscription(world: World) -> None:
    shop, _ = await broken(world)
    shop.users.remove("u0")
    await shop.publish()
    assert await shop.suspended() == set()
    assert await raw(world.store).exists(world.store.keys("suspended")) == 0


async def test_an_application_s_edit_lets_one_job_through(world: World) -> None:
    await world.install(SYNC)
    await subscribe(world.store, "app", Subscription("sync", {"token": 1}))
    await suspend(world, "app")
    await subscribe(world.store, "app", Subscription("sync", {"token": 1}))
    assert not (await read_subscriptions(world.store, "app"))[0].on_trial
    await subscribe(world.store, "app", Subscription("sync", {"token": 2}))
    assert (await read_subscriptions(world.store, "app"))[0].on_trial
    await unsubscribe(world.store, "app", "sync")
    assert await count_suspended(world.store, ["sync"]) == {"sync": 0}


async def suspend(world: World, user: str) -> None:
    """Suspend a user's subscription beside others whose jobs are done."""
    await world.subscribe("good", "sync")
    for _ in range(AFTER + 1):
        await world.occur("sync")
        jobs = (await world.claim(n=100)).jobs
        results = [
            Result(job.lease, Outcome.DEAD if user_of(job) == user else Outcome.DONE, 0, "401", RUN_US)
            for job in jobs
        ]
        await world.enqueue("sync", *["good"] * 3)
        extra = (await world.claim(n=100, results=results)).jobs
        await world.claim(n=0, results=[Result(job.lease, Outcome.DONE, 0, "", RUN_US) for job in extra])
        await world.clock.advance(s=1)
    assert (await read_subscriptions(world.store, user))[0].by_breaker


async def test_a_type_without_breaker_suspends_nobody(world: World) -> None:
    shop, _ = await opened(world, 5, replace(SYNC, suspend_after=None), [0])
    assert (await shop.work(100)).count("u0") == 10
    assert await raw(world.store).exists(world.store.keys("deaths")) == 0
    run = await raw(world.store).hget(world.store.keys.runs("u0"), "sync")
    assert b"|" not in run


@pytest.mark.parametrize("key", ["suspended:sync", "deaths", "runs:u0"])
async def test_values_that_cannot_be_read_stop_nothing(world: World, key: str) -> None:
    shop, revoked = await broken(world)
    name = "u0" if key.startswith("suspended") else "sync"
    await raw(world.store).hset(world.store.keys(key), name, b"\xff?")
    await _resume(shop)
    assert (await shop.work(30)).count("u0") == 1
    revoked.clear()
    await _resume(shop)
    await shop.work(30)
    assert await shop.suspended() == set()


async def test_a_call_follows_a_bounded_number(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskqueue.store.suspended._BATCH", 4)
    shop, revoked = await opened(world, 40, bad=range(0, 40, 4))
    results: list[Result] = []
    for _ in range(10 * AFTER + 10):
        await shop.ticker.turn()
        jobs = (await world.claim("w", 1_000, results)).jobs
        results = [shop.result(job) for job in jobs]
        await world.clock.advance(s=1)
    await world.claim("w", 0, results)
    sizes, more = [], True
    while more:
        events, more = await follow_suspended(world.store)
        sizes.append(len(events))
    assert sizes == [4, 4, 2]
    assert await shop.suspended() == revoked
