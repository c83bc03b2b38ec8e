"""Dead letters: bounded, told apart by reason, redriven with a clean record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Schedule, TaskType
from taskqueue.store.claim import Result
from taskqueue.store.dead import find_dead, purge_dead, read_dead, retry_dead
from taskqueue.store.enqueue import enqueue
from taskqueue.store.runs import read_runs
from taskqueue.views.dead_groups import list_dead_groups, read_dead_names
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)
MAX_COUNT = 10_000
DAY_MS = 86_400_000


async def die(world: World, *users: str, reason: str = "no") -> list[str]:
    names = [await enqueue(world.store, "sync", user, {"for": user}, life_ms=50_000) for user in users]
    members = [job.lease for job in (await world.claim(n=len(users))).jobs]
    await world.claim(n=0, results=[Result(member, Outcome.DEAD, 0, reason) for member in members])
    return names


async def test_a_dead_letter_says_why_and_keeps_its_params(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    (name,) = await die(world, "u", reason="HTTP 500 · é")
    letter = await find_dead(world.store, name)
    assert letter is not None
    assert (letter.reason, letter.failures, letter.losses, letter.payload) == (
        "HTTP 500 · é",
        1,
        0,
        '{"for":"u"}',
    )
    assert await read_dead(world.store) == [letter]
    assert await find_dead(world.store, "other") is None
    await world.conserved()


async def test_a_redriven_job_starts_with_a_clean_record_and_no_deadline(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    (name,) = await die(world, "u")
    assert await retry_dead(world.store, [name, "unknown|u|1|2|0"]) == 1
    (job,) = (await world.claim()).jobs
    assert (job.failures, job.losses, job.params) == (0, 0, '{"for":"u"}')
    assert job.lease.split("|")[4] == "0"
    assert (await read_dead(world.store), await world.total("redriven")) == ([], 1)
    await world.claim(n=0, results=[Result(job.lease, Outcome.DONE)])
    assert await raw(world.store).exists(world.store.keys("payload")) == 0
    await world.conserved()


async def test_a_redriven_job_may_die_again(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    names = await die(world, "u")
    for _ in range(2):
        assert await retry_dead(world.store, names) == 1
        (job,) = (await world.claim()).jobs
        await world.claim(n=0, results=[Result(job.lease, Outcome.DEAD, 0, "again")])
        names = [letter.job for letter in await read_dead(world.store)]
        await world.conserved()
    assert len(names) == 1


async def test_purged_letters_are_gone(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    names = await die(world, "a", "b")
    assert await purge_dead(world.store, names[:1]) == 1
    assert await purge_dead(world.store, names[:1]) == 0
    assert [letter.job for letter in await read_dead(world.store)] == names[1:]
    await world.conserved()


async def test_the_newest_come_first_and_pages_follow(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    names = await die(world, *"abc")
    for age, name in enumerate(names):
        await raw(world.store).zadd(world.store.keys("dead"), {name: 1_000 - age})
    assert [letter.job for letter in await read_dead(world.store)] == names
    assert [letter.job for letter in await read_dead(world.store, 1, 1)] == names[1:2]


async def test_beyond_the_count_the_oldest_are_forgotten(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    now_ms = world.clock.now_ms
    old = {f"sync|o{k}|1|{k}|0": now_ms - MAX_COUNT + k for k in range(MAX_COUNT)}
    await raw(world.store).zadd(world.store.keys("dead"), old)
    await raw(world.store).hset(world.store.keys("dead:body"), mapping=dict.fromkeys(old, b"?"))
    await die(world, "u")
    assert await raw(world.store).zcard(world.store.keys("dead")) == MAX_COUNT
    assert await raw(world.store).hlen(world.store.keys("dead:body")) == MAX_COUNT
    assert await raw(world.store).zscore(world.store.keys("dead"), "sync|o0|1|0|0") is None
    assert await world.total("forgotten") == 1


async def test_after_thirty_days_letters_are_forgotten(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    now_ms = world.clock.now_ms
    await raw(world.store).zadd(
        world.store.keys("dead"), {"sync|o|1|0|0": now_ms - 31 * DAY_MS, "sync|p|1|0|0": now_ms - 29 * DAY_MS}
    )
    names = await die(world, "u")
    kept = {name.decode() for name in await raw(world.store).zrange(world.store.keys("dead"), 0, -1)}
    assert kept == {"sync|p|1|0|0", *names}


async def test_the_last_outcome_of_a_subscription_is_remembered(world: World) -> None:
    await world.install(TaskType("sync", HOUR), TaskType("send", HOUR))
    await world.subscribe("u", "sync", "send")
    await world.occur("sync")
    await world.occur("send")
    jobs = {job.lease.split("|")[0]: job.lease for job in (await world.claim()).jobs}
    await world.claim(
        n=0, results=[Result(jobs["sync"], Outcome.DONE), Result(jobs["send"], Outcome.DEAD, 0, "no")]
    )
    runs = await read_runs(world.store, "u")
    assert {kind: outcome for kind, (outcome, _) in runs.items()} == {
        "sync": Outcome.DONE,
        "send": Outcome.DEAD,
    }
    assert {at for _, at in runs.values()} == {world.clock.now_ms // 1000}


async def test_dead_jobs_are_grouped_by_type_and_reason(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    (one,) = await die(world, "u", reason="timeout")
    two = await die(world, "v", "w", reason="HTTP 500")
    groups = [(row.type, row.reason, row.jobs) for row in await list_dead_groups(world.store)]
    assert groups == [("sync", "HTTP 500", 2), ("sync", "timeout", 1)]
    assert set(await read_dead_names(world.store, "sync", "HTTP 500")) == set(two)
    assert set(await read_dead_names(world.store, "sync")) == {one, *two}
    assert await read_dead_names(world.store, "syn", "timeout") == []
