"""Live pages: one reading and one rendering a second, whatever the number of viewers."""

import asyncio
from collections.abc import Callable

import pytest

from taskqueue.errors import TaskqueueError
from taskqueue.store.connection import Store
from taskqueue.store.errors import StoreFailure
from taskqueue_api.live import reader, streams
from taskqueue_api.live.readings import Readings
from taskqueue_api.live.snapshot import Snapshot
from taskqueue_api.live.streams import Streams, event
from tests.support.api.app import running_app


@pytest.fixture
def short_period(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read ten times a second."""
    monkeypatch.setattr(reader, "PERIOD_S", 0.1)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - of answers, which set no event
            await asyncio.sleep(0.02)


async def test_stream_sends_the_live_part(store: Store) -> None:
    async with running_app(store) as app, app.stream("/live/overview") as answer:
        await until(lambda: "data: " in answer.text)
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "missing" in answer.text


@pytest.mark.usefixtures("short_period")
async def test_viewers_share_one_rendering(store: Store) -> None:
    rendered = []

    async def render(snapshot: Snapshot) -> str:
        rendered.append(snapshot.taken_ms)
        return "same"

    async with running_app(store) as app:
        shared = Streams(app.parts.reader)
        several = [shared.follow("page", render) for _ in range(10)]
        assert await asyncio.gather(*(anext(one) for one in several)) == [event("same")] * 10
        assert len(rendered) == 1
        assert await asyncio.gather(*(anext(one) for one in several)) == [event("", "unchanged")] * 10
        assert len(rendered) == len(set(rendered)) == 2
        for one in several:
            await one.aclose()  # type: ignore[attr-defined]
        await until(lambda: not shared._channels)


async def test_pages_share_one_reading_of_a_store_that_hangs(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answers = [], asyncio.Event()

    async def hanging(_: Store) -> int:
        asked.append(1)
        await answers.wait()
        raise StoreFailure("The store does not answer.")

    monkeypatch.setattr(reader, "server_now_ms", hanging)
    one = reader.Reader(store)
    pages = [asyncio.create_task(one.newest()) for _ in range(20)]
    await until(lambda: bool(asked))
    answers.set()
    assert {type(found) for found in await asyncio.gather(*pages, return_exceptions=True)} == {StoreFailure}
    assert len(asked) == 1


@pytest.mark.usefixtures("short_period")
async def test_slow_viewer_gets_the_newest_state(store: Store) -> None:
    numbers = iter(range(1_000))

    async def render(_: Snapshot) -> str:
        return str(next(numbers))

    async with running_app(store) as app:
        shared = Streams(app.parts.reader)
        slow, quick = shared.follow("page", render), shared.follow("page", render)
        assert [await anext(slow), await anext(quick)] == [event("0")] * 2
        assert [await anext(quick) for _ in range(2)] == [event("1"), event("2")]
        assert await anext(slow) == event("2")


@pytest.mark.usefixtures("short_period")
async def test_failures_are_told_and_end_nothing(store: Store) -> None:
    async def render(_: Snapshot) -> str:
        raise TaskqueueError("away")

    async with running_app(store) as app:
        followed = Streams(app.parts.reader).follow("page", render)
        assert [await anext(followed) for _ in range(2)] == [event("away", "stale")] * 2


async def test_streams_end_with_the_process(store: Store) -> None:
    async with running_app(store) as app, app.stream("/live/overview") as answer:
        await until(lambda: bool(answer.status))
        await app.parts.reader.close()
        followed = [
            one async for one in Streams(app.parts.reader).follow("page", lambda _: asyncio.sleep(0, ""))
        ]
        assert followed == []


async def test_stream_beyond_the_bound_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MAX_STREAMS", 1)
    async with running_app(store) as app, app.stream("/live/overview") as first:
        await until(lambda: "data" in first.text)
        assert (await app.get("/live/overview")).status == 503


async def test_reader_reads_only_for_pages(store: Store) -> None:
    async with running_app(store) as app:
        await asyncio.sleep(0)
        assert app.parts.reader._newest is None
        assert (await app.parts.reader.newest()).work.running == 0


class Clock:
    now_s = 0.0


async def test_readings_are_shared_and_repeated_after_their_period() -> None:
    clock, values = Clock(), iter(range(10))

    async def read() -> int:
        clock.now_s += 0.2
        return next(values)

    readings = Readings(lambda: clock.now_s)
    assert await asyncio.gather(*(readings.get("one", read, 5.0) for _ in range(3))) == [0, 0, 0]
    clock.now_s += 4.0
    assert await readings.get("one", read, 5.0) == 0
    clock.now_s += 2.0
    assert await readings.get("one", read, 5.0, waits=True) == 1
    clock.now_s += 19.0  # two readings of 0.2 s pause for 20 s
    assert await readings.get("one", read, 5.0) == 1
    clock.now_s += 2.0
    assert await readings.get("one", read, 5.0, waits=True) == 2
    readings.expire()
    clock.now_s += 2.0
    assert await readings.get("one", read, 5.0) == 3
    assert [await readings.get("past", read, 5.0, is_past=True) for _ in range(2)] == [4, 4]
    readings.expire()
    assert await readings.get("past", read, 5.0, is_past=True) == 4


async def test_one_slow_reading_does_not_make_pages_old() -> None:
    clock, values = Clock(), iter(range(10))

    async def read() -> int:
        value = next(values)
        clock.now_s += 0.01 if value % 3 else 3.0
        return value

    readings = Readings(lambda: clock.now_s)
    for expected in range(8):
        assert await readings.get("one", read, 5.0, waits=True) == expected
        clock.now_s += 5.5


async def test_a_caller_after_a_write_gets_what_was_read_after_it() -> None:
    stored, began, ended = ["before"], asyncio.Event(), asyncio.Event()

    async def read() -> str:
        found = stored[0]
        began.set()
        await ended.wait()
        return found

    readings = Readings()
    early = asyncio.create_task(readings.get("one", read, 60.0))
    await began.wait()
    stored[0] = "after"
    readings.expire()
    late = asyncio.create_task(readings.get("one", read, 60.0))
    await asyncio.sleep(0)
    ended.set()
    assert [await early, await late] == ["before", "after"]
    readings.expire()
    stored[0] = "later"
    assert readings.peek("one", read, 60.0) == "after"
    assert await readings.get("one", read, 60.0) == "later"


async def test_writes_that_follow_each_other_leave_the_store_time() -> None:
    clock = Clock()

    async def read() -> int:
        clock.now_s += 0.1
        return 1

    async def sleep(seconds: float) -> None:
        clock.now_s += seconds

    readings = Readings(lambda: clock.now_s, sleep)
    for _ in range(10):
        readings.expire()
        assert await readings.get("one", read, 5.0) == 1
    assert clock.now_s == pytest.approx(10 * 0.1 + 8 * 1.0)


async def test_a_reading_that_is_not_kept_is_shared_while_it_runs() -> None:
    values, answers = iter(range(10)), asyncio.Event()

    async def read() -> int:
        await answers.wait()
        return next(values)

    readings = Readings()
    several = [asyncio.create_task(readings.get("one", read, 0.0, waits=True)) for _ in range(3)]
    await asyncio.sleep(0)
    answers.set()
    assert await asyncio.gather(*several) == [0, 0, 0]
    assert await readings.get("one", read, 0.0, waits=True) == 1


async def test_a_value_that_nobody_asked_for_is_not_shown_old() -> None:
    clock, values = Clock(), iter(range(10))

    async def read() -> int:
        return next(values)

    readings = Readings(lambda: clock.now_s)
    for passed_s, expected in ((0.0, 0), (7.0, 0), (0.0, 1), (3_600.0, 2)):
        clock.now_s += passed_s
        assert await readings.get("one", read, 5.0) == expected
        await asyncio.sleep(0)  # the reading for the next call ends


async def test_readings_tell_their_failures() -> None:
    async def fail() -> int:
        raise TaskqueueError("away")

    async def read() -> int:
        return 1

    clock = Clock()
    readings = Readings(lambda: clock.now_s)
    with pytest.raises(TaskqueueError):
        await readings.get("one", fail, 5.0)
    clock.now_s += 2.0
    assert await readings.get("one", read, 5.0) == 1
