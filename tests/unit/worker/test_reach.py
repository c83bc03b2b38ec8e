"""A worker that misses its slots takes fewer of them, and sooner ones."""

import random

import pytest

from taskqueue_worker.pace import REACH_MAX_S, REACH_MIN_S, Reach


def test_a_punctual_worker_leases_up_to_its_room() -> None:
    reach = Reach()
    for _ in range(100):
        reach.record(in_time=True)
    assert (reach.seconds, reach.jobs(1)) == (REACH_MAX_S, float("inf"))


def test_a_worker_missing_every_slot_leases_one_at_a_time() -> None:
    reach = Reach()
    for _ in range(100):
        reach.record(in_time=False)
    assert (reach.seconds, reach.jobs(20), reach.jobs(1_000)) == (REACH_MIN_S, 1, 10)


def test_a_worker_punctual_again_reaches_as_far() -> None:
    reach = Reach()
    reach.record(in_time=False)
    assert reach.seconds < REACH_MAX_S
    for _ in range(20):
        reach.record(in_time=True)
    assert reach.seconds == REACH_MAX_S


@pytest.mark.parametrize(("late", "low", "high"), [(0.01, 0.09, 0.1), (0.2, 0.01, 0.02)])
def test_one_late_start_in_twenty_decides(late: float, low: float, high: float) -> None:
    reach, draw, seen = Reach(), random.Random(7), list[float]()
    for _ in range(5_000):
        reach.record(in_time=draw.random() >= late)
        seen.append(reach.seconds)
    assert low <= sorted(seen)[len(seen) // 2] <= high
