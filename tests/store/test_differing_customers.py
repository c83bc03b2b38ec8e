"""Zones, intervals, pauses, suspensions and edits in any order: places follow from records, nothing runs twice.

TASKQUEUE_FUZZ=100 runs as many new histories instead of a few.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING

import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import CatchUp, TaskType, UserSubscription
from taskqueue.plan.exclude import excluded_until_ms
from taskqueue.plan.lanes import Lane
from taskqueue.plan.schedule import occurrences, window_s
from taskqueue.plan.variants import variants
from taskqueue.scheduler.publisher import Publisher
from taskqueue.scheduler.ticker import Ticker
from taskqueue.store import job_name
from taskqueue.store.claim import Result
from taskqueue.store.cursor import mark_installed, read_cursor, restore_cursor
from taskqueue.store.limits import set_rate
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.suspended import try_suspended
from taskqueue.store.types import read_catalog
from taskqueue.store.user_pauses import pause_user, resume_user
from tests.support.store.dealt_places import DealtPlaces, Pair, is_idle, read_dealt, read_scores
from tests.support.store.random_customers import NAMES, random_type, random_user
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from taskqueue.store.scalars import Place
    from taskqueue.store.type_record import TypeRecord
    from taskqueue.store.types import Catalog
    from tests.store.conftest import World
    from tests.support.store.script_clock import ScriptClock

FUZZ = int(os.environ.get("TASKQUEUE_FUZZ") or "0")
FIRST = int.from_bytes(os.urandom(4)) if FUZZ else 20_261_130
STEPS = 60
USERS = tuple(f"u-{number}" for number in range(10))
#: A queue of a few jobs is full, and its types fall behind.
BACKLOGS = (4, 100_000)
#: Due ms and occurrence s of a job.
Due = tuple[int, int]


@pytest.fixture
def clock(ticking_clock: ScriptClock) -> ScriptClock:
    return ticking_clock


@dataclass
class History:
    """A store and what it should hold.

    paused: users and when the pause ends, ms.   lives: how often a subscription, its type or the store was lost so far.
    emitted: by type, user and life.   waiting: names of jobs that wait.   told: what was done, for a failure.
    """

    world: World
    random: Random
    types: dict[str, TaskType] = field(default_factory=dict)
    users: dict[str, UserSubscription] = field(default_factory=dict)
    paused: dict[str, float] = field(default_factory=dict)
    lives: dict[Pair, int] = field(default_factory=lambda: defaultdict(int))
    emitted: dict[tuple[Pair, int], list[Due]] = field(default_factory=lambda: defaultdict(list))
    waiting: set[str] = field(default_factory=set)
    repaired: set[Pair] = field(default_factory=set)
    told: list[str] = field(default_factory=list)

    async def begin(self) -> None:
        self.store, self.clock = self.world.store, self.world.clock
        self.publisher, self.ticker = Publisher(self.store), Ticker(self.store)
        self.places = DealtPlaces(self.store, self.users, self.repaired)
        assert await restore_cursor(self.store, self.clock.now_ms)
        await set_rate(self.store, math.inf)
        self.types |= {name: random_type(self.random, name) for name in NAMES}
        self.users |= {user: random_user(self.random, user) for user in USERS[:7]}
        await self.publish()

    async def publish(self) -> None:
        await self.publisher.publish(self.types, self.users, confirm_removals=True)
        present = {(one.type, user) for user in self.users for one in self.users[user].tasks}
        for pair in self.lives:
            self.lives[pair] += pair not in present or pair[0] not in self.types

    async def step(self) -> None:
        actions = {
            self.change_user: 35,
            self.edit_type: 12,
            self.remove_type: 3,
            self.pause: 8,
            self.resume: 5,
            self.try_one: 4,
            self.break_record: 3,
            self.restart: 10,
            self.lose_store: 2,
            self.wait: 50,
        }
        (action,) = self.random.choices(list(actions), list(actions.values()))
        self.told.append(f"{self.clock.now_ms} {action.__name__}")
        await action()
        await self.check()

    async def check(self) -> None:
        await self.world.conserved()
        await self.places.check(USERS)
        for (_, user), (subscription, _) in (await read_dealt(self.store, USERS)).items():
            assert subscription.paused == (user in self.paused)

    async def change_user(self) -> None:
        """Others keep their places, unless a type moves on at the same time."""
        user = self.random.choice(USERS)
        if self.random.random() < 0.15:
            self.users.pop(user, None)
        else:
            self.users[user] = random_user(self.random, user)
        await self.publisher.maintain()
        before, records = await read_scores(self.store), await self.records()
        await self.publish()
        if await self.records() == records:
            after = await read_scores(self.store)
            assert {key[2] for key in before.keys() ^ after.keys()} <= {user}
            assert {key[2] for key in before.keys() & after.keys() if before[key] != after[key]} <= {user}

    async def records(self) -> dict[str, TypeRecord]:
        return dict((await read_catalog(self.store)).records)

    async def edit_type(self) -> None:
        """Sometimes back again, before the new schedule took over."""
        name = self.random.choice(NAMES)
        before = self.types.get(name)
        self.types[name] = random_type(self.random, name)
        await self.publish()
        if before and self.random.random() < 0.4:
            await self.check()
            self.types[name] = before
            await self.publish()

    async def remove_type(self) -> None:
        self.types.pop(self.random.choice(NAMES), None)
        await self.publish()

    async def pause(self) -> None:
        for user in self.random.sample(sorted(self.users), min(1, len(self.users))):
            for_ms = self.random.choice((0, 60_000, 3_600_000))
            await pause_user(self.store, user, for_ms)
            self.paused[user] = self.clock.now_ms + for_ms if for_ms else math.inf

    async def resume(self) -> None:
        for user in list(self.paused)[:1]:
            await resume_user(self.store, user)
            del self.paused[user]

    async def try_one(self) -> None:
        for user in self.users:
            for one in await read_subscriptions(self.store, user):
                if one.by_breaker:
                    await try_suspended(self.store, one.type, user)
                    return

    async def break_record(self) -> None:
        """A record becomes unreadable, a script notes it, and the publisher writes it again."""
        for user in self.random.sample(sorted(self.users), min(1, len(self.users))):
            name = self.users[user].tasks[0].type
            await raw(self.store).hset(self.store.keys.subscriptions(user), name, "garbage")
            self.repaired.add((name, user))
            await resume_user(self.store, user)
            self.paused.pop(user, None)
            await self.publisher.maintain()

    async def restart(self) -> None:
        self.publisher = Publisher(self.store)
        self.ticker = Ticker(self.store, max_backlog=self.random.choice(BACKLOGS))
        await self.publish()

    async def lose_store(self) -> None:
        """The store is filled again and deals other numbers, also to zones; the ticker knows those of before."""
        cursor_ms = await read_cursor(self.store)
        await raw(self.store).unlink(
            *[key async for key in raw(self.store).scan_iter(match=self.store.keys("*"))]
        )
        self.publisher.forget()
        await mark_installed(self.store)
        await self.publish()
        assert await restore_cursor(self.store, cursor_ms)
        await set_rate(self.store, math.inf)
        for kept in (self.paused, self.waiting, self.repaired):
            kept.clear()
        for pair in self.lives:
            self.lives[pair] += 1

    async def wait(self) -> None:
        """Let time pass, in an outage or in steps. Seldom no worker takes what is due."""
        steps = self.random.choice((1, 3))
        ms = self.random.choice((1, 10, 100, 700, 2_000, 9_000)) * 1_000 // steps
        for _ in range(steps):
            await self.turn(ms)
            if self.random.random() < 0.8:
                await self.work(dead=0.03)

    async def turn(self, ms: int) -> None:
        """Move the clock, tick, and note the jobs that were emitted."""
        await self.clock.advance(ms=ms)
        await self.publisher.maintain()
        self.paused = {user: at for user, at in self.paused.items() if at > self.clock.now_ms}
        dealt = await read_dealt(self.store, USERS)
        await self.ticker.turn()
        found = await self.read_waiting()
        for job in map(job_name.parse, found - self.waiting):
            pair = job.type, job.user
            assert job.user not in self.paused
            assert not is_idle(dealt[pair][0]), job
            of_life = self.emitted[pair, self.lives[pair]]
            assert job.occurrence not in {occurrence for _, occurrence in of_life}, job
            of_life.append((job.due_ms, job.occurrence or 0))
        self.waiting = found

    async def read_waiting(self) -> set[str]:
        keys = [self.store.keys.ready("global", lane) for lane in Lane]
        return {name.decode() for key in keys for name in await raw(self.store).zrange(key, 0, -1)}

    async def work(self, dead: float = 0) -> None:
        """Run all jobs that are due.   dead: the part that becomes dead letters."""
        await self.world.warm()
        while jobs := (await self.world.claim(n=1_000)).jobs:
            outcomes = [Outcome.DEAD if self.random.random() < dead else Outcome.DONE for _ in jobs]
            results = [Result(job.lease, outcome) for job, outcome in zip(jobs, outcomes, strict=True)]
            await self.world.claim(n=0, results=results)
            await self.world.warm()
        await self.publisher.maintain()
        self.waiting = await self.read_waiting()

    async def end(self) -> None:
        """Without further changes every subscription runs exactly as its schedule says."""
        while self.paused:
            await self.resume()
        self.types = {name: replace(one, catch_up=CatchUp.ALL) for name, one in self.types.items()}
        await self.publish()
        self.ticker = Ticker(self.store)
        for _ in range(10):
            await self.turn(500_000)
            await self.work()
        unfinished = [self.store.keys(name) for name in ("interval_changes", "behind")]
        assert not await raw(self.store).exists(*unfinished)
        dealt, begin_ms = await read_dealt(self.store, USERS), await read_cursor(self.store)
        self.emitted.clear()
        for _ in range(20):
            await self.turn(500_000)
            await self.work()
        catalog, end_ms = await read_catalog(self.store), await read_cursor(self.store)
        for pair, (one, place) in dealt.items():
            record = catalog.records.get(pair[0])
            wanted = (
                planned(record, catalog, place, begin_ms, end_ms) if record and not is_idle(one) else set()
            )
            assert one.by_breaker or set(self.emitted[pair, self.lives[pair]]) == wanted, pair


def planned(record: TypeRecord, catalog: Catalog, place: Place, begin_ms: int, end_ms: int) -> set[Due]:
    """Return the dues of a place with begin < due <= end."""
    (active,) = record.active
    schedule = dict(variants(active.schedule, catalog.variants))[place.variant]
    starts = occurrences(schedule, begin_ms // 1000 - window_s(schedule), end_ms // 1000 + 1)
    dues = {(start_s * 1000 + place.offset_ms, start_s) for start_s in starts}
    exclude, zone = record.task_type.exclude, schedule.time_zone or "UTC"
    return {
        due
        for due in dues
        if begin_ms < due[0] <= end_ms and excluded_until_ms(exclude, zone, due[0]) == due[0]
    }


@pytest.mark.parametrize("seed", range(FIRST, FIRST + (FUZZ or 2)))
async def test_places_follow_from_records_and_nothing_runs_twice(world: World, seed: int) -> None:
    history = History(world, Random(seed))
    try:
        await history.begin()
        for _ in range(STEPS):
            await history.step()
        await history.end()
    except BaseException as error:
        error.add_note("\n".join([f"seed {seed}", *history.told[-12:]]))
        raise
