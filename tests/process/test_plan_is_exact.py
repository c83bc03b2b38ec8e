"""Schedulers die at any time, and every (subscription, occurrence) is emitted once: the plan against the handlers.

TASKQUEUE_SOAK: seconds of kills. Where the plan must be met to the letter, types catch up All: that never expires a
job, so a hole is a loss and not a slow machine. The test of the outage covers Latest and Skip.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from taskqueue.plan.due import OVERDUE_GRACE_MS
from taskqueue.store.clock import server_now_ms
from taskqueue.store.cursor import read_cursor
from taskqueue.store.limits import set_rate
from tests.support.process.seeded_random import chance
from tests.support.site.planned import Job, Planned
from tests.support.site.site import Customer, Site, site, until

USERS = 400
SECONDS = float(os.environ.get("TASKQUEUE_SOAK", "5"))
TYPES: dict[str, dict[str, Any]] = {
    "two": {"schedule": {"interval": "2s"}, "catchUp": "All"},
    "three": {"schedule": {"interval": "3s"}, "priority": "High", "catchUp": "All"},
    "five": {"schedule": {"interval": "5s"}, "window": "2s", "priority": "Low", "catchUp": "All"},
}
#: Types for customers that differ: no period and the next one together are longer than 6 s.
VARIED: dict[str, dict[str, Any]] = {
    "two": {"schedule": {"interval": "2s", "intervals": ["1s", "4s"]}, "catchUp": "All"},
    "minute": {"schedule": {"cron": "* * * * *"}, "window": "1m", "catchUp": "All"},
}
ZONES = ("UTC", "Asia/Kathmandu", "America/New_York")
INTERVALS: tuple[dict[str, str], ...] = ({}, {"two": "1s"}, {"two": "4s"})


async def cursor_reaches(world: Site, at_ms: int) -> None:
    async def reached() -> bool:
        return await read_cursor(world.store) >= at_ms

    await until("the cursor moves", reached)


async def begin(
    world: Site,
    types: dict[str, dict[str, Any]],
    schedulers: int,
    customer: Callable[[int], Customer] = lambda _: Customer(),
) -> tuple[list[Any], Any, Planned, int]:
    """Publish, start, and wait until everything is dealt; from that cursor on the plan must hold."""
    await set_rate(world.store, 2_000)
    world.publish(types, USERS, customer=customer)
    running = [await world.scheduler() for _ in range(schedulers)]
    worker = await world.worker("--concurrency", "200")
    planned = Planned()

    async def dealt() -> bool:
        await planned.look(world.store)
        return sum(map(len, planned.places.values())) == USERS * len(types)

    await until("all subscriptions are dealt", dealt)
    await planned.follows_from_the_numbers(world.store)
    # What a type's first generation swallowed before it was dealt is not planned: begin behind it.
    await cursor_reaches(world, await read_cursor(world.store) + 1_000)
    return running, worker, planned, await read_cursor(world.store)


async def finish(
    world: Site, running: list[Any], worker: Any, planned: Planned, after_ms: int
) -> dict[Job, int]:
    """Stop emitting, drain, and compare; the jobs that were planned, with their dues."""
    for process in running:
        assert await world.end(process, signal.SIGTERM) == 0
    until_ms = await read_cursor(world.store)
    await planned.look(world.store)
    await planned.follows_from_the_numbers(world.store)
    await until("the queue is empty", world.idle)
    assert await world.end(worker, signal.SIGTERM) == 0
    totals = (await world.balanced()).totals
    wanted = planned.between(after_ms, until_ms)
    got = Counter(
        (s.type, s.user, int(s.occurrence)) for s in world.starts() if after_ms < s.due_ms <= until_ms
    )
    assert len(wanted) > USERS
    assert {job: n for job, n in got.items() if n > 1} == {}, f"emitted twice; {totals}"
    for job in [job for job in wanted.keys() | got.keys() if job[:2] in planned.moved]:
        wanted.pop(job, None)  # the test that moves them looks at them
        del got[job]
    assert sorted(wanted.keys() - got.keys()) == [], f"never emitted; {totals}"
    assert sorted(got.keys() - wanted.keys()) == [], f"not planned; {totals}"
    return wanted


async def kill_now_and_then(
    world: Site, running: list[Any], planned: Planned, seconds: float, seed: int
) -> None:
    """One of `running` dies about every second and is replaced; the store accounts for every job throughout.

    Another is stopped for as long: when it goes on, its cursor is further behind than jobs are emitted early.
    """
    dice = chance(seed)
    loop = asyncio.get_running_loop()
    end_s = loop.time() + seconds
    while loop.time() < end_s:
        victim = running.pop(dice.randrange(len(running)))
        assert await world.end(victim, signal.SIGKILL) == -signal.SIGKILL
        asleep = dice.choice(running)
        asleep.send_signal(signal.SIGSTOP)
        running.append(await world.scheduler())
        next_s = loop.time() + dice.uniform(0.8, 1.6)
        while loop.time() < next_s:
            await planned.look(world.store)
            await world.balanced()
            await asyncio.sleep(0.05)
        asleep.send_signal(signal.SIGCONT)


async def test_three_schedulers_of_which_one_dies_every_second(
    redis_url: str, release: str, tmp_path: Path
) -> None:
    async with site(redis_url, release, tmp_path) as world:
        running, worker, planned, after_ms = await begin(world, TYPES, 3)
        await kill_now_and_then(world, running, planned, SECONDS, seed=1)
        await finish(world, running, worker, planned, after_ms)


async def test_an_edit_and_a_stale_scheduler_keep_the_plan(
    redis_url: str, release: str, tmp_path: Path
) -> None:
    async with site(redis_url, release, tmp_path) as world:
        running, worker, planned, after_ms = await begin(world, TYPES, 3)
        asleep = running.pop(0)
        asleep.send_signal(signal.SIGSTOP)
        edited = {
            **TYPES,
            "two": TYPES["two"] | {"schedule": {"interval": "4s"}},
            "five": TYPES["five"] | {"window": "5s"},
        }
        world.publish(edited, USERS)

        async def taken_over() -> bool:
            await planned.look(world.store)
            return {("two", 2), ("five", 2)} <= planned.generations.keys()

        await until("both edits took over", taken_over)
        # It still holds the types as they were, and now nobody else is there to be right.
        for process in running:
            assert await world.end(process, signal.SIGKILL) == -signal.SIGKILL
        asleep.send_signal(signal.SIGCONT)
        await cursor_reaches(world, await read_cursor(world.store) + 2_000)
        running = [asleep, await world.scheduler(), await world.scheduler()]
        await kill_now_and_then(world, running, planned, SECONDS / 2, seed=2)
        wanted = await finish(world, running, worker, planned, after_ms)
        assert {name for name, number in planned.generations if number > 1} == {"two", "five"}
        by_subscription: dict[tuple[str, str], list[int]] = {}
        for kind, user, occurrence in sorted(wanted):
            by_subscription.setdefault((kind, user), []).append(occurrence)
        for (kind, user), times in by_subscription.items():
            for earlier, later in pairwise(times):
                assert later - earlier <= planned.longest_s(kind), (kind, user, earlier, later)


def customer(number: int) -> Customer:
    return Customer(ZONES[number % 3], INTERVALS[number // 3 % 3])


def another(number: int) -> Customer:
    """A tenth of the users move to another zone, and choose another interval."""
    return customer(number + 4) if number % 10 == 0 else customer(number)


async def test_customers_that_differ_and_change_keep_the_plan(
    redis_url: str, release: str, tmp_path: Path
) -> None:
    async with site(redis_url, release, tmp_path) as world:
        running, worker, planned, after_ms = await begin(world, VARIED, 3, customer)
        world.publish(VARIED, USERS, customer=another)
        await kill_now_and_then(world, running, planned, SECONDS, seed=3)
        await finish(world, running, worker, planned, after_ms)
        assert {int(user[2:]) % 10 for _, user in planned.moved} == {0}
        assert len({user for name, user in planned.moved if name == "two"}) == USERS // 10
        dues: dict[tuple[str, str], list[int]] = {}
        for start in world.starts():
            if (start.type, start.user) in planned.moved and start.type == "two" and start.due_ms > after_ms:
                dues.setdefault((start.type, start.user), []).append(start.due_ms)
        for found in dues.values():
            assert all(later - earlier <= 6_000 for earlier, later in pairwise(sorted(found))), found


def every_second_or_two(number: int) -> Customer:
    return Customer("UTC", {"sync": "1s"} if number % 2 else {})


@pytest.mark.parametrize("catch_up", ["Latest", "All", "Skip"])
async def test_an_outage_of_three_and_a_half_periods(
    redis_url: str, release: str, tmp_path: Path, catch_up: str
) -> None:
    period_ms = 2_000
    async with site(redis_url, release, tmp_path) as world:
        types = {"sync": {"schedule": {"interval": "2s", "intervals": ["1s"]}, "catchUp": catch_up}}
        running, worker, planned, _ = await begin(world, types, 1, every_second_or_two)
        assert await world.end(running.pop(), signal.SIGKILL) == -signal.SIGKILL
        down_ms = await read_cursor(world.store)
        before = (await world.balanced()).totals

        async def over() -> bool:
            return await server_now_ms(world.store) >= down_ms + 3.5 * period_ms

        await until("the outage is over", over)
        # The ticker judges what was left behind at some instant between these two.
        judged_from_ms = await server_now_ms(world.store)
        running.append(await world.scheduler())
        await cursor_reaches(world, judged_from_ms)
        judged_until_ms = await server_now_ms(world.store)
        for process in running:
            assert await world.end(process, signal.SIGTERM) == 0
        up_ms = await read_cursor(world.store)
        await until("the queue is empty", world.idle)
        assert await world.end(worker, signal.SIGTERM) == 0

        after = (await world.balanced()).totals
        emitted, missed, expired = (
            after.get(name, 0) - before.get(name, 0) for name in ("emitted", "missed", "expired")
        )
        planned_jobs = planned.between(down_ms, up_ms)
        assert emitted + missed == len(planned_jobs), "every occurrence is emitted or counted as missed"
        got = Counter((s.type, s.user, int(s.occurrence)) for s in world.starts() if s.due_ms > down_ms)
        assert set(got.values()) == {1}
        assert got.keys() <= planned_jobs.keys()
        left = {job: due for job, due in planned_jobs.items() if due <= judged_from_ms}

        def first_ms(job: Job) -> int:
            """The due from which on an occurrence is still run, were all judged at `now`."""
            own_ms = 1_000 if int(job[1][2:]) % 2 else period_ms
            return {"All": 0, "Latest": -own_ms + 1, "Skip": -OVERDUE_GRACE_MS}[catch_up]

        if catch_up == "All":
            must = set(left)
            assert (missed, expired) == (0, 0)
        else:
            must = {job for job, due in left.items() if due >= judged_until_ms + first_ms(job)}
            must_not = {job for job, due in left.items() if due < judged_from_ms + first_ms(job)}
            assert must_not, "the outage was too short to show anything"
            assert sorted(must_not & got.keys()) == [], "an occurrence that the policy leaves out"
            assert missed >= len(must_not), "emitted, and only its deadline kept it from running"
        # On a slow machine a job may expire before it starts; then it is counted.
        assert len(must - got.keys()) <= expired, "an occurrence that the policy runs"
