"""tick: each due job is emitted exactly once, by any number of callers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskqueue.models.values import Limit, LimitKey, Priority, Schedule, TaskType
from taskqueue.plan.segment import DueRange
from taskqueue.plan.spread import spread_class
from taskqueue.store.cursor import read_cursor, restore_cursor
from taskqueue.store.errors import CursorLostError
from taskqueue.store.tick import Tick, TickVerdict, tick
from taskqueue.store.types import put_types, read_catalog
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)

#: Of the users of `three`, numbered in this order.
OFFSETS_MS = {user: spread_class(HOUR).offset_ms(k) for k, user in enumerate("abc")}
FOREVER_MS = 1 << 38


def whole(kind: str = "sync", occurrence_s: int = 1_000, missed: int = 0, excluded: int = 0) -> DueRange:
    return DueRange(
        kind, 1, 0, FOREVER_MS, occurrence_s, 0, Priority.NORMAL, missed=missed, excluded=excluded
    )


async def step(
    world: World, *ranges: DueRange, ms: int = 1, most: int = 1_000, max_backlog: int = 100
) -> Tick:
    cursor, version = await read_cursor(world.store), (await read_catalog(world.store)).version
    return await tick(world.store, cursor, cursor + ms, version, ranges, most=most, max_backlog=max_backlog)


@pytest.fixture
async def three(world: World) -> World:
    """A type with three users, each at a place of its own."""
    await world.install(TaskType("sync", HOUR))
    for user in ("a", "b", "c"):
        await world.subscribe(user, "sync")
    return world


async def test_a_tick_emits_its_ranges_and_moves_the_cursor(three: World) -> None:
    before = await read_cursor(three.store)
    done = await step(three, whole(), ms=5)
    assert (done.verdict, done.emitted, done.cursor_ms) == (TickVerdict.OK, 3, before + 5)
    assert await read_cursor(three.store) == before + 5
    assert sorted((await three.waiting())["ready:global:normal"]) == [
        f"sync|{user}|1000|{OFFSETS_MS[user]}|0" for user in "abc"
    ]


async def test_a_range_emits_only_its_offsets(three: World) -> None:
    offset_ms = OFFSETS_MS["c"]
    part = DueRange("sync", 1, offset_ms, offset_ms, 1_000, 7_000, Priority.NORMAL, overdue=True)
    assert (await step(three, part)).emitted == 1
    assert await three.waiting() == {"ready:global:backfill": [f"sync|c|1000|{offset_ms}|7000"]}


async def test_a_second_caller_with_the_same_cursor_emits_nothing(three: World) -> None:
    cursor, version = await read_cursor(three.store), (await read_catalog(three.store)).version
    first, second = [await tick(three.store, cursor, cursor + 5, version, [whole()]) for _ in range(2)]
    assert (first.verdict, second.verdict, second.emitted) == (TickVerdict.OK, TickVerdict.MOVED, 0)
    assert second.cursor_ms == cursor + 5


async def test_a_caller_with_old_types_emits_nothing(three: World) -> None:
    cursor, version = await read_cursor(three.store), (await read_catalog(three.store)).version
    await put_types(three.store, version, [])
    done = await tick(three.store, cursor, cursor + 5, version, [whole()])
    assert (done.verdict, done.emitted) == (TickVerdict.TYPES, 0)
    assert await read_cursor(three.store) == cursor


async def test_a_first_start_begins_now(world: World) -> None:
    with pytest.raises(CursorLostError):
        await read_cursor(world.store)
    await world.install(TaskType("sync", HOUR))
    assert await read_cursor(world.store) == world.clock.now_ms


async def test_a_lost_cursor_stops_the_tick_until_restored(three: World) -> None:
    cursor = await read_cursor(three.store)
    await raw(three.store).delete(three.store.keys("cursor"))
    version = await put_types(three.store, (await read_catalog(three.store)).version, [])
    lost = await tick(three.store, cursor, cursor + 5, version, [whole()])
    assert (lost.verdict, lost.cursor_ms) == (TickVerdict.LOST, -1)
    assert await restore_cursor(three.store, cursor)
    assert not await restore_cursor(three.store, cursor + 1_000_000)
    assert (await step(three, whole())).verdict is TickVerdict.OK


async def test_the_cursor_runs_at_most_a_second_ahead(three: World) -> None:
    cursor, version = await read_cursor(three.store), (await read_catalog(three.store)).version
    now_ms = three.clock.now_ms
    assert (await tick(three.store, cursor, now_ms + 1_001, version, [whole()])).verdict is TickVerdict.AHEAD
    assert (await tick(three.store, cursor, now_ms + 1_000, version, [whole()])).verdict is TickVerdict.OK


async def test_a_type_whose_queue_is_full_falls_behind(three: World) -> None:
    assert (await step(three, whole(), max_backlog=3)).verdict is TickVerdict.OK
    from_ms = await read_cursor(three.store)
    full = await step(three, whole(occurrence_s=2_000), max_backlog=3)
    assert (full.verdict, full.emitted, full.behind) == (TickVerdict.OK, 0, {"sync": from_ms})
    assert full.cursor_ms == from_ms + 1

    async def late(until_ms: int) -> Tick:
        version = (await read_catalog(three.store)).version
        row = whole(occurrence_s=2_000)
        return await tick(three.store, from_ms, until_ms, version, [row], max_backlog=3, late=["sync"])

    assert (await late(from_ms + 1)).verdict is TickVerdict.FULL
    assert (await late(from_ms + 2)).verdict is TickVerdict.MOVED  # never past the cursor
    await three.claim(n=1)
    done = await late(from_ms + 1)
    assert (done.verdict, done.emitted, done.behind) == (TickVerdict.OK, 3, {})
    assert (await late(from_ms + 1)).verdict is TickVerdict.MOVED  # another ticker did it
    await three.conserved()


async def test_parked_jobs_fill_their_queue(three: World) -> None:
    shop = Limit("shop", LimitKey.USER, 0.001)
    await three.install(TaskType("sync", HOUR, limits=("shop",)), limits=[shop])
    for occurrence_s in (1_000, 2_000):
        await step(three, whole(occurrence_s=occurrence_s))
        await three.claim(n=10)
    assert {key.partition(":")[0] for key in await three.waiting()} == {"parked"}
    assert (await step(three, whole(occurrence_s=3_000), max_backlog=3)).behind.keys() == {"sync"}
    assert (await step(three, whole(occurrence_s=3_000), max_backlog=4)).behind.keys() == {"sync"}


async def test_leased_jobs_do_not_count_as_waiting(three: World) -> None:
    await step(three, whole(), max_backlog=3)
    assert len((await three.claim(n=1)).jobs) == 1
    assert (await step(three, whole(occurrence_s=2_000), max_backlog=3)).verdict is TickVerdict.OK


async def test_a_step_too_big_is_refused(three: World) -> None:
    cursor = await read_cursor(three.store)
    done = await step(three, whole(), ms=2, most=2)
    assert (done.verdict, done.emitted, done.cursor_ms) == (TickVerdict.BIG, 0, cursor)
    assert await three.waiting() == {}


@pytest.mark.parametrize("most", [1, 2])
async def test_one_millisecond_is_never_refused(three: World, most: int) -> None:
    ranges = [whole(occurrence_s=at) for at in (1_000, 2_000, 3_000)]
    done = await step(three, *ranges, ms=1, most=most)
    assert (done.verdict, done.emitted) == (TickVerdict.OK, 9)


async def test_missed_occurrences_are_counted_and_not_emitted(three: World) -> None:
    done = await step(three, whole(missed=4))
    assert (done.verdict, done.emitted) == (TickVerdict.OK, 0)
    assert await three.total("missed") == 12


async def test_excluded_occurrences_are_counted_apart_and_not_emitted(three: World) -> None:
    done = await step(three, whole(excluded=2), whole(missed=1))
    assert (done.verdict, done.emitted) == (TickVerdict.OK, 0)
    assert (await three.total("excluded"), await three.total("missed")) == (6, 3)
    await three.conserved()


async def test_an_existing_job_is_not_emitted_again(three: World) -> None:
    await step(three, whole())
    assert (await step(three, whole())).emitted == 0
    assert await three.total("emitted") == 3
    await three.conserved()


async def test_a_thousand_jobs_fit_into_one_step(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    schedule = {f"u{k}": k for k in range(1_000)}
    await raw(world.store).zadd(world.store.keys.schedule("sync", 1), schedule)
    assert (await step(world, whole(), ms=250)).emitted == 1_000


async def test_suspended_subscriptions_are_not_emitted(three: World) -> None:
    await three.subscribe("b", "sync", suspend=True)
    assert (await step(three, whole())).emitted == 2
    assert (await step(three, whole(missed=1))).emitted == 0
    assert await three.total("missed") == 2


async def test_a_step_back_changes_nothing(three: World) -> None:
    cursor = await read_cursor(three.store)
    done = await step(three, whole(), ms=-10)
    assert (done.verdict, done.emitted, done.cursor_ms) == (TickVerdict.OK, 0, cursor)
