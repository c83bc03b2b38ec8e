"""The next run of a subscription, from the places it has in the generations of its type."""

import pytest

from taskqueue.models.values import Exclusion, Schedule
from taskqueue.plan.due import due
from taskqueue.plan.segment import Segment
from taskqueue.store.scalars import Place
from taskqueue.views.next_due import next_due_ms

HOURLY = Schedule(interval_s=3600)
TEN_MINUTES = Schedule(interval_s=600)
OFFSET_MS = 1_800_250


@pytest.mark.parametrize(
    ("after_ms", "due_ms"),
    [
        (0, OFFSET_MS),
        (OFFSET_MS - 1, OFFSET_MS),
        (OFFSET_MS, 3_600_000 + OFFSET_MS),
        (3_600_000, 3_600_000 + OFFSET_MS),
        (3_600_000 + OFFSET_MS, 7_200_000 + OFFSET_MS),
    ],
)
def test_the_next_due_is_found_within_a_running_period(after_ms: int, due_ms: int) -> None:
    segment = Segment("sync", 1, HOURLY)
    assert next_due_ms([segment], {("sync", 1): Place(0, OFFSET_MS, suspended=False)}, after_ms) == due_ms
    (found,) = due([segment], due_ms - 1, due_ms, due_ms)
    assert found.offset_lo_ms == found.offset_hi_ms == OFFSET_MS, "the scheduler emits it at that instant"


def test_each_generation_answers_for_its_own_occurrences_only() -> None:
    old = Segment("sync", 1, HOURLY, until_s=3_601)
    new = Segment("sync", 2, TEN_MINUTES, from_s=3_601)
    places = {
        ("sync", 1): Place(0, OFFSET_MS, suspended=False),
        ("sync", 2): Place(0, 30_000, suspended=False),
    }
    assert next_due_ms([old, new], places, OFFSET_MS) == 4_200_000 + 30_000
    assert next_due_ms([old, new], places, 4_200_000 + 30_000) == 4_800_000 + 30_000
    assert next_due_ms([old], places, 3_600_000 + OFFSET_MS) is None


def test_a_subscription_without_a_place_has_no_next_run() -> None:
    assert next_due_ms([Segment("sync", 1, HOURLY)], {}, 0) is None


def test_a_due_that_is_excluded_is_left_out() -> None:
    nights = (Exclusion(daily_s=(22 * 3600, 6 * 3600)),)
    segment = Segment("sync", 1, HOURLY, exclude=nights)
    places = {("sync", 1): Place(0, OFFSET_MS, suspended=False)}
    last_ms = 21 * 3_600_000 + OFFSET_MS
    assert next_due_ms([segment], places, last_ms - 1) == last_ms
    assert next_due_ms([segment], places, last_ms) == 30 * 3_600_000 + OFFSET_MS


def test_a_place_that_is_excluded_in_each_period_has_no_next_run() -> None:
    segment = Segment("report", 1, Schedule(cron="0 2 * * *"), exclude=(Exclusion(daily_s=(0, 9_000)),))
    for offset_ms, has_next in ((1_799_999, False), (1_800_000, True)):
        places = {("report", 1): Place(0, offset_ms, suspended=False)}
        assert (next_due_ms([segment], places, 0) is not None) == has_next
