"""The list of the API's writes: in order, with an end or without one, and bounded."""

import asyncio

import pytest

from taskqueue.store.connection import Store
from taskqueue.store.writes import Write, begin_write, end_write, read_writes
from tests.support.store.raw import raw
from tests.support.store.script_clock import ScriptClock

KEPT = 1_000
PUT = Write(caller="eduard", by="token", method="PUT", path="/v1/users/ada", address="192.0.2.1")
PAUSE = Write(
    caller="vera", by="session", method="POST", path="/types/orders/pause", address="::1", detail="1 h"
)


async def test_a_write_has_a_status_once_it_ended(store: Store, clock: ScriptClock) -> None:
    first = await begin_write(store, PUT)
    began_ms = clock.now_us // 1_000
    await clock.advance(ms=5)
    second = await begin_write(store, PAUSE)
    await end_write(store, first, 204, PUT)
    newest, oldest = await read_writes(store)
    assert (newest.number, newest.status, newest.write) == (second, None, PAUSE)
    assert (oldest.number, oldest.status, oldest.write, oldest.began_ms) == (first, 204, PUT, began_ms)


async def test_the_newest_thousand_are_kept(store: Store) -> None:
    first = await begin_write(store, PUT)
    for _ in range(KEPT):
        last = await begin_write(store, PAUSE)
    await end_write(store, first, 200, PUT)  # another write took its place, and keeps it
    found = await read_writes(store)
    assert [one.number for one in found] == [*range(last, last - KEPT, -1)]
    assert {one.write.path for one in found} == {PAUSE.path}


async def test_writes_at_the_same_time_get_numbers_of_their_own(store: Store) -> None:
    numbers = await asyncio.gather(*(begin_write(store, PUT) for _ in range(50)))
    assert sorted(numbers) == [*range(1, 51)]


@pytest.mark.parametrize("lost", ["garbage", "", "-1", None])
async def test_a_number_that_is_lost_loses_no_write(
    store: Store, lost: str | None, clock: ScriptClock
) -> None:
    for _ in range(3):
        await begin_write(store, PUT)
    key = store.keys("writes")
    await (raw(store).hset(key, "last", lost) if lost is not None else raw(store).hdel(key, "last"))
    await clock.advance(ms=1)
    await end_write(store, await begin_write(store, PAUSE), 200, PAUSE)
    assert [one.write.path for one in await read_writes(store)] == [PAUSE.path, PUT.path, PUT.path]


async def test_a_write_that_cannot_be_read_is_skipped(store: Store) -> None:
    await begin_write(store, PUT)
    await raw(store).hset(store.keys("writes"), "7", "7|0|200|not json")
    assert [one.write for one in await read_writes(store)] == [PUT]
    assert list(store.malformed.locations) == ["writes 7"]
