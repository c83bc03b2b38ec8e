"""Zones of users and intervals of subscriptions: where they run, and changes that run nothing twice."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from taskqueue.models.time_zone import read_time_zone
from taskqueue.models.values import CatchUp, Schedule, Subscription, TaskType, UserSubscription
from taskqueue.plan.lanes import Lane
from taskqueue.scheduler.publisher import Publisher
from taskqueue.scheduler.ticker import Ticker
from taskqueue.store import job_name
from taskqueue.store.cursor import restore_cursor
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.types import read_catalog
from taskqueue.store.users import set_users
from tests.support.store.raw import raw

if TYPE_CHECKING:
    import random

    from taskqueue.store.connection import Store
    from tests.support.store.script_clock import ScriptClock

HOUR, DAY = 3_600, 86_400
NIGHTLY = TaskType("nightly", Schedule(cron="30 2 * * *"), function="f", catch_up=CatchUp.ALL)
OFTEN = TaskType("often", Schedule(cron="*/30 * * * *"), function="f", catch_up=CatchUp.ALL)
INTERVALS_S = (300, 700, HOUR, 5 * HOUR, DAY)
SYNC = TaskType(
    "sync",
    Schedule(interval_s=HOUR, intervals_s=tuple(one for one in INTERVALS_S if one != HOUR)),
    function="f",
    catch_up=CatchUp.ALL,
)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Havana")


@pytest.fixture
def clock(ticking_clock: ScriptClock) -> ScriptClock:
    return ticking_clock


@dataclass
class Days:
    """A store whose clock is moved by hours.   dues: (due ms, occurrence s) of emitted jobs by type and user."""

    store: Store
    clock: ScriptClock
    dues: dict[tuple[str, str], list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))

    async def begin(self, at: str, *types: TaskType) -> None:
        at_ms = int(datetime.fromisoformat(at).timestamp()) * 1000
        await self.clock.set(at_ms * 1000)
        assert await restore_cursor(self.store, at_ms)
        self.publisher = Publisher(self.store)
        await self.publisher.publish({one.name: one for one in types}, {}, prune=False)
        self.ticker = Ticker(self.store)

    async def put(self, user: str, *tasks: Subscription, zone: str = "UTC") -> None:
        assert await set_users(self.store, "folder", [UserSubscription(user, tasks, time_zone=zone)]) == []

    async def wait(self, seconds: int) -> None:
        await self.clock.advance(s=int(seconds))
        await self.ticker.turn()
        for lane in Lane:
            key = self.store.keys.ready("global", lane)
            for name in await raw(self.store).zrange(key, 0, -1):
                job = job_name.parse(name.decode())
                self.dues[job.type, job.user].append((job.due_ms, job.occurrence or 0))
            await raw(self.store).unlink(key)


@pytest.fixture
async def days(store: Store, clock: ScriptClock) -> Days:
    return Days(store, clock)


async def test_a_type_without_a_zone_runs_in_the_zone_of_each_user(days: Days) -> None:
    await days.begin("2027-03-10T12:00:00+00:00", NIGHTLY)
    for zone in ZONES:
        await days.put(zone.replace("/", "-"), Subscription("nightly"), zone=zone)
    for _ in range(30):
        await days.wait(DAY)
    for zone in ZONES:
        starts = [occurrence for _, occurrence in days.dues["nightly", zone.replace("/", "-")]]
        local = [datetime.fromtimestamp(start, read_time_zone(zone)) for start in starts]
        assert len({one.date() for one in local}) == len(local) >= 29, zone
        # In a night without half past two the clock jumps over it.
        assert {(one.hour, one.minute) for one in local} <= {(2, 30), (3, 0)}, zone
        assert [(one.hour, one.minute) for one in local].count((2, 30)) >= len(local) - 1, zone


async def test_a_chosen_interval_is_followed(days: Days) -> None:
    await days.begin("2027-03-10T12:00:00+00:00", SYNC)
    await days.put("slow", Subscription("sync"))
    await days.put("fast", Subscription("sync", interval_s=300))
    await days.put("odd", Subscription("sync", interval_s=301))
    for _ in range(10):
        await days.wait(HOUR)
    assert len(days.dues["sync", "slow"]) == 10
    assert len(days.dues["sync", "fast"]) == 120
    assert len(days.dues["sync", "odd"]) == 10, "an interval that the type does not offer: the type's own"


async def test_another_interval_begins_with_its_next_period(days: Days) -> None:
    await days.begin("2027-03-10T12:00:00+00:00", SYNC)
    await days.put("ada", Subscription("sync", interval_s=300))
    await days.wait(1_000)
    await days.put("ada", Subscription("sync"))
    await days.wait(4 * HOUR)
    starts = [occurrence for _, occurrence in days.dues["sync", "ada"]]
    one_o_clock = int(datetime.fromisoformat("2027-03-10T13:00:00+00:00").timestamp())
    assert {start % HOUR for start in starts if start >= one_o_clock} == {0}
    assert [start for start in starts if start < one_o_clock] == [
        *range(max(starts[0], one_o_clock - HOUR), one_o_clock, 300)
    ]


def longest_gap_s(name: str, intervals: list[tuple[int, int]], moves: list[int], gap: tuple[int, int]) -> int:
    """Return the bound of a gap (ms): a period, and another one for each change within it."""
    if name != "sync":
        return {"nightly": DAY + HOUR, "often": HOUR}[name] * (1 + sum(gap[0] <= at < gap[1] for at in moves))
    since = gap[0] - DAY * 1000  # an interval may have been chosen a period before it takes over
    before = [interval_s for at, interval_s in intervals if at <= since][-1]
    within = [interval_s for at, interval_s in intervals if since < at < gap[1]]
    return sum(sorted([before, *within])[-2:]) if within else before


@pytest.mark.parametrize("begin", ["2027-03-12T20:00:00+00:00", "2026-10-23T20:00:00+00:00"])
async def test_changes_run_nothing_twice_and_leave_no_long_gap(
    days: Days, chance: random.Random, begin: str
) -> None:
    await days.begin(begin, NIGHTLY, OFTEN, SYNC)
    users = [f"u-{number}" for number in range(12)]
    intervals: dict[str, list[tuple[int, int]]] = {user: [(0, HOUR)] for user in users}
    moves: dict[str, list[int]] = {user: [] for user in users}
    zones = dict.fromkeys(users, "UTC")
    for user in users:
        await days.put(user, *(Subscription(name) for name in ("nightly", "often", "sync")))
    for _ in range(400):
        await days.wait(chance.randint(1, 5_400))
        if chance.random() < 0.4:
            user = chance.choice(users)
            if chance.random() < 0.5:
                zones[user] = chance.choice(ZONES)
                moves[user].append(days.clock.now_ms)
            else:
                intervals[user].append((days.clock.now_ms, chance.choice(INTERVALS_S)))
            sync = Subscription("sync", interval_s=intervals[user][-1][1])
            await days.put(user, Subscription("nightly"), Subscription("often"), sync, zone=zones[user])
    for (name, user), found in days.dues.items():
        assert len({occurrence for _, occurrence in found}) == len(found), (name, user)
        for gap in pairwise(sorted(due for due, _ in found)):
            bound_s = longest_gap_s(name, intervals[user], moves[user], gap)
            assert gap[1] - gap[0] <= bound_s * 1000, (name, user)


async def test_a_zone_moves_no_number(days: Days) -> None:
    await days.begin("2027-03-10T12:00:00+00:00", NIGHTLY)
    for number in range(5):
        await days.put(f"u-{number}", Subscription("nightly"))
    before = [(await read_subscriptions(days.store, f"u-{number}"))[0].number for number in range(5)]
    await days.put("u-3", Subscription("nightly"), zone="Asia/Kolkata")
    assert [(await read_subscriptions(days.store, f"u-{number}"))[0].number for number in range(5)] == before


async def places(store: Store) -> dict[tuple[str, str], float]:
    """Return the score of every subscription, by key and user."""
    keys = [key async for key in raw(store).scan_iter(match=store.keys("schedule", "*"))]
    return {
        (key.decode(), user.decode()): score
        for key in keys
        for user, score in await raw(store).zrange(key, 0, -1, withscores=True)
    }


async def changing(store: Store) -> set[str]:
    """Return the users whose interval changes with its next period."""
    members = await raw(store).zrange(store.keys("interval_changes"), 0, -1)
    return {member.decode().partition("|")[2] for member in members}


async def test_a_change_moves_no_other_user(days: Days, chance: random.Random) -> None:
    await days.begin("2027-03-10T12:00:00+00:00", NIGHTLY, OFTEN, SYNC)
    before: dict[tuple[str, str], float] = {}
    for _ in range(250):
        user, named = (
            f"u-{chance.randrange(25)}",
            chance.sample(["nightly", "often", "sync"], chance.randint(0, 3)),
        )
        interval_s = chance.choice([None, *INTERVALS_S])
        tasks = [Subscription(name, suspend=chance.random() < 0.2, interval_s=interval_s) for name in named]
        may_move = {user} | await changing(days.store)
        await days.put(user, *tasks, zone=chance.choice(ZONES))
        if chance.random() < 0.5:
            await days.wait(chance.randint(1, 600))
        after = await places(days.store)
        moved = {key[1] for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        assert moved <= may_move
        before = after


async def test_a_zone_that_this_version_does_not_know_stops_no_other(days: Days) -> None:
    await days.begin("2027-03-10T12:00:00+00:00", OFTEN)
    await days.put("ada", Subscription("often"))
    await days.put("bob", Subscription("often"), zone="Mars/Phobos")
    await days.put("eve", Subscription("often"), zone="Asia/Kathmandu")
    await days.wait(HOUR)
    assert {user: len(found) for (_, user), found in days.dues.items()} == {"ada": 2, "eve": 2}
    assert "variants Mars/Phobos" in days.store.malformed.locations


@pytest.mark.parametrize("value", [b"garbage", b"", b"0", b"2", b"99999"])
async def test_an_unreadable_number_of_a_zone_is_found_again(days: Days, value: bytes) -> None:
    await days.begin("2027-03-10T12:00:00+00:00", OFTEN)
    for user, zone in (("a", "Asia/Tokyo"), ("b", "Asia/Kolkata"), ("c", "Europe/Berlin")):
        await days.put(user, Subscription("often"), zone=zone)
    variants = days.store.keys("variants")
    before = await raw(days.store).hgetall(variants)
    await raw(days.store).hset(variants, mapping={"Asia/Tokyo": value, "\u20ac": "4"})
    async with asyncio.timeout(60):
        await days.wait(HOUR)
    assert len(days.dues) == 3
    if value != b"2":  # of two with one number, the other may keep it
        assert await raw(days.store).hgetall(variants) == before
    await days.put("d", Subscription("often"), zone="America/Havana")
    assert sorted((await read_catalog(days.store)).variants.values()) == [1, 2, 3, 4]


async def test_beyond_the_most_variants_an_interval_is_that_of_its_type(days: Days) -> None:
    await days.begin("2027-03-10T12:00:00+00:00", SYNC)
    many = {str(1_000_000 + number): number for number in range(1, 4_096)}
    await raw(days.store).hset(days.store.keys("variants"), mapping=many)
    for user in ("ada", "bob", "eve"):
        await days.put(user, Subscription("sync", interval_s=300))
    await days.put("bob")
    await days.wait(2 * HOUR)
    assert {len(found) for found in days.dues.values()} == {2}
    free = [key async for key in raw(days.store).scan_iter(match=days.store.keys("spread", "*", "free"))]
    assert free == [days.store.keys("spread", "i3600/3600", "free").encode()]
    assert await raw(days.store).get(days.store.keys("spread", "i3600/3600")) == b"3"


async def test_an_interval_waits_for_a_type_that_is_behind(days: Days) -> None:
    """The cursor stops where the interval would take over, within the second that it is ahead of the clock."""
    await days.begin("2027-03-10T12:00:00+00:00", SYNC)
    await days.put("ada", Subscription("sync"))
    await days.put("ada", Subscription("sync", interval_s=300))
    days.ticker = Ticker(days.store, max_backlog=0)
    async with asyncio.timeout(60):
        await days.wait(299)
        await days.clock.advance(ms=500)
        await days.ticker.turn()
    days.ticker = Ticker(days.store)
    await days.wait(300)
    await days.wait(HOUR)
    quarter_past = int(datetime.fromisoformat("2027-03-10T12:15:00+00:00").timestamp())
    starts = sorted(occurrence for _, occurrence in days.dues["sync", "ada"])
    assert starts == [*range(quarter_past, starts[0] + 11 * 300, 300)]
