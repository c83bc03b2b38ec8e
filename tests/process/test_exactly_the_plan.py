"""However schedulers die, every (subscription, occurrence) is emitted once: the plan against the handlers."""

import asyncio
import os
import random
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from planned import Planned
from site_under_test import Site, site, until

from taskqueue.store.catalog import read_cursor, set_rate

USERS = 120
SECONDS = float(os.environ.get("TASKQUEUE_SOAK", "8"))
TYPES: dict[str, dict[str, Any]] = {
    "two": {"schedule": {"interval": "2s"}},
    "three": {"schedule": {"interval": "3s"}, "priority": "High"},
    "five": {"schedule": {"interval": "5s"}, "window": "2s", "priority": "Low"},
}


async def begin(
    world: Site, types: dict[str, dict[str, Any]], schedulers: int
) -> tuple[list[Any], Any, Planned, int]:
    """Publish, start, and wait until everything is dealt; from that cursor on the plan must hold."""
    await set_rate(world.store, 2_000)
    world.publish(types, USERS)
    running = [await world.scheduler() for _ in range(schedulers)]
    worker = await world.worker("--concurrency", "200")
    planned = Planned()

    async def dealt() -> bool:
        await planned.look(world.store)
        return sum(map(len, planned.offsets.values())) == USERS * len(types)

    await until("all subscriptions are dealt", dealt)
    # What a type's first generation swallowed before it was dealt is not planned: begin behind it.
    start_ms = await read_cursor(world.store)
    begun = start_ms + 1_000

    async def passed() -> bool:
        return await read_cursor(world.store) >= begun

    await until("the cursor moves", passed)
    return running, worker, planned, await read_cursor(world.store)


async def finish(world: Site, running: list[Any], worker: Any, planned: Planned, after_ms: int) -> None:
    """Stop emitting, drain, and compare."""
    for process in running:  # the youngest may not even have come to handle signals
        assert await world.end(process, signal.SIGTERM) in {0, -signal.SIGTERM}
    until_ms = await read_cursor(world.store)
    await planned.look(world.store)
    await until("the queue is empty", world.idle)
    assert await world.end(worker, signal.SIGTERM) == 0
    wanted = planned.between(after_ms, until_ms)
    got = Counter(
        (s.type, s.user, int(s.occurrence)) for s in world.starts() if after_ms < s.due_ms <= until_ms
    )
    assert len(wanted) > USERS
    assert {job: n for job, n in got.items() if n > 1} == {}, "emitted twice"
    assert sorted(wanted.keys() - got.keys()) == [], "never emitted"
    assert sorted(got.keys() - wanted.keys()) == [], "not planned"


async def kill_now_and_then(
    world: Site, running: list[Any], planned: Planned, seconds: float, seed: int
) -> None:
    chance = random.Random(seed)
    loop = asyncio.get_running_loop()
    end_s = loop.time() + seconds
    while loop.time() < end_s:
        victim = running.pop(chance.randrange(len(running)))
        assert await world.end(victim, signal.SIGKILL) == -signal.SIGKILL
        running.append(await world.scheduler())
        for _ in range(int(chance.uniform(8, 25))):
            await planned.look(world.store)
            await world.balanced()
            await asyncio.sleep(0.05)


async def test_three_schedulers_of_which_one_dies_every_second(
    redis_url: str, release: str, tmp_path: Path
) -> None:
    async with site(redis_url, release, tmp_path) as world:
        running, worker, planned, after_ms = await begin(world, TYPES, 3)
        await kill_now_and_then(world, running, planned, SECONDS, seed=1)
        await finish(world, running, worker, planned, after_ms)


async def test_an_edit_in_the_middle_and_an_old_scheduler_that_wakes_up(
    redis_url: str, release: str, tmp_path: Path
) -> None:
    async with site(redis_url, release, tmp_path) as world:
        running, worker, planned, after_ms = await begin(world, TYPES, 3)
        asleep = running[0]
        asleep.send_signal(signal.SIGSTOP)
        edited = {
            **TYPES,
            "two": {"schedule": {"interval": "4s"}},
            "five": {"schedule": {"interval": "5s"}, "window": "5s"},
        }
        world.publish(edited, USERS)

        async def taken_over() -> bool:
            await planned.look(world.store)
            return {("two", 2), ("five", 2)} <= planned.generations.keys()

        await until("both edits took over", taken_over)
        asleep.send_signal(signal.SIGCONT)
        await kill_now_and_then(world, running, planned, SECONDS, seed=2)
        await finish(world, running, worker, planned, after_ms)
        assert {name for name, number in planned.generations if number > 1} == {"two", "five"}


@pytest.mark.parametrize("catch_up", ["Latest", "All", "Skip"])
async def test_an_outage_of_three_and_a_half_periods(
    redis_url: str, release: str, tmp_path: Path, catch_up: str
) -> None:
    period_s = 3
    async with site(redis_url, release, tmp_path) as world:
        types = {"sync": {"schedule": {"interval": f"{period_s}s"}, "catchUp": catch_up}}
        running, worker, planned, after_ms = await begin(world, types, 1)
        assert await world.end(running.pop(), signal.SIGKILL) == -signal.SIGKILL
        down_ms = await read_cursor(world.store)
        emitted, missed = await world.total("emitted"), await world.total("missed")
        await asyncio.sleep(3.5 * period_s)
        running.append(await world.scheduler())

        async def caught_up() -> bool:
            return await read_cursor(world.store) >= down_ms + int(3.5 * period_s * 1000)

        await until("the cursor caught up", caught_up)
        for process in running:
            assert await world.end(process, signal.SIGTERM) == 0
        up_ms = await read_cursor(world.store)
        await until("the queue is empty", world.idle)
        assert await world.end(worker, signal.SIGTERM) == 0

        swallowed = planned.between(down_ms, up_ms)
        counted = await world.total("emitted") - emitted + await world.total("missed") - missed
        assert counted == len(swallowed), "every planned occurrence is emitted or counted as missed"
        got = Counter((s.type, s.user, int(s.occurrence)) for s in world.starts() if s.due_ms > down_ms)
        assert set(got.values()) == {1}
        assert got.keys() <= swallowed.keys()
        # The ticker resumed between these; dues near them may fall on either side.
        overdue = {job: due for job, due in swallowed.items() if due < up_ms - 2_000 - period_s * 1000}
        ran = {job for job in overdue if job in got}
        if catch_up == "All":
            assert ran == overdue.keys()
        elif catch_up == "Latest":
            assert {user for _, user, _ in got} == {f"u-{n:04}" for n in range(USERS)}
            old = {job for job, due in overdue.items() if due < down_ms + period_s * 1000}
            assert not old & ran, "an occurrence that a later one supersedes"
        else:
            old = {job for job, due in overdue.items() if due < down_ms + period_s * 1000}
            assert not old & ran, "an overdue occurrence"
        assert after_ms <= down_ms
