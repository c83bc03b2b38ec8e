"""Saturated limits, side by side and within each other: each is used, and shared by the weights of the lanes."""

from __future__ import annotations

import math
import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from taskqueue.models.values import (
    Limit,
    LimitKey,
    Priority,
    Schedule,
    Subscription,
    TaskType,
    UserSubscription,
)
from taskqueue.store.users import set_users
from tests.support.store.drive import backlog, drive
from tests.support.store.limit_judge import Paths, most_above
from tests.support.store.simulated_ticker import start_ticker
from tests.support.store.simulated_workers import SimulatedWorker, Start, work

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)
PRIORITIES = {"high": Priority.HIGH, "normal": Priority.NORMAL, "low": Priority.LOW}
#: Starts of the first seconds are left out: each limit gives a start more at its beginning.
SETTLED_S = 2


def release(name: str, rate: float, within: str | None = None) -> Limit:
    return Limit(name, LimitKey.RELEASE, rate, within=within)


def type_of(name: str, *limits: str, cost: int = 1) -> TaskType:
    """A type `x-high` has the priority High."""
    return TaskType(
        name,
        HOUR,
        limits=limits,
        cost=cost,
        priority=PRIORITIES.get(name.rpartition("-")[2], Priority.NORMAL),
    )


async def saturate(
    world: World,
    queues: Mapping[str, str],
    limits: Sequence[Limit],
    rate: float = math.inf,
    *,
    jobs: int,
    workers: int = 4,
    seconds: float = 12.0,
) -> tuple[list[Start], Counter[str]]:
    """Drain backlogs of types (with the limit that each names). Returns the starts after SETTLED_S, and the calls."""
    types = [type_of(name, limit) for name, limit in queues.items()]
    await world.install(*types, limits=limits, rate=rate)
    for one in types:
        lane = one.name.rpartition("-")[2]
        await backlog(world, one.name, one.limits[0], jobs, lane=lane if lane in PRIORITIES else "normal")
    began_us = world.clock.now_us
    crew = [SimulatedWorker(f"w{number}", 50, 20_000) for number in range(workers)]
    starts = await work(world.store, world.clock, crew, seconds, random.Random(1))
    for bucket, of_bucket in Paths.of(types, limits, rate).by_limit(starts).items():
        assert most_above(bucket, [one.start_us for one in of_bucket], [1] * len(of_bucket)) <= 0, bucket
    await world.conserved()
    span = range(began_us + SETTLED_S * 1_000_000, began_us + int(seconds * 1e6))
    calls = Counter(kind for worker in crew for kind in worker.calls.elements())
    return [one for one in starts if one.start_us in span], calls


@pytest.mark.parametrize("rate", [math.inf, 1_000.0])
@pytest.mark.parametrize("workers", [1, 4, 8])
async def test_three_limits_are_used_side_by_side(world: World, rate: float, workers: int) -> None:
    rates = {"a": 100, "b": 37, "c": 7}
    limits = [release(name, rate) for name, rate in rates.items()]
    starts, calls = await saturate(
        world, {name: name for name in rates}, limits, rate, jobs=1_300, workers=workers
    )
    found = Counter(one.type for one in starts)
    for name, per_second in rates.items():
        assert found[name] >= 0.975 * per_second * 10 - 1
    assert calls["taking"] / 12 <= 20 + 0.1 * len(starts) / 10
    assert calls["empty"] / 12 <= 10


@pytest.mark.parametrize("workers", [1, 8])
async def test_fifty_limits_of_which_45_are_idle_cost_few_calls(world: World, workers: int) -> None:
    limits = [release(f"l{number}", 20) for number in range(50)]
    queues = {f"t{number}": f"l{number}" for number in range(5)}
    starts, calls = await saturate(world, queues, limits, jobs=300, workers=workers)
    assert min(Counter(one.type for one in starts).values()) >= 0.975 * 20 * 10
    assert calls["taking"] / 12 <= 20 + 0.1 * len(starts) / 10
    assert calls["empty"] / 12 <= 10


WITHIN = [release("app", 100), release("a", 60, "app"), release("b", 60, "app")]
APART = [release("a", 100), release("b", 100)]


@pytest.mark.parametrize(
    ("limits", "rate", "queues"),
    [
        ([release("a", 100)], math.inf, ["a-high", "a-normal", "a-low"]),
        ([release("a", 100)], 150.0, ["a-high", "a-normal", "a-low"]),
        (APART, 1_000.0, ["a-high", "b-high", "a-normal", "b-normal", "a-low", "b-low"]),
        (WITHIN, math.inf, ["a-high", "b-high", "a-normal", "b-normal", "a-low", "b-low"]),
        (
            [release("app", 100), release("a", 80, "app"), release("b", 80, "app")],
            math.inf,
            ["a-high", "b-normal", "a-low"],
        ),
    ],
    ids=["one", "one-in-global", "apart", "children", "children-differ"],
)
@pytest.mark.parametrize("workers", [1, 4])
async def test_lanes_share_a_limit(
    world: World, limits: list[Limit], rate: float, queues: list[str], workers: int
) -> None:
    of_types = {name: name[0] for name in queues}
    starts, _ = await saturate(world, of_types, limits, rate, jobs=1_300, workers=workers)
    found = Counter(one.type.rpartition("-")[2] for one in starts)
    for lane, weight in {"high": 8, "normal": 4, "low": 2}.items():
        assert found[lane] / found.total() == pytest.approx(weight / 14, rel=0.05), found


async def test_a_limit_within_a_saturated_one_shares_its_own_starts(world: World) -> None:
    limits = [release("app", 100), release("a", 10, "app")]
    queues = {"a-high": "a", "a-normal": "a", "a-low": "a", "rest": "app"}
    starts, calls = await saturate(world, queues, limits, jobs=2_400, seconds=22)
    found = Counter(one.type for one in starts)
    assert found.total() >= 0.95 * 100 * 20
    assert found.total() - found["rest"] >= 0.95 * 10 * 20
    assert found["a-high"] / 8 == pytest.approx(found["a-normal"] / 4, rel=0.05)
    assert found["a-low"] >= 0.9 * found["a-normal"] / 2
    assert calls["taking"] / 22 <= 40 + 0.1 * 100


async def test_two_limits_share_a_global_one(world: World) -> None:
    starts, _ = await saturate(world, {"a": "a", "b": "b"}, APART, 150.0, jobs=1_500)
    found = Counter(one.type for one in starts)
    assert found.total() >= 0.95 * 150 * 10
    assert found["a"] == pytest.approx(found["b"], rel=0.05)


async def test_500_shops_share_their_app(world: World) -> None:
    shop = Limit("shop", LimitKey.USER, 2.0, 40, "app")
    await world.install(type_of("sync", "shop"), limits=[release("app", 100), shop], rate=math.inf)
    await backlog(world, "sync", "app", 6_000, users=500)
    crew = [SimulatedWorker(f"w{number}", 50, 20_000) for number in range(4)]
    starts = await work(world.store, world.clock, crew, 20, random.Random(1))
    assert len(starts) >= 0.95 * 100 * 20
    shops = Counter(one.user for one in starts)
    assert len(shops) == 500
    assert max(shops.values()) - min(shops.values()) <= 1
    dues = [one.due_us for one in starts]
    assert dues == sorted(dues), "the oldest first"


@pytest.mark.parametrize("jobs", [20_000, pytest.param(300_000, marks=pytest.mark.conformance)])
async def test_a_backlog_of_one_limit_delays_no_job_of_another(world: World, jobs: int) -> None:
    limits = [release("fast", 100), Limit("slow", LimitKey.USER, 0.2)]
    ten = Schedule(interval_s=10)
    types = [TaskType("slow", ten, limits=("slow",)), TaskType("fast", ten, limits=("fast",))]
    await world.install(*types, limits=limits, rate=math.inf)
    tasks = tuple(Subscription(one.name) for one in types)
    await set_users(world.store, "folder", [UserSubscription(f"u{k}", tasks) for k in range(300)])
    await backlog(world, "slow", "global", jobs, users=500)
    ticker = await start_ticker(world.store, world.clock.now_us, max_backlog=jobs // 2)
    crew = [SimulatedWorker(f"w{number}", 200, 20_000) for number in range(4)]
    starts = await work(world.store, world.clock, [ticker, *crew], 12, random.Random(1))
    late_us = sorted(one.start_us - one.due_us for one in starts if one.type == "fast")
    assert len(late_us) >= 30 * 12
    assert late_us[len(late_us) // 2] <= 3_000
    assert late_us[len(late_us) * 99 // 100] <= 15_000
    assert sum(one.type == "slow" for one in starts) == 500 * 3, "at 0, 5.1 and 10.2 s"
    assert ticker.behind == {"slow"}
    assert ticker.cursor_ms >= world.clock.now_ms
    await world.conserved()


async def test_a_parked_job_takes_its_own_cost(world: World) -> None:
    app, shop = Limit("app", LimitKey.RELEASE, 1.0, 6), Limit("shop", LimitKey.USER, 10.0, 3, "app")
    await world.install(type_of("dear", "shop", cost=3), limits=[app, shop], rate=math.inf)
    await backlog(world, "dear", "app", 5, users=1)
    times = [job.start_us for job in await drive(world, 8.0)]
    assert len(times) == 4
    assert times[2] - times[0] >= 3_000_000, "nine starts, of which six were left"
    assert times[3] - times[2] >= 3_000_000


async def test_a_worker_is_told_a_due_before_a_later_start(world: World) -> None:
    await world.install(type_of("slow", "slow"), type_of("fast"), limits=[release("slow", 2.0)], rate=100.0)
    await backlog(world, "slow", "slow", 3)
    await world.enqueue("fast", "u", delay_ms=150)
    got = await world.claim()
    assert [job.lease.split("|")[0] for job in got.jobs] == ["slow"]
    assert 100_000 < got.next_call_us - world.clock.now_us < 150_000


@pytest.mark.parametrize("rate", [math.inf, 1_000.0])
async def test_workers_take_turns_at_the_starts_of_a_limit(world: World, rate: float) -> None:
    await world.install(type_of("sync", "a"), limits=[release("a", 100)], rate=rate)
    await backlog(world, "sync", "a", 500)
    told = [(await world.claim(f"w{number}", n=50)).next_call_us - world.clock.now_us for number in range(8)]
    assert len(set(told)) == 8


#: A start takes longer than the horizon, and no whole number of us.
SLOW = 7.27


@pytest.mark.parametrize(
    ("limits", "rate", "queues"),
    [
        (APART, SLOW, ["a-high", "b-normal", "a-low"]),
        (
            [release("app", SLOW), release("a", 100, "app"), release("b", 100, "app")],
            math.inf,
            ["a-high", "b-low"],
        ),
    ],
)
async def test_lanes_share_a_slow_limit(
    world: World, limits: list[Limit], rate: float, queues: list[str]
) -> None:
    of_types = {name: name[0] for name in queues}
    starts, _ = await saturate(world, of_types, limits, rate, jobs=500, seconds=62)
    found = Counter(one.type.rpartition("-")[2] for one in starts)
    weights = {"high": 8, "normal": 4, "low": 2}
    total = sum(weights[lane] for lane in found)
    for lane in found:
        assert found[lane] / found.total() == pytest.approx(weights[lane] / total, rel=0.05), found
    assert len(found) == len(queues)


@pytest.mark.parametrize("workers", [1, 4])
async def test_parked_jobs_have_a_share_of_a_slow_limit(world: World, workers: int) -> None:
    await world.install(
        type_of("own", "shop"), type_of("plain"), limits=[Limit("shop", LimitKey.USER, 1.0)], rate=SLOW
    )
    await backlog(world, "own", "global", 300, users=3)
    await backlog(world, "plain", "global", 500, due_ms=2_000)
    crew = [SimulatedWorker(f"w{number}", 50, 20_000) for number in range(workers)]
    starts = await work(world.store, world.clock, crew, 30, random.Random(1))
    found = Counter(one.type for one in starts)
    assert found.total() >= 0.97 * SLOW * 30
    assert found["own"] >= 0.85 * 3 * 30


@pytest.mark.parametrize("workers", [1, 4])
async def test_users_with_a_free_limit_wait_for_no_poll(world: World, workers: int) -> None:
    await world.install(type_of("sync", "shop"), limits=[Limit("shop", LimitKey.USER, 0.5)], rate=math.inf)
    await backlog(world, "sync", "global", 4_500, users=1_000)
    crew = [SimulatedWorker(f"w{number}", 1_000 // workers) for number in range(workers)]
    began_us = world.clock.now_us
    starts = await work(world.store, world.clock, crew, 6.5, random.Random(1))
    found = Counter((one.start_us - began_us) // 200_000 for one in starts)
    assert found == dict.fromkeys((0, 10, 20, 30), 1_000), "at 0, 2.03, 4.06 and 6.09 s"
