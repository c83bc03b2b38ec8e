"""Times of a worker's calls: given times, free room with more waiting, and results to settle."""

import asyncio
from collections.abc import Callable

import pytest

from taskqueue_worker.pace import Pace
from tests.support.process.virtual_time import virtual_time

NEVER = float("inf")


def hungry(pace: Pace, now_s: float) -> None:
    pace.calling()
    pace.call_when_free()


def holding_jobs(pace: Pace, now_s: float) -> None:
    pace.holds_jobs_until(now_s + 0.25)
    hungry(pace, now_s)


def full_then_freed(pace: Pace, now_s: float) -> None:
    pace.calling()
    pace.hungry = True
    pace.freed()


def told_a_time(pace: Pace, now_s: float) -> None:
    pace.calling()
    pace.call_at(now_s + 3)
    pace.freed()


def told_that_its_time_is_enough(pace: Pace, now_s: float) -> None:
    told_a_time(pace, now_s)
    pace.calling()
    pace.call_at(None)


def told_so_when_its_time_has_passed(pace: Pace, now_s: float) -> None:
    pace.calling()
    pace.call_at(None)


def with_a_result(pace: Pace, now_s: float) -> None:
    told_a_time(pace, now_s)
    pace.reported(soon=False)


def with_a_result_that_is_waited_for(pace: Pace, now_s: float) -> None:
    with_a_result(pace, now_s)
    pace.reported(soon=True)
    pace.reported(soon=False)


def with_a_hundred_results(pace: Pace, now_s: float) -> None:
    told_a_time(pace, now_s)
    for _ in range(100):
        pace.reported(soon=False)


def woken(pace: Pace, now_s: float) -> None:
    told_a_time(pace, now_s)
    pace.call()


@pytest.mark.parametrize(
    ("state", "with_room_s", "full_s"),
    [
        (hungry, 0, NEVER),
        (holding_jobs, 0.15, NEVER),
        (full_then_freed, 0.002, NEVER),
        (told_a_time, 3, 3),
        (told_that_its_time_is_enough, 3, 3),
        (told_so_when_its_time_has_passed, 0.2, 0.2),
        (with_a_result, 1, 1),
        (with_a_result_that_is_waited_for, 0.05, 0.05),
        (with_a_hundred_results, 0, 0),
        (woken, 0, 0),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
@virtual_time
async def test_a_worker_calls_when_worthwhile(
    state: Callable[[Pace, float], None], with_room_s: float, full_s: float
) -> None:
    pace, now_s = Pace(), asyncio.get_running_loop().time()
    state(pace, now_s)
    for free, expected in ((1, with_room_s), (0, full_s)):
        assert max(0.0, pace.next_s(free) - now_s) == pytest.approx(expected, abs=1e-9)


@virtual_time
async def test_close_times_share_one_call() -> None:
    pace, now_s = Pace(), asyncio.get_running_loop().time()
    for after_s in (-1, 0, 0.0015, 4):
        pace.call_at(now_s + after_s)
    pace.calling()
    assert pace.next_s(1) == now_s + 4


@virtual_time
async def test_a_full_worker_waits_for_room_after_its_time() -> None:
    pace, now_s = Pace(), asyncio.get_running_loop().time()
    pace.calling()
    pace.call_at(now_s)
    assert pace.forget_passed_times(), "another worker must call"
    assert not pace.forget_passed_times()
    assert pace.next_s(0) == NEVER
    pace.freed()
    assert pace.next_s(1) < now_s + 0.5


@virtual_time
async def test_waiting_ends_when_something_happens() -> None:
    pace = Pace()
    pace.calling()
    for happens in (pace.call, lambda: pace.reported(soon=True)):
        waiting = asyncio.create_task(pace.wait(NEVER))
        await asyncio.sleep(0)
        happens()
        await asyncio.wait_for(waiting, 30)
