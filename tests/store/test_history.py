"""history: counts of workers, added once each, by minute; gone 72 hours after their hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.store.audit import audit
from taskqueue.store.history import (
    KEEP_HOURS,
    MINUTE_MS,
    ORDER,
    STARTS,
    Counts,
    count,
    read_hours,
    sum_starts,
    to_counters,
    to_counts,
)
from taskqueue.store.inspection import inspect
from taskqueue.store.repair import read_notes, repair
from tests.support.store.mutations import GARBAGE
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from tests.store.conftest import World

HOUR_MS = 60 * MINUTE_MS
#: The largest counters that a compact hash holds: 65,535 of each kind a minute.
FULL = to_counters(Counts([65_535] * STARTS, [65_535] * len(Outcome)))


def minute_of(world: World) -> int:
    return world.clock.now_ms // MINUTE_MS


async def found(world: World, task_type: str = "sync", hours: int = 2) -> dict[int, list[int]]:
    last = minute_of(world) // 60
    pairs = [(task_type, hour) for hour in range(last - hours + 1, last + 2)]
    return {
        minute: list(counters)
        for one in await read_hours(world.store, pairs)
        for minute, counters in one.items()
    }


async def test_counts_of_workers_add_up_by_type_and_minute(world: World) -> None:
    minute = minute_of(world)
    assert await count(world.store, "w1", 1, [("sync", minute, [3, 2, 1]), ("send", minute, [1])])
    assert await count(world.store, "w2", 1, [("sync", minute, [1, 0, 0, 5]), ("sync", minute - 1, [9])])
    assert await found(world) == {minute - 1: [9], minute: [4, 2, 1, 5]}
    assert await found(world, "send") == {minute: [1]}


async def test_a_repeated_flush_counts_once(world: World) -> None:
    minute = minute_of(world)
    for number, counted in ((1, True), (1, False), (2, True), (1, False), (2, False)):
        assert await count(world.store, "w", number, [("sync", minute, [1])]) == counted
    assert await found(world) == {minute: [2]}


async def test_a_store_that_lost_flushes_counts_what_comes_next_once(world: World) -> None:
    """A replica that takes over may have neither the last flush nor its number: both were written by one script."""
    minute = minute_of(world)
    key, number = world.store.keys.history("sync", minute // 60), world.store.keys("flushed:w")
    await count(world.store, "w", 1, [("sync", minute, [1])])
    before = {one: await raw(world.store).dump(one) for one in (key, number)}
    await count(world.store, "w", 2, [("sync", minute, [10])])
    for one, dumped in before.items():
        await raw(world.store).restore(one, 3_600_000, dumped, replace=True)
    answers = [await count(world.store, "w", n, [("sync", minute, [10**n])]) for n in (2, 2, 3, 1)]
    assert answers == [True, False, True, False]
    assert await found(world) == {minute: [1_101]}


async def test_a_clock_that_is_set_back_counts_in_its_new_hour(world: World) -> None:
    ahead = minute_of(world)
    await count(world.store, "w", 1, [("sync", ahead, [1])])
    await world.clock.set((world.clock.now_ms - 5 * HOUR_MS) * 1_000)
    minute = minute_of(world)
    await count(world.store, "w", 2, [("sync", ahead, [2]), ("sync", minute, [4])])
    assert await found(world) == {minute: [6]}
    for one in (minute, ahead):
        left_ms = await raw(world.store).pttl(world.store.keys.history("sync", one // 60))
        assert 0 < left_ms <= (KEEP_HOURS + 6) * HOUR_MS


async def test_every_hour_lives_for_72_hours_and_the_number_of_a_flush_as_long(world: World) -> None:
    minute = minute_of(world)
    counted = [("sync", minute, [1]), ("sync", minute - 90, [1])]
    await count(world.store, "w", 1, counted)
    keys = [world.store.keys.history("sync", one // 60) for one in (minute, minute - 90)]
    first_end_ms = ((minute - 90) // 60 + 1 + KEEP_HOURS) * HOUR_MS
    for at_ms, kept in (
        (first_end_ms - 1, [1, 1]),
        (first_end_ms, [1, 0]),
        (first_end_ms + 2 * HOUR_MS - 1, [1, 0]),
        (first_end_ms + 2 * HOUR_MS, [0, 0]),
    ):
        await world.clock.set(at_ms * 1_000)
        assert [await raw(world.store).exists(key) for key in keys] == kept
        await count(world.store, "w", 1, counted)
        assert [await raw(world.store).exists(key) for key in keys] == kept, "a repeated flush adds nothing"
    await world.clock.advance(s=3_600)
    assert await count(world.store, "w", 1, counted), "its number is forgotten"
    assert [await raw(world.store).exists(key) for key in keys] == [0, 0]


async def test_minutes_ahead_are_this_one_and_those_too_old_are_left_out(world: World) -> None:
    minute = minute_of(world)
    old = minute - (KEEP_HOURS + 1) * 60
    await count(world.store, "w", 1, [("sync", minute + 500, [1]), ("sync", minute, [1]), ("sync", old, [1])])
    assert await found(world) == {minute: [2]}
    assert not await raw(world.store).exists(world.store.keys.history("sync", old // 60))


async def test_a_full_hour_stays_a_compact_hash(world: World) -> None:
    hour = minute_of(world) // 60 - 1
    await count(world.store, "w", 1, [("sync", hour * 60 + k, FULL) for k in range(60)])
    key = world.store.keys.history("sync", hour)
    assert await raw(world.store).object("ENCODING", key) == b"listpack"
    assert await raw(world.store).hlen(key) == 60


@pytest.mark.parametrize(
    "value",
    [*GARBAGE, *map(msgspec.msgpack.encode, ({"a": 1}, [1, -1], [1, "a", 3], ["a"], [0.5], [1e300], [[1]]))],
)
async def test_an_unreadable_minute_is_named_and_counted_from_then_on(world: World, value: bytes) -> None:
    await world.install()
    minute = minute_of(world)
    name, field = f"history:sync:{minute // 60}", str(minute % 60)
    key = world.store.keys(name)
    await raw(world.store).hset(key, mapping={field: value, "99": b"\x90"})
    await raw(world.store).expire(key, 600)
    assert await found(world) == {}
    assert await count(world.store, "w", 1, [("sync", minute, [2, 1])])
    assert await found(world) == {minute: [2, 1]}
    assert f"{name} {field}".encode() in await read_notes(world.store)
    await repair(world.store, await inspect(world.store))
    assert await raw(world.store).hkeys(key) == [field.encode()]
    assert (await audit(world.store)).difference == 0


async def test_keys_of_another_type_are_set_aside(world: World) -> None:
    minute = minute_of(world)
    for name in (f"history:sync:{minute // 60}", "flushed:w"):
        await raw(world.store).lpush(world.store.keys(name), "x")
        await raw(world.store).expire(world.store.keys(name), 600)
    assert await count(world.store, "w", 1, [("sync", minute, [2, 1])])
    assert not await count(world.store, "w", 1, [("sync", minute, [2, 1])])
    assert await found(world) == {minute: [2, 1]}


def test_most_counters_are_left_out_and_come_back_as_zeros() -> None:
    counts = to_counts(to_counters(Counts([0] * STARTS, [0] * len(Outcome))))
    assert counts == Counts([0] * STARTS, [0] * len(Outcome))
    assert sum_starts(FULL) == 65_535 * STARTS
    assert to_counts(FULL) == Counts([65_535] * STARTS, [65_535] * len(Outcome))


def test_order_of_counters_has_each_start_and_outcome_once() -> None:
    assert sorted(ORDER) == list(range(STARTS + len(Outcome)))


def test_order_of_counters_is_that_of_records_in_stores() -> None:
    outcomes = [str(list(Outcome)[at - STARTS]) if at >= STARTS else at for at in ORDER]
    assert outcomes[:11] == ["done", 0, 1, 2, 8, "retried", 3, 4, "late", "dead", "limited"]
    assert outcomes[11:18] == [5, 6, 7, "no-thread", "interrupted", "returned", "lost"]
