"""Ticking: exactly the plan, by any number of tickers, however late they come."""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise

import pytest

from taskqueue.models.values import (
    CatchUp,
    Exclusion,
    Limit,
    LimitKey,
    Priority,
    Schedule,
    Subscription,
    TaskType,
    UserSubscription,
)
from taskqueue.plan.lanes import Lane
from taskqueue.plan.schedule import occurrences, window_s
from taskqueue.plan.segment import DueRange
from taskqueue.scheduler import step
from taskqueue.scheduler import ticker as ticker_module
from taskqueue.scheduler.publisher import Publisher
from taskqueue.scheduler.ticker import Ticker
from taskqueue.store import job_name
from taskqueue.store.audit import audit
from taskqueue.store.connection import Store
from taskqueue.store.cursor import read_cursor, restore_cursor
from taskqueue.store.errors import StoreCorrupt, StoreRefused, StoreUnavailable
from taskqueue.store.pause import pause, resume
from taskqueue.store.tick import TickVerdict, tick
from taskqueue.store.types import read_catalog
from tests.support.store.raw import raw
from tests.support.store.script_clock import ScriptClock

PATIENCE_S = 60.0
LOOK_AHEAD_MS = 1_000
#: A ticker's clock is kept in seconds, and may be so far behind the store's.
ROUNDING_MS = 2

#: (type, user, occurrence s) -> due ms
Plan = dict[tuple[str, str, int], int]


def some_users(count: int, *types: str) -> dict[str, UserSubscription]:
    tasks = tuple(Subscription(name) for name in types)
    return {f"u-{i:03}": UserSubscription(f"u-{i:03}", tasks) for i in range(count)}


def some_types(*types: TaskType) -> dict[str, TaskType]:
    return {one.name: one for one in types}


async def start_at(store: Store, cursor_ms: int, types: dict[str, TaskType], users: int) -> Publisher:
    """Publish as if it had been done when the cursor was there."""
    assert await restore_cursor(store, cursor_ms)
    publisher = Publisher(store)
    await publisher.publish(types, some_users(users, *types), as_of_ms=cursor_ms)
    return publisher


async def emitted(store: Store) -> list[tuple[str, str, int]]:
    names = [
        name for lane in Lane for name in await raw(store).zrange(store.keys.ready("global", lane), 0, -1)
    ]
    jobs = [job_name.parse(name.decode()) for name in names]
    return [(job.type, job.user, job.occurrence or 0) for job in jobs]


async def planned(store: Store, after_ms: int, until_ms: int) -> Plan:
    """By brute force: every occurrence of every generation, and every member of it."""
    plan: Plan = {}
    for name, record in (await read_catalog(store)).records.items():
        for one in record.active:
            members = await raw(store).zrange(store.keys.schedule(name, one.number), 0, -1, withscores=True)
            lo_s = max(one.from_s, after_ms // 1000 - window_s(one.schedule))
            hi_s = min(until_ms // 1000 + 1, one.until_s or until_ms)
            for start_s in occurrences(one.schedule, lo_s, hi_s):
                for user, offset in members:
                    due_ms = start_s * 1000 + int(offset)
                    if after_ms < due_ms <= until_ms:
                        assert (name, user.decode(), start_s) not in plan
                        plan[name, user.decode(), start_s] = due_ms
    return plan


@pytest.fixture
def clock(ticking_clock: ScriptClock) -> ScriptClock:
    """The clock of the scripts and of the tickers, which `reach` moves."""
    return ticking_clock


@asynccontextmanager
async def running(*tickers: Ticker) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(one.run()) for one in tickers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def reach(clock: ScriptClock, tickers: Sequence[Ticker], cursor_ms: int) -> None:
    """Let time pass until the cursor is there: a quarter of a second whenever the tickers have done their work."""
    done: set[asyncio.Task[object]] = set()
    async with asyncio.timeout(PATIENCE_S):
        while (at_ms := max(one.cursor_ms or 0 for one in tickers)) < cursor_ms:
            if not done or at_ms >= clock.now_ms + LOOK_AHEAD_MS - ROUNDING_MS:
                await clock.advance(ms=250)
            waits = [asyncio.create_task(one.ticked.wait()) for one in tickers]
            done, _ = await asyncio.wait(waits, timeout=1, return_when=asyncio.FIRST_COMPLETED)
            for wait, one in zip(waits, tickers, strict=True):
                wait.cancel()
                one.ticked.clear()


async def test_three_tickers_emit_exactly_the_plan(store: Store, clock: ScriptClock) -> None:
    start_ms = clock.now_ms - 90_000
    types = some_types(
        TaskType("five", Schedule(interval_s=5), function="f", catch_up=CatchUp.ALL),
        TaskType("seven", Schedule(interval_s=7), function="f", catch_up=CatchUp.ALL),
        TaskType("ten", Schedule(interval_s=10, window_s=3), function="f", catch_up=CatchUp.ALL),
        TaskType("cron", Schedule(cron="* * * * *"), function="f", catch_up=CatchUp.ALL),
    )
    await start_at(store, start_ms, types, 40)
    tickers = [Ticker(store, period_s=0.01) for _ in range(3)]
    async with running(*tickers):
        await reach(clock, tickers, clock.now_ms + LOOK_AHEAD_MS)
    plan = await planned(store, start_ms, await read_cursor(store))
    found = await emitted(store)
    assert Counter(found) == Counter(plan.keys())
    assert len(found) > 40 * (90 // 5 + 90 // 7 + 90 // 10 + 1)
    state = await audit(store)
    assert (state.totals["emitted"], state.difference) == (len(found), 0)
    assert "missed" not in state.totals


@pytest.mark.parametrize("policy", list(CatchUp))
async def test_each_policy_holds_after_an_outage(store: Store, clock: ScriptClock, policy: CatchUp) -> None:
    start_ms = clock.now_ms - 210_000  # 3.5 periods
    only = TaskType("only", Schedule(interval_s=60), function="f", catch_up=policy)
    await start_at(store, start_ms, some_types(only), 120)
    ticker = Ticker(store)
    await ticker.turn()
    plan = await planned(store, start_ms, await read_cursor(store))

    promised = {
        CatchUp.ALL: set(plan),
        CatchUp.LATEST: {job for job, due_ms in plan.items() if due_ms + 60_000 > clock.now_ms},
        CatchUp.SKIP: {job for job, due_ms in plan.items() if due_ms >= clock.now_ms - 5_000},
    }
    found = await emitted(store)
    assert len(found) == len(set(found))
    assert set(found) == promised[policy]
    totals = (await audit(store)).totals
    assert totals["emitted"] + totals.get("missed", 0) == len(plan)


async def test_excluded_time_has_no_job_and_moves_none(store: Store, clock: ScriptClock) -> None:
    start_ms = clock.now_ms - 600_000
    minute = start_ms // 60_000 + 3  # of this one and the next in UTC nothing is due
    pause = Exclusion(daily_s=(minute % 1440 * 60, (minute + 2) % 1440 * 60))
    only = TaskType("only", Schedule(interval_s=10), function="f", catch_up=CatchUp.ALL)
    await start_at(store, start_ms, some_types(replace(only, exclude=(pause,))), 30)
    ticker = Ticker(store)
    await ticker.turn()
    plan = await planned(store, start_ms, await read_cursor(store))
    kept = {job for job, due_ms in plan.items() if due_ms // 60_000 - minute not in (0, 1)}
    assert Counter(await emitted(store)) == Counter(kept)
    state = await audit(store)
    assert state.totals["excluded"] == len(plan) - len(kept) == 2 * 6 * 30
    assert (state.totals["emitted"], state.difference) == (len(kept), 0)


async def test_a_new_interval_loses_and_doubles_nothing(store: Store, clock: ScriptClock) -> None:
    start_ms = clock.now_ms - 10_000
    types = some_types(
        TaskType("edited", Schedule(interval_s=2), function="f", catch_up=CatchUp.ALL),
        TaskType("other", Schedule(interval_s=2), function="f", catch_up=CatchUp.ALL),
    )
    publisher = await start_at(store, start_ms, types, 20)
    tickers = [Ticker(store, period_s=0.05) for _ in range(2)]
    async with running(*tickers):
        await reach(clock, tickers, start_ms + 10_000)
        types["edited"] = replace(types["edited"], schedule=Schedule(interval_s=3, window_s=2))
        await publisher.publish(types, some_users(20, *types))
        record = (await read_catalog(store)).records["edited"]
        await reach(clock, tickers, (record.active[-1].from_s + 5) * 1000)
    plan = await planned(store, start_ms, await read_cursor(store))
    assert Counter(await emitted(store)) == Counter(plan.keys())
    old, new = record.active
    assert await raw(store).zcard(store.keys.schedule("edited", new.number)) == 20
    for user in some_users(20):
        dues = sorted(due for (name, who, _), due in plan.items() if (name, who) == ("edited", user))
        offsets = [
            await raw(store).zscore(store.keys.schedule("edited", one.number), user) for one in (old, new)
        ]
        bound_ms = 3_000 + max(0, offsets[1] - offsets[0])
        assert max(later - earlier for earlier, later in pairwise(dues)) <= bound_ms
        assert len(dues) >= 5


async def test_a_ticker_with_old_types_reads_them_again(store: Store, clock: ScriptClock) -> None:
    start_ms = clock.now_ms - 5_000
    gone = TaskType("gone", Schedule(interval_s=1), function="f", catch_up=CatchUp.ALL)
    publisher = await start_at(store, start_ms, some_types(gone), 3)
    old = Ticker(store, period_s=0.01)
    await old.turn()
    known = set(await emitted(store))
    assert known
    kept = replace(gone, name="kept")
    await publisher.publish(some_types(kept), some_users(3, "kept"))
    stale = (await read_catalog(store)).version - 1
    cursor_ms = await read_cursor(store)
    ranges = [DueRange("gone", 1, 0, 999, cursor_ms // 1000, 0, Priority.NORMAL)]
    assert (await tick(store, cursor_ms, cursor_ms + 1, stale, ranges)).verdict is TickVerdict.TYPES
    async with running(old):
        await reach(clock, [old], cursor_ms + 1_500)
    assert {name for name, _, _ in set(await emitted(store)) - known} == {"kept"}


async def test_a_dense_catch_up_takes_bounded_calls(
    store: Store, clock: ScriptClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[TickVerdict, int, int]] = []

    async def noted(*args: object, most: int, **options: object) -> object:
        answer = await tick(*args, most=most, **options)  # type: ignore[arg-type]
        calls.append((answer.verdict, answer.emitted, most))
        return answer

    monkeypatch.setattr(ticker_module, "tick", noted)
    monkeypatch.setattr(ticker_module, "MAX_JOBS", 300)
    start_ms = clock.now_ms - 60_000
    every = TaskType("every", Schedule(interval_s=1), function="f", catch_up=CatchUp.ALL)
    await start_at(store, start_ms, some_types(every), 400)
    await Ticker(store).turn()
    assert TickVerdict.BIG in {verdict for verdict, _, _ in calls}
    assert all(count <= most for _, count, most in calls)
    plan = await planned(store, start_ms, await read_cursor(store))
    assert Counter(await emitted(store)) == Counter(plan.keys())
    assert len(calls) < 3 * math.ceil(60 * 400 / 300)


async def test_one_crowded_millisecond_is_emitted(store: Store, clock: ScriptClock) -> None:
    now_ms = clock.now_ms
    a, b = (TaskType(name, Schedule(interval_s=3600, window_s=1), function="f") for name in "ab")
    await start_at(store, now_ms, some_types(a, b), 8)
    ranges = [DueRange(name, 1, 0, 999, now_ms // 1000, 0, Priority.NORMAL) for name in "ab"]
    version = (await read_catalog(store)).version
    answer = await tick(store, now_ms, now_ms + 1, version, ranges, most=3)
    assert (answer.verdict, answer.emitted) == (TickVerdict.OK, 16)


async def test_a_busy_ticker_can_be_stopped(
    store: Store, clock: ScriptClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ms = clock.now_ms
    every = TaskType("every", Schedule(interval_s=1), function="f")
    await start_at(store, now_ms - 60_000, some_types(every), 1)
    monkeypatch.setattr(step, "MAX_MS", 1)  # 60,000 calls to go
    ticker = Ticker(store)
    ticker._step.ms = 1
    busy = asyncio.create_task(ticker.run())
    async with asyncio.timeout(PATIENCE_S):
        await ticker.ticked.wait()
        busy.cancel()
        await asyncio.wait([busy])
    assert busy.cancelled()
    assert await read_cursor(store) < now_ms


async def test_a_full_queue_holds_up_no_other_and_loses_nothing(store: Store, clock: ScriptClock) -> None:
    start_ms, second = clock.now_ms - 20_000, Schedule(interval_s=1)
    slow = TaskType("slow", second, function="f", catch_up=CatchUp.ALL, limits=("slow",))
    free = TaskType("free", second, function="f", catch_up=CatchUp.ALL)
    assert await restore_cursor(store, start_ms)
    limits = {"slow": Limit("slow", LimitKey.RELEASE, 1.0)}
    users = {**some_users(10, "slow"), "f": UserSubscription("f", (Subscription("free"),))}
    await Publisher(store).publish(some_types(slow, free), users, limits=limits, as_of_ms=start_ms)
    ticker = Ticker(store, max_backlog=50)
    await ticker.turn()
    assert await read_cursor(store) == clock.now_ms + LOOK_AHEAD_MS
    free_jobs = len(await emitted(store))
    assert free_jobs >= 20
    slow_lanes = [store.keys.ready("slow", lane) for lane in Lane]
    assert 50 <= sum([await raw(store).zcard(lane) for lane in slow_lanes]) < 100
    assert ticker.late.behind.keys() == {"slow"}
    await Ticker(store, max_backlog=10_000).turn()
    assert abs(sum([await raw(store).zcard(lane) for lane in slow_lanes]) - 10 * free_jobs) <= 10
    assert (await read_catalog(store)).behind == {}


async def test_a_type_that_fell_behind_can_be_edited_twice(store: Store, clock: ScriptClock) -> None:
    """The second edit is written after the cursor passed the takeover of the first, and before the type did."""
    fast = TaskType("fast", Schedule(interval_s=1), function="f", catch_up=CatchUp.ALL)
    publisher = await start_at(store, clock.now_ms - 20_000, some_types(fast), 10)
    ticker, users = Ticker(store, max_backlog=50), some_users(10, "fast")
    for interval_s in (2, 3):
        await ticker.turn()
        assert (await read_catalog(store)).behind.keys() == {"fast"}
        edited = some_types(replace(fast, schedule=Schedule(interval_s=interval_s)))
        async with asyncio.timeout(PATIENCE_S):
            await publisher.publish(edited, users)
        await clock.advance(s=20)
    await Ticker(store, max_backlog=10_000).turn()
    jobs = await emitted(store)
    assert len(set(jobs)) == len(jobs)
    assert {occurrence % 3 for *_, occurrence in jobs if occurrence > clock.now_ms // 1000 - 15} == {0}


async def test_a_paused_type_emits_nothing_until_its_pause_ends(store: Store, clock: ScriptClock) -> None:
    now_ms = clock.now_ms
    every = TaskType("every", Schedule(interval_s=1), function="f")
    await start_at(store, now_ms, some_types(every), 3)
    ticker = Ticker(store, period_s=0.01)
    await pause(store, "every", for_ms=1_000)
    await ticker.turn()
    assert await emitted(store) == []
    async with running(ticker):
        await reach(clock, [ticker], now_ms + 3_500)
    assert await emitted(store) != []
    assert await resume(store, "every")


async def test_a_ticker_restores_a_lost_cursor(store: Store, clock: ScriptClock) -> None:
    now_ms = clock.now_ms
    await start_at(store, now_ms - 5_000, some_types(TaskType("t", Schedule(interval_s=1), function="f")), 3)
    ticker = Ticker(store, period_s=0.01)
    await ticker.turn()
    known_ms = await read_cursor(store)
    await raw(store).delete(store.keys("cursor"))
    async with running(ticker):
        await reach(clock, [ticker], known_ms + 1)
    plan = await planned(store, now_ms - 5_000, await read_cursor(store))
    assert set(await emitted(store)) <= plan.keys()
    assert set(await emitted(store)) >= {job for job, due_ms in plan.items() if due_ms > now_ms}


async def test_a_ticker_waits_for_an_unknown_cursor(store: Store, clock: ScriptClock) -> None:
    now_ms = clock.now_ms
    await start_at(store, now_ms, some_types(TaskType("t", Schedule(interval_s=1), function="f")), 3)
    await raw(store).delete(store.keys("cursor"))
    ticker = Ticker(store)
    await ticker.turn()
    assert ticker.cursor_ms is None
    assert not await ticker.restore()
    assert await emitted(store) == []
    await restore_cursor(store, now_ms)
    await ticker.turn()
    assert await read_cursor(store) > now_ms


async def test_a_ticker_waits_for_the_first_publish(store: Store, clock: ScriptClock) -> None:
    ticker = Ticker(store, period_s=0.01)
    await ticker.turn()
    await Publisher(store).publish(
        some_types(TaskType("t", Schedule(interval_s=1), function="f")), some_users(1, "t")
    )
    async with running(ticker):
        await reach(clock, [ticker], clock.now_ms)
    assert await emitted(store) != []


async def test_a_ticker_waits_for_an_unreachable_store(
    store: Store, clock: ScriptClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ms = clock.now_ms
    await start_at(store, now_ms - 5_000, some_types(TaskType("t", Schedule(interval_s=1), function="f")), 3)
    failures = iter([StoreUnavailable("away"), StoreRefused("OOM"), StoreCorrupt("types")])

    async def failing(*args: object, **kwargs: object) -> object:
        for error in failures:
            raise error
        return await tick(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(ticker_module, "tick", failing)
    monkeypatch.setattr(ticker_module, "BACKOFF_MIN_S", 0.001)
    ticker = Ticker(store, period_s=0.01)
    async with running(ticker):
        await reach(clock, [ticker], now_ms)
    assert list(failures) == []


async def test_a_tick_without_an_answer_emits_nothing_twice(
    store: Store, clock: ScriptClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_ms = clock.now_ms - 5_000
    every = TaskType("t", Schedule(interval_s=1), function="f", catch_up=CatchUp.ALL)
    await start_at(store, start_ms, some_types(every), 3)
    lost = 0

    async def losing(*args: object, **kwargs: object) -> object:
        nonlocal lost
        answer = await tick(*args, **kwargs)  # type: ignore[arg-type]
        lost += 1
        if lost % 3 == 1:
            raise StoreUnavailable("no answer")
        return answer

    monkeypatch.setattr(ticker_module, "tick", losing)
    monkeypatch.setattr(ticker_module, "BACKOFF_MIN_S", 0.001)
    ticker = Ticker(store, period_s=0.01)
    async with running(ticker):
        await reach(clock, [ticker], start_ms + 5_000)
    plan = await planned(store, start_ms, await read_cursor(store))
    assert Counter(await emitted(store)) == Counter(plan.keys())
    assert (await audit(store)).totals["emitted"] == len(plan)
