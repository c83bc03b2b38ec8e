"""cancel: jobs end where they wait or run, by name, type or user; later jobs, and those of others, stay."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest.mock import Mock, patch

import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import ConcurrencyPolicy, Limit, LimitKey, Priority, Schedule, TaskType
from taskqueue.store import cancel as cancel_module
from taskqueue.store.cancel import Fate, cancel_due, cancel_named
from taskqueue.store.claim import Alone, Result
from taskqueue.store.heartbeat import heartbeat
from taskqueue.store.job_places import walk_jobs
from taskqueue.store.types import read_catalog
from tests.support.store.raw import raw
from tests.support.store.ready import put_ready

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from taskqueue.store.connection import Store
    from taskqueue.store.types import Catalog
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)
SYNC, OTHER = "sync", "other"
#: One start in a thousand seconds: a user's second job is parked.
SHOP = Limit("shop", LimitKey.USER, 0.001)


async def total(
    store: Store, *, task_type: str | None = None, user: str | None = None, running: bool = False
) -> int:
    steps = cancel_due(store, task_type=task_type, user=user, running=running)
    return sum([number async for number in steps])


async def keys(world: World, *names: str) -> Mapping[str, int]:
    """Return the number of members or fields of each of these keys."""
    found = {}
    for name in names:
        key = world.store.keys(name)
        is_hash = await raw(world.store).type(key) == b"hash"
        found[name] = int(await (raw(world.store).hlen(key) if is_hash else raw(world.store).zcard(key)))
    return found


async def spread_out(world: World, kind: str, user: str) -> None:
    """Have jobs of a user in every place: parked, leased, a lane for a retry, suspects, two lanes."""
    await world.enqueue(kind, user, user)
    got = await world.claim()
    assert len(got.jobs) == 1
    await world.claim(results=[Result(got.jobs[0].lease, Outcome.RETRIED, 60_000)])
    suspect = f"{kind}|{user}|~suspect|{world.clock.now_ms}|0"
    overdue = f"{kind}|{user}|1000|0|0"
    await raw(world.store).zadd(world.store.keys("suspects"), {suspect: world.clock.now_ms})
    await put_ready(world.store, "backfill", {overdue: 1_000_000})
    await raw(world.store).hincrby(world.store.keys("metrics"), "enqueued", 2)
    await raw(world.store).hset(world.store.keys("attempts"), suspect, "0|1|0s")


async def test_a_selection_ends_its_jobs_in_every_place(world: World) -> None:
    await world.install(TaskType(SYNC, HOUR, limits=("shop",)), TaskType(OTHER, HOUR), limits=[SHOP])
    await spread_out(world, SYNC, "ada")
    places = ("ready:global:normal", "ready:global:backfill", "suspects", "parked:global|shop|ada")
    assert await keys(world, *places) == dict.fromkeys(places, 1)
    await world.enqueue(OTHER, "ada")
    assert await total(world.store, task_type=SYNC, user="ada") == 4
    assert (await world.waiting()).keys() == {"ready:global:normal"}
    assert await world.total("cancelled") == 4
    gone = ("attempts", "parked_jobs", "limits_free_at", "suspects")
    assert await keys(world, *gone, "payload") == {**dict.fromkeys(gone, 0), "payload": 1}
    await world.conserved()


@pytest.mark.parametrize(
    ("task_type", "user", "left"),
    [
        (SYNC, None, {(OTHER, "ada"), (OTHER, "bob")}),
        (None, "ada", {(SYNC, "bob"), (OTHER, "bob")}),
        (SYNC, "ada", {(SYNC, "bob"), (OTHER, "ada"), (OTHER, "bob")}),
        (None, "ad", {(SYNC, "ada"), (SYNC, "bob"), (OTHER, "ada"), (OTHER, "bob")}),
    ],
    ids=["type", "user", "both", "part of a name"],
)
async def test_jobs_of_others_stay(
    world: World, task_type: str | None, user: str | None, left: set[tuple[str, str]]
) -> None:
    await world.install(TaskType(SYNC, HOUR), TaskType(OTHER, HOUR, priority=Priority.LOW))
    for kind in (SYNC, OTHER):
        await world.enqueue(kind, "ada", "bob")
    assert await total(world.store, task_type=task_type, user=user) == 4 - len(left)
    names = [name for jobs in (await world.waiting()).values() for name in jobs]
    assert {tuple(name.split("|")[:2]) for name in names} == left
    assert {job.lease.split("|")[0] for job in (await world.claim()).jobs} == {kind for kind, _ in left}
    await world.conserved()


async def test_a_user_is_no_other_part_of_a_name(world: World) -> None:
    await world.install(TaskType(SYNC, HOUR))
    await world.subscribe("ada", SYNC)
    await world.occur(SYNC, 1_000)
    assert await total(world.store, user="1000") == 0
    assert await total(world.store, user="ada") == 1


async def test_jobs_of_a_user_end_at_a_limit_that_all_share(world: World) -> None:
    await world.install(TaskType(SYNC, HOUR), TaskType(OTHER, HOUR))
    await world.enqueue(SYNC, "ada", "bob")
    (job, _) = (await world.claim()).jobs
    await world.claim(n=0, results=[Result(job.lease, Outcome.LIMITED, 60_000)])
    assert await keys(world, f"parked:global|type:{SYNC}") == {f"parked:global|type:{SYNC}": 1}
    assert await total(world.store, user=job.lease.split("|")[1]) == 1
    await world.conserved()


async def test_jobs_due_after_the_call_run(world: World) -> None:
    await world.install(TaskType(SYNC, HOUR))
    await world.enqueue(SYNC, "ada")
    (later,) = await world.enqueue(SYNC, "bob", delay_ms=1)
    assert await total(world.store, task_type=SYNC) == 1
    await world.clock.advance(ms=1)
    assert [job.lease.rsplit("|", 2)[0] for job in (await world.claim()).jobs] == [later]


async def test_a_leased_job_stays_and_is_retried(world: World) -> None:
    await world.install(TaskType(SYNC, HOUR))
    await world.enqueue(SYNC, "ada")
    (job,) = (await world.claim()).jobs
    assert await total(world.store, task_type=SYNC) == 0
    await world.claim(n=0, results=[Result(job.lease, Outcome.RETRIED)])
    (again,) = (await world.claim()).jobs
    assert (again.lease.rsplit("|", 2)[0], again.failures) == (job.lease.rsplit("|", 2)[0], 1)


async def test_a_job_leased_during_the_call_runs(world: World) -> None:
    await world.install(TaskType(SYNC, HOUR))
    await world.enqueue(SYNC, "ada")
    steps = cancel_due(world.store, task_type=SYNC)
    await world.enqueue(SYNC, "bob")
    assert await anext(steps) == 2
    await world.enqueue(SYNC, "eve")
    (job,) = (await world.claim()).jobs
    assert [number async for number in steps] == []
    assert await heartbeat(world.store, "w", 60_000, b"{}", [job.lease], []) == []


async def test_a_job_retried_during_the_call_stays(world: World) -> None:
    await world.install(TaskType(SYNC, HOUR))
    await world.enqueue(SYNC, "ada", "bob")
    (job,) = (await world.claim(n=1)).jobs
    steps = cancel_due(world.store, task_type=SYNC)
    assert await anext(steps) == 1
    await world.claim(n=0, results=[Result(job.lease, Outcome.RETRIED)])
    assert [number async for number in steps] == []
    assert len((await world.claim()).jobs) == 1


@pytest.mark.parametrize("policy", ConcurrencyPolicy)
async def test_a_running_job_is_lost_to_its_worker(world: World, policy: ConcurrencyPolicy) -> None:
    await world.install(TaskType(SYNC, HOUR, concurrency_policy=policy))
    await world.subscribe("ada", SYNC)
    await world.occur(SYNC)
    (job,) = (await world.claim()).jobs
    assert await total(world.store, user="ada", running=True) == 1
    assert await heartbeat(world.store, "w", 60_000, b"{}", [job.lease], []) == [job.lease]
    assert await keys(world, "leases", "exclusive") == {"leases": 0, "exclusive": 0}
    await world.claim(results=[Result(job.lease, Outcome.DONE)])
    assert (await world.total("done"), await world.total("cancelled")) == (0, 1)
    await world.occur(SYNC)
    assert len((await world.claim()).jobs) == 1
    await world.conserved()


async def test_a_repeated_claim_gives_no_cancelled_job(world: World) -> None:
    await world.install(TaskType(SYNC, HOUR))
    await world.enqueue(SYNC, "ada", "bob")
    jobs = (await world.claim("w", 2)).jobs
    assert await total(world.store, user="ada", running=True) == 1
    assert [job.lease for job in (await world.again("w", 2)).jobs] == [
        job.lease for job in jobs if "|bob|" in job.lease
    ]


async def test_a_leased_suspect_makes_room_for_the_next(world: World) -> None:
    await world.install(TaskType(SYNC, HOUR))
    names = [f"{SYNC}|{user}|~s|{world.clock.now_ms}|0" for user in ("ada", "bob")]
    await raw(world.store).zadd(world.store.keys("suspects"), dict.fromkeys(names, world.clock.now_ms))
    await raw(world.store).hincrby(world.store.keys("metrics"), "enqueued", 2)
    assert len((await world.claim("w", alone=Alone.NOW)).jobs) == 1
    assert await total(world.store, user="ada", running=True) == 1
    got = await world.claim("w", alone=Alone.NOW)
    assert [job.lease.rsplit("|", 2)[0] for job in got.jobs] == names[1:]
    await world.conserved()


async def test_names_end_in_every_place_whenever_due(world: World) -> None:
    await world.install(TaskType(SYNC, HOUR, limits=("shop",)), limits=[SHOP])
    await spread_out(world, SYNC, "ada")
    (later,) = await world.enqueue(SYNC, "ada", delay_ms=3_600_000)
    names = [name for jobs in (await world.waiting()).values() for name in jobs]
    names += [name.decode() for name in await raw(world.store).zrange(world.store.keys("suspects"), 0, -1)]
    assert later in names
    assert len(names) == 5
    fates = await cancel_named(world.store, names)
    assert fates == dict.fromkeys(names, Fate.CANCELLED)
    assert await cancel_named(world.store, names) == dict.fromkeys(names, Fate.UNKNOWN)
    assert await world.waiting() == {}
    await world.conserved()


async def test_names_of_other_jobs_have_a_fate(world: World) -> None:
    await world.install(TaskType(SYNC, HOUR))
    (dead,) = await world.enqueue(SYNC, "bob")
    (job,) = (await world.claim()).jobs
    await world.claim(results=[Result(job.lease, Outcome.DEAD, text="why")])
    (running,) = await world.enqueue(SYNC, "ada")
    await world.claim()
    odd = ["", "no job", f"{SYNC}|eve|1|0|0", f"{SYNC}|é|1|0|0"]
    fates = await cancel_named(world.store, [running, dead, *odd])
    assert fates == {running: Fate.RUNNING, dead: Fate.DEAD, **dict.fromkeys(odd, Fate.UNKNOWN)}
    assert await cancel_named(world.store, [running], running=True) == {running: Fate.CANCELLED}
    await world.conserved()


async def test_a_name_of_a_removed_type_ends(world: World) -> None:
    await world.install(TaskType(SYNC, HOUR))
    (name,) = await world.enqueue(SYNC, "ada")
    await raw(world.store).hdel(world.store.keys("types"), SYNC)
    assert await cancel_named(world.store, [name]) == {name: Fate.CANCELLED}


async def fill(world: World, jobs: int) -> None:
    await world.install(TaskType(SYNC, HOUR))
    await put_ready(world.store, "normal", {f"{SYNC}|u{k}|1000|{k}|0": 1e6 + k for k in range(jobs)})
    await raw(world.store).hincrby(world.store.keys("metrics"), "enqueued", jobs)


async def test_a_job_that_a_scan_saw_twice_counts_once(world: World) -> None:
    await fill(world, 1)
    ended = await cancel_module._cancel(world.store, {"ready:global:normal": [f"{SYNC}|u0|1000|0|0"] * 2})
    assert (len(ended), await world.total("cancelled")) == (1, 1)
    await world.conserved()


async def test_a_call_that_is_cut_off_is_repeated(world: World) -> None:
    await fill(world, 1_000)
    steps = cancel_due(world.store, task_type=SYNC)
    assert [await anext(steps), await anext(steps)] == [100, 100]
    await steps.aclose()  # type: ignore[attr-defined]
    await world.conserved()
    assert await total(world.store, task_type=SYNC) == 800
    assert await world.total("cancelled") == 1_000
    await world.conserved()


async def test_a_job_that_moved_is_met_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the read and the call of the script, a worker takes the jobs and gives them back."""
    await world.install(TaskType(SYNC, HOUR))
    await world.enqueue(SYNC, "ada", "bob", "eve")
    cancel, moves = cancel_module._cancel, [True]

    async def late(store: Store, jobs: Mapping[str, Sequence[str]]) -> set[str]:
        if moves:
            moves.clear()
            leased = (await world.claim()).jobs
            assert len(leased) == 3
            await world.claim(n=0, results=[Result(job.lease, Outcome.RETRIED, 60_000) for job in leased])
            await raw(store).rename(
                store.keys("ready", "global", "normal"), store.keys("ready", "global", "low")
            )
            await raw(store).zadd(store.keys("lanes_due"), {"global:low": 0})
        return await cancel(store, jobs)

    monkeypatch.setattr(cancel_module, "_cancel", late)
    assert [number async for number in cancel_due(world.store, task_type=SYNC)] == [0, 3]
    await world.conserved()


@contextmanager
def counted_walks() -> Iterator[Mock]:
    """Count walks over all places."""
    with patch.object(cancel_module, "walk_jobs", wraps=walk_jobs) as walked:
        yield walked


async def test_jobs_behind_a_full_queue_are_awaited(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(world, 1)
    await raw(world.store).hset(world.store.keys("behind"), SYNC, world.clock.now_ms - 1_000)
    asked = 0

    async def catch_up(store: Store) -> Catalog:
        """Have the scheduler emit the missing job once a walk found none."""
        nonlocal asked
        asked += 1
        catalog = await read_catalog(store)
        if asked == 1:
            await world.enqueue(SYNC, "ada")
        else:
            await raw(store).hdel(store.keys("behind"), SYNC)
        return catalog

    monkeypatch.setattr(cancel_module, "read_catalog", catch_up)
    monkeypatch.setattr(cancel_module, "_IDLE_S", 0.0)
    assert [number async for number in cancel_due(world.store, task_type=SYNC)] == [1, 1]
    assert asked == 3


@pytest.mark.parametrize(("behind", "ago_ms", "walks"), [(SYNC, 1, 9), (SYNC, 0, 1), (OTHER, 1, 1)])
async def test_a_stopped_scheduler_is_not_awaited_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch, behind: str, ago_ms: int, walks: int
) -> None:
    await fill(world, 1)
    await raw(world.store).hset(world.store.keys("behind"), behind, world.clock.now_ms - ago_ms)
    monkeypatch.setattr(cancel_module, "_IDLE_S", 0.0)
    with counted_walks() as walked:
        assert await total(world.store, task_type=SYNC) == 1
    assert walked.call_count == 1 + walks


async def test_a_walk_reads_every_place_to_its_end(world: World) -> None:
    await fill(world, 3_500)
    with counted_walks() as walked:
        assert await total(world.store, task_type=SYNC) == 3_500
    assert walked.call_count == 2


async def test_an_unreadable_member_is_left_to_the_worker(world: World) -> None:
    await fill(world, 1)
    await raw(world.store).zadd(world.store.keys("ready", "global", "normal"), {f"{SYNC}|ada|x": 1})
    assert await total(world.store, task_type=SYNC) == 1
    assert list(world.store.malformed.locations) == [f"ready:global:normal {SYNC}|ada|x"]
    await raw(world.store).zrem(world.store.keys("ready", "global", "normal"), f"{SYNC}|ada|x")


async def test_a_store_without_types_has_no_jobs(world: World) -> None:
    assert await total(world.store, user="ada", running=True) == 0
    assert (await read_catalog(world.store)).records == {}
