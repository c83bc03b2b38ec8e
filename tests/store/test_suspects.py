"""Suspects: jobs of a worker that vanished with more than one of them. Each runs alone; only a loss alone counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import ConcurrencyPolicy, Limit, LimitKey, Schedule, TaskType
from taskqueue.store.audit import audit
from taskqueue.store.claim import Alone, Result, claim
from taskqueue.store.dead import read_dead
from taskqueue.store.heartbeat import heartbeat
from taskqueue.store.listing import read_jobs
from taskqueue.store.lookup import find_jobs
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)
PLAIN = TaskType("plain", HOUR)
LEASE_MS = 3_000


async def lease_passes(world: World, *alive: str, members: Sequence[str] = ()) -> None:
    """One lease and a second in which only the workers named `alive` are heard of; expired leases are reaped."""
    for _ in range(5):
        await world.clock.advance(ms=1_000)
        for worker in alive:
            await heartbeat(world.store, worker, LEASE_MS, b"{}", members, [])
        await world.claim("reaper.0", n=0, lease_ms=LEASE_MS)


async def suspected(world: World, *users: str, kind: TaskType = PLAIN, limits: Sequence[Limit] = ()) -> None:
    """Jobs of these users (two at least), all taken down with one worker."""
    await world.install(kind, limits=limits)
    await world.enqueue(kind.name, *users)
    assert len((await world.claim("victim.0", n=len(users), lease_ms=LEASE_MS)).jobs) == len(users)
    await lease_passes(world)


async def suspects(world: World) -> list[str]:
    return [job.name.split("|")[1] for job in await read_jobs(world.store) if job.where == "suspects"]


async def take(world: World, worker: str = "taker.0", **options: Any) -> Any:
    return await world.claim(worker, lease_ms=LEASE_MS, alone=Alone.NOW, **options)


async def test_jobs_lost_together_wait_as_suspects(world: World) -> None:
    await suspected(world, "a", "b", "c")
    assert await suspects(world) == ["a", "b", "c"]
    assert [job.where for job in await find_jobs(world.store, "b")] == ["suspects"]
    found = await audit(world.store)
    assert (found.suspects, found.parked, found.totals["lost"], found.difference) == (3, 3, 3, 0)
    assert (await world.claim("busy.0", lease_ms=LEASE_MS)).jobs == []


async def test_a_worker_gets_one_suspect_alone(world: World) -> None:
    await suspected(world, "a", "b")
    await world.enqueue("plain", "innocent")
    answer = await take(world)
    assert answer.alone is Alone.NOW
    assert [(job.lease.split("|")[1], job.losses) for job in answer.jobs] == [("a", 1)]
    assert await suspects(world) == ["b"]
    await world.conserved()


async def test_a_repeated_call_gives_the_same_suspect_and_says_so_again(world: World) -> None:
    await suspected(world, "a", "b")
    answer = await take(world)
    again = await claim(world.store, "taker.0", world.seqs["taker.0"], 10, LEASE_MS, alone=Alone.NOW)
    assert (again.jobs, again.alone) == (answer.jobs, Alone.NOW)


async def test_one_worker_at_a_time_is_asked_to_become_empty(world: World) -> None:
    await suspected(world, "a", "b", "c")

    async def asked(worker: str) -> bool:
        answer = await world.claim(worker, n=0 + 1, lease_ms=LEASE_MS, alone=Alone.WOULD)
        assert answer.jobs == []
        return answer.alone is Alone.WOULD

    assert [await asked("one.0"), await asked("two.0")] == [True, False]
    (job,) = (await take(world, "one.0")).jobs
    assert not await asked("two.0")
    await world.claim("one.0", n=0, lease_ms=LEASE_MS, results=[Result(job.lease, Outcome.DONE)])
    assert await asked("two.0"), "the suspect ended, so the next one's turn has come"
    await world.clock.advance(ms=LEASE_MS + 1)
    assert await asked("three.0"), "a worker that was asked and never came is replaced after a lease"


async def test_an_unwilling_worker_is_not_asked(world: World) -> None:
    await suspected(world, "a", "b")
    answer = await world.claim("one.0", lease_ms=LEASE_MS)
    assert (answer.jobs, answer.alone) == ([], Alone.NOT_NOW)


@pytest.mark.parametrize(
    ("result", "where"),
    [
        ((Outcome.DONE,), []),
        ((Outcome.DEAD, 0, "why"), []),
        ((Outcome.RETRIED, 0), ["normal"]),
        ((Outcome.LIMITED, 1_000, ""), ["parked:type:plain"]),
        ((Outcome.LIMITED, 1_000, "global"), ["normal"]),
        ((Outcome.RETURNED,), ["suspects"]),
    ],
)
async def test_a_settled_suspect_is_cleared(world: World, result: tuple[Any, ...], where: list[str]) -> None:
    await suspected(world, "a", "b")
    (job,) = (await take(world)).jobs
    await world.claim("taker.0", n=0, lease_ms=LEASE_MS, results=[Result(job.lease, *result)])
    assert [found.where for found in await find_jobs(world.store, "a")] == where
    record = await raw(world.store).hget(world.store.keys("attempts"), job.lease.rsplit("|", 2)[0])
    assert (record or b"").endswith(b"s") == (where == ["suspects"])
    await world.conserved()


async def test_a_culprit_dies_alone_and_innocents_finish(world: World) -> None:
    users = [f"u{k:02}" for k in range(30)]
    await suspected(world, *users)  # more than one call reaps
    alone_losses = 0
    for turn in range(40):
        answer = await take(world, f"w{turn}.0")
        if not answer.jobs:
            break
        (job,) = answer.jobs
        if "|u07|" in job.lease:
            alone_losses += 1
            await lease_passes(world)
        else:
            await world.claim(f"w{turn}.0", n=0, lease_ms=LEASE_MS, results=[Result(job.lease, Outcome.DONE)])
    found = await audit(world.store)
    assert (found.totals["done"], found.totals["dead"], found.parked, found.difference) == (29, 1, 0, 0)
    assert alone_losses == 3
    (letter,) = await read_dead(world.store)
    assert "|u07|" in letter.job
    assert letter.reason == "the worker vanished 3 times while this job ran"
    assert letter.losses == 4
    assert await raw(world.store).exists(world.store.keys("attempts")) == 0


async def test_losing_company_again_and_again_kills_no_job(world: World) -> None:
    await suspected(world, "a", "b")
    for turn in range(5):  # an older worker, which runs a suspect next to other jobs
        for user in "ab":
            answer = await take(world, f"w{turn}.{user}")
            assert len(answer.jobs) == 1
        await lease_passes(world)
    assert sorted(await suspects(world)) == ["a", "b"]
    assert await world.total("dead") == 0


async def test_a_job_lost_alone_gets_no_second_chance(world: World) -> None:
    await world.install(PLAIN)
    await world.enqueue("plain", "a")
    assert len((await world.claim("w0.0", n=1, lease_ms=LEASE_MS)).jobs) == 1
    for turn in range(1, 3):
        await lease_passes(world)
        assert len((await take(world, f"w{turn}.0")).jobs) == 1
    await lease_passes(world)
    assert await world.total("dead") == 1


async def test_a_lease_lost_by_a_live_worker_is_no_suspicion(world: World) -> None:
    await world.install(PLAIN)
    await world.enqueue("plain", "a", "b")
    await world.claim("w.0", n=2, lease_ms=LEASE_MS)
    await lease_passes(world, "w")  # it never got the answer, so it does not hold them
    assert (await audit(world.store)).suspects == 0
    jobs = (await world.claim("w.0", lease_ms=LEASE_MS)).jobs
    assert [job.losses for job in jobs] == [1, 1], "a handler may have begun: it is told of another attempt"


async def test_leases_of_a_restored_store_are_no_losses(world: World) -> None:
    await world.install(PLAIN)
    await world.enqueue("plain", *(f"u{k}" for k in range(10)))
    for run in range(4):
        jobs = (await world.claim(f"w{run}.0", lease_ms=LEASE_MS)).jobs
        assert [(job.failures, job.losses) for job in jobs] == [(0, 0)] * 10
        await raw(world.store).hset(world.store.keys("limiter"), "server_run", f"{run:040}")
        await lease_passes(world)
    found = await audit(world.store)
    assert (found.leased, found.suspects, found.dead_letters, found.difference) == (0, 0, 0, 0)
    assert (found.totals.get("lost", 0), found.totals["returned"]) == (0, 40)


async def test_a_suspect_with_a_shut_limit_is_passed(world: World) -> None:
    shop = Limit("shop", LimitKey.USER, 1)
    await suspected(world, "a", "b", "c", kind=TaskType("plain", HOUR, limits=("shop",)), limits=[shop])
    (job,) = (await take(world)).jobs
    await world.claim("taker.0", n=0, lease_ms=LEASE_MS, results=[Result(job.lease, Outcome.RETURNED)])
    key = world.store.keys("limits_closed_until")
    await raw(world.store).zadd(key, {"shop|b": world.clock.now_us + 3_600_000_000})
    (job,) = (await take(world, "other.0")).jobs
    assert "|c|" in job.lease
    assert sorted(await suspects(world)) == ["a", "b"]
    await world.conserved()


async def test_an_expired_or_unsubscribed_suspect_is_dropped(world: World) -> None:
    await world.install(PLAIN, TaskType("other", HOUR, concurrency_policy=ConcurrencyPolicy.FORBID))
    await world.enqueue("plain", "a", life_ms=2_000)
    await world.subscribe("b", "other")
    await world.occur("other")
    assert len((await world.claim("victim.0", n=2, lease_ms=LEASE_MS)).jobs) == 2
    await lease_passes(world)
    assert sorted(await suspects(world)) == ["a", "b"]
    await world.subscribe("b")
    assert (await take(world)).jobs == []
    found = await audit(world.store)
    assert (found.totals["expired"], found.totals["skipped"], found.suspects) == (1, 1, 0)
    assert found.difference == 0


async def test_a_suspect_waits_for_the_global_limit_like_any_job(world: World) -> None:
    await suspected(world, "a", "b")
    await world.install(PLAIN, rate=1)
    await world.enqueue("plain", "busy")
    assert len((await world.claim("busy.0", lease_ms=LEASE_MS)).jobs) == 1
    answer = await take(world)
    assert (answer.jobs, answer.alone) == ([], Alone.WOULD)
    await world.clock.set(answer.next_call_us)
    (job,) = (await take(world)).jobs
    assert job.start_us == pytest.approx(world.clock.now_us + 125_000, abs=20_000)
