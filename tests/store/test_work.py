"""The figures read by autoscaling: exact counts, means of real durations, at a cost independent of the queue."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import (
    ConcurrencyPolicy,
    Limit,
    LimitKey,
    Priority,
    Schedule,
    TaskType,
)
from taskqueue.plan.capacity import DEFAULT_SERVICE_S, Due
from taskqueue.store import script
from taskqueue.store.claim import Result
from taskqueue.store.heartbeat import heartbeat
from taskqueue.store.limits import override_rate
from taskqueue.store.script import Script
from taskqueue.store.types import put_types, read_catalog
from taskqueue.store.work import Work, read_work
from tests.support.store.raw import raw
from tests.support.store.ready import put_ready

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)
LONG_MS = 3_600_000


def due_of(found: Work, queue: str = "global") -> Mapping[str, Due]:
    return found.loads[queue].due if queue in found.loads else {}


async def ran(world: World, kind: str, *times_us: int, outcome: Outcome = Outcome.DONE) -> None:
    """Jobs of a type that took so long."""
    for time_us in times_us:
        await world.enqueue(kind, f"ran-{time_us}")
        (job,) = (await world.claim("runner", 1)).jobs
        wait_ms = 0 if outcome is Outcome.RETURNED else LONG_MS
        await world.claim("runner", 0, [Result(job.lease, outcome, wait_ms, "why", time_us)])
        await world.clock.advance(us=1_015)  # a slot of 1,000/s


async def means_us(world: World) -> dict[str, int]:
    rows = await raw(world.store).hgetall(world.store.keys("service_times"))
    return {kind.decode(): int(value.partition(b"|")[0]) for kind, value in rows.items()}


async def test_an_idle_store_has_no_work(world: World) -> None:
    found = await read_work(world.store)
    assert (due_of(found), found.running, found.rate_per_s, found.oldest_due_s) == ({}, 0, 0, 0)
    await world.install(TaskType("sync", HOUR))
    assert (await read_work(world.store)).rate_per_s == 1000


async def test_due_jobs_count_by_lane_with_their_mean_times(world: World) -> None:
    late = TaskType("late", HOUR, priority=Priority.LOW)
    await world.install(TaskType("quick", HOUR), TaskType("slow", HOUR, cost=4), late)
    await ran(world, "quick", 100_000)
    await ran(world, "slow", 2_000_000)
    await world.enqueue("quick", "a", "b", "c")
    await world.enqueue("slow", "a")
    await world.enqueue("late", "a")
    await world.enqueue("late", "later", delay_ms=LONG_MS)
    await world.clock.advance(s=7)
    found = await read_work(world.store)
    assert due_of(found)["low"] == Due(1, DEFAULT_SERVICE_S, 1)
    assert (due_of(found)["normal"].jobs, due_of(found)["normal"].mean_cost) == (4, (3 + 4) / 4)
    assert due_of(found)["normal"].mean_service_s == pytest.approx((3 * 0.1 + 2) / 4)
    assert found.oldest_due_s == 7


async def test_running_retried_dead_and_lost_jobs_are_counted(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", "a", "b", "c", "d")
    jobs = (await world.claim()).jobs
    found = await read_work(world.store)
    assert (due_of(found), found.running) == ({}, 4)

    await world.claim(
        "w", 0, [Result(jobs[0].lease, Outcome.RETRIED, LONG_MS, "", 1_000_000)]
    )  # not due for an hour
    await world.claim("w", 0, [Result(jobs[1].lease, Outcome.DEAD, 0, "why", 3_000_000)])
    now_ms = world.clock.now_ms
    await raw(world.store).zadd(world.store.keys("leases"), {jobs[2].lease: now_ms})  # its worker vanished
    await world.claim("w", 0)
    found = await read_work(world.store)
    assert {name: lane.jobs for name, lane in due_of(found).items()} == {"parked": 1}
    assert (found.running, found.dead_letters) == (1, 1)
    assert due_of(found)["parked"].mean_service_s == 2.0, "of both that ended, and not of the lost one"
    assert {name: found.totals[name] for name in ("enqueued", "leased", "retried", "dead", "lost")} == {
        "enqueued": 4, "leased": 4, "retried": 1, "dead": 1, "lost": 1,
    }  # fmt: skip


async def test_the_mean_is_exact_first_and_follows_the_last_fifty(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await ran(world, "sync", *range(1_000, 41_000, 1_000))
    assert await means_us(world) == {"sync": 20_500}
    for _ in range(4):
        await ran(world, "sync", *[100_000 + n for n in range(50)])
    assert (await means_us(world))["sync"] == pytest.approx(100_000, rel=0.05)


async def test_one_call_with_many_results_is_as_good_as_many(world: World) -> None:
    await world.install(TaskType("a", HOUR), TaskType("b", HOUR))
    await world.enqueue("a", *"uvw")
    await world.enqueue("b", *"uvw")
    jobs = (await world.claim()).jobs
    times = {"a": 10_000, "b": 30_000}
    results = [
        Result(job.lease, Outcome.DONE, 0, "", times[job.lease[0]] + n * 1_000) for n, job in enumerate(jobs)
    ]
    await world.claim("w", 0, results)
    for _ in range(2):  # answers that were lost
        await world.again("w", 0, results)
    taken = {kind: [r.ran_us for r in results if r.lease[0] == kind] for kind in times}
    assert await means_us(world) == {kind: sum(many) // 3 for kind, many in taken.items()}


async def test_jobs_without_duration_do_not_change_the_mean(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await ran(world, "sync", 5_000)
    await ran(world, "sync", 0, outcome=Outcome.RETURNED)
    (job,) = (await world.claim("old")).jobs
    without_time = msgspec.msgpack.encode(([job.lease], [0], []))
    await world.store.run(Script("claim", bytes), "old", 99, 0, LONG_MS, without_time, 0, 0)
    assert await means_us(world) == {"sync": 5_000}
    assert await world.total("done") == 2


async def test_a_result_of_a_lost_lease_is_not_counted(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.claim("w", 0, [Result("sync|u|~1|1|0|gone|1", Outcome.DONE, 0, "", 7_000)])
    assert await means_us(world) == {}


async def test_the_means_of_removed_types_go_with_a_publish(world: World) -> None:
    await world.install(TaskType("sync", HOUR), TaskType("gone", HOUR))
    await ran(world, "sync", 1_000)
    await ran(world, "gone", 1_000)
    version = (await read_catalog(world.store)).version
    await put_types(world.store, version, [], removed=["gone"])
    assert set(await means_us(world)) == {"sync"}


async def test_parked_jobs_count_one_per_free_limit(world: World) -> None:
    shop = Limit("shop", LimitKey.USER, 0.001)
    await world.install(TaskType("shy", HOUR, limits=("shop",), cost=2), limits=[shop])
    await ran(world, "shy", 4_000_000)
    for _ in range(3):
        await world.enqueue("shy", "ada", "bob")
    assert len((await world.claim()).jobs) == 2
    assert due_of(await read_work(world.store)) == {}, "no worker could start any"
    for user in ("ada", "bob"):
        await raw(world.store).zadd(world.store.keys("limits_free_at"), {f"global|shop|{user}": 1})
    assert due_of(await read_work(world.store)) == {"parked": Due(2, 4.0, 2)}


async def test_a_long_queue_is_counted_exactly_and_its_types_are_sampled(
    world: World, chance: random.Random
) -> None:
    await world.install(TaskType("quick", HOUR), TaskType("slow", HOUR))
    await ran(world, "quick", 100_000)
    await ran(world, "slow", 1_900_000)
    kinds = chance.choices(("quick", "slow"), (3, 1), k=20_000)
    await put_ready(
        world.store, "normal", {f"{kind}|u{n}|~{n}|1|0": 1_000 + n for n, kind in enumerate(kinds)}
    )
    means_s = []
    for _ in range(25):  # each takes its sample elsewhere: its seed is the clock's
        await world.clock.advance(ms=1)
        found = due_of(await read_work(world.store))["normal"]
        assert found.jobs == 20_000
        means_s.append(found.mean_service_s)
    slow = kinds.count("slow") / 20_000
    exact_s = 0.1 + slow * 1.8
    deviation_s = 1.8 * math.sqrt(slow * (1 - slow) / (32 * 4))  # of the mean of STRATA * RUN jobs
    assert means_s == pytest.approx([exact_s] * 25, abs=4.5 * deviation_s)
    assert len(set(means_s)) > 5
    assert sum(means_s) / 25 == pytest.approx(exact_s, abs=4.5 * deviation_s / math.sqrt(25))
    await raw(world.store).unlink(world.store.keys.ready("global", "normal"))


async def test_reading_costs_the_same_at_any_backlog(world: World) -> None:
    """Calls inside the script: only the depth of a sorted set grows with the queue."""
    await world.install(TaskType("sync", HOUR))
    costs = list[int]()
    for jobs in (2_000, 100_000):
        await put_ready(world.store, "normal", {f"sync|u{n}|~{n}|1|0": n for n in range(jobs)})
        pipeline = raw(world.store).pipeline()  # no other client is counted
        pipeline.config_resetstat()
        pipeline.eval(script.source("work"), 1, world.store.keys.prefix)
        pipeline.info("commandstats")
        stats = pipeline.execute()[-1]
        costs.append(sum(v["calls"] for k, v in stats.items() if k in {"cmdstat_zrange", "cmdstat_hget"}))
    assert costs[0] == costs[1] < 100
    await raw(world.store).unlink(world.store.keys.ready("global", "normal"))


async def test_the_limit_in_force_and_the_workers_seen_are_told(world: World) -> None:
    await world.install(TaskType("sync", HOUR, concurrency_policy=ConcurrencyPolicy.FORBID))
    await heartbeat(world.store, "w0", 5_000, b"{}", [], [])
    await world.clock.advance(ms=60_001)
    await heartbeat(world.store, "w1", 5_000, b"{}", [], [])
    await override_rate(world.store, 7)
    found = await read_work(world.store)
    assert (found.workers, found.rate_per_s) == (1, 7)
    await override_rate(world.store, math.inf)
    assert (await read_work(world.store)).rate_per_s == math.inf
    await override_rate(world.store, 0)
    assert (await read_work(world.store)).rate_per_s == 0


async def test_work_is_told_by_queue_with_the_limits_on_its_path(world: World) -> None:
    app, orders = Limit("app", LimitKey.RELEASE, 100.0), Limit("orders", LimitKey.RELEASE, 10.0, within="app")
    types = [TaskType("orders", HOUR, limits=("orders",)), TaskType("rest", HOUR)]
    await world.install(*types, limits=[app, orders])
    await world.enqueue("orders", *"abc")
    await world.enqueue("rest", "a")
    assert len((await world.claim(n=2)).jobs) == 2
    found = await read_work(world.store)
    jobs = {
        name: (load.running, sum(lane.jobs for lane in load.due.values()))
        for name, load in found.loads.items()
    }
    assert jobs == {"orders": (1, 2), "global": (1, 0)}
    assert {name: (round(rate.per_second, 1), rate.within) for name, rate in found.limits.items()} == {
        "orders": (9.8, "app"), "app": (98.0, "global"), "global": (1000, None),
    }  # fmt: skip
