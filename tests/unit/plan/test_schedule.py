"""Beginnings of periods, except in nights of a clock change."""

import pytest

from taskqueue.models.values import Schedule
from taskqueue.plan.errors import ScheduleError
from taskqueue.plan.schedule import (
    next_occurrence,
    occurrences,
    previous_occurrence,
    shortest_gap_s,
    window_s,
)

HOUR, DAY = 3600, 86_400
MONDAY = 1_767_571_200  # 2026-01-05 00:00 UTC


@pytest.mark.parametrize(
    ("schedule", "gap", "window"),
    [
        (Schedule(interval_s=300), 300, 300),
        (Schedule(interval_s=300, window_s=60), 300, 60),
        (Schedule(interval_s=300, window_s=900), 300, 300),
        (Schedule(cron="0 2 * * *", time_zone="UTC"), DAY, HOUR),
        (Schedule(cron="0 2 * * *", time_zone="UTC", window_s=2 * HOUR), DAY, 2 * HOUR),
        (Schedule(cron="0 2 * * *", time_zone="UTC", window_s=3 * DAY), DAY, DAY),
        (Schedule(cron="*/10 * * * *", time_zone="UTC"), 600, 600),
        (Schedule(cron="0,5,30 * * * *", time_zone="UTC"), 300, 300),
        (Schedule(cron="0 23,1 * * *", time_zone="UTC"), 2 * HOUR, HOUR),
        (Schedule(cron="0 9,20 * * *", time_zone="UTC"), 11 * HOUR, HOUR),
        (Schedule(cron="0 3 * * MON", time_zone="UTC"), 7 * DAY, HOUR),
        (Schedule(cron="0 3 * * MON,TUE", time_zone="UTC"), DAY, HOUR),
        (Schedule(cron="0 0 1 * *", time_zone="UTC"), 28 * DAY, HOUR),
        (Schedule(cron="0 0 L * *", time_zone="UTC"), 28 * DAY, HOUR),
        (Schedule(cron="0 0 29 2 *", time_zone="UTC"), 1461 * DAY, HOUR),
        (Schedule(cron="30 2 * * *"), 81_000, HOUR),
        (Schedule(cron="30 9,17 * * *"), 8 * HOUR, HOUR),
        (Schedule(cron="*/15 * * * *"), 900, 900),
        (Schedule(cron="30 2 * * *", time_zone="Europe/Berlin"), DAY - HOUR // 2, HOUR),
        (Schedule(cron="0 12 * * *", time_zone="Europe/Berlin"), DAY - HOUR, HOUR),
        (Schedule(cron="0 12 * * *", time_zone="Asia/Kolkata"), DAY, HOUR),
        (Schedule(cron="0 0,13 * * SUN", time_zone="Europe/Berlin"), 12 * HOUR, HOUR),
        (Schedule(cron="0 9,11 * * *", time_zone="Europe/Berlin", window_s=DAY), 2 * HOUR, 2 * HOUR),
        (Schedule(cron="0 9 * * MON", time_zone="Europe/Berlin"), 7 * DAY - HOUR, HOUR),
        (Schedule(cron="55 1,3 * * *", time_zone="Europe/Berlin"), HOUR, HOUR),
        (Schedule(cron="0 */2 * * *", time_zone="America/New_York", window_s=2 * HOUR), HOUR, HOUR),
    ],
)
def test_the_window_defaults_to_the_gap_and_never_exceeds_the_gap(
    schedule: Schedule, gap: int, window: int
) -> None:
    assert (shortest_gap_s(schedule), window_s(schedule)) == (gap, window)


def test_intervals_align_to_the_epoch_with_half_open_bounds() -> None:
    every = Schedule(interval_s=300)
    assert list(occurrences(every, 300, 900)) == [300, 600]
    assert list(occurrences(every, 301, 901)) == [600, 900]
    assert list(occurrences(every, -1, 1)) == [0]
    assert list(occurrences(every, 301, 600)) == []
    assert isinstance(occurrences(every, 0, 10**12), range)
    assert (next_occurrence(every, 299), next_occurrence(every, 300)) == (300, 600)
    assert (previous_occurrence(every, 299), previous_occurrence(every, 300)) == (0, 300)


def test_cron_bounds_are_half_open_within_a_day_and_across_days() -> None:
    daily = Schedule(cron="0 2 * * *")
    two = MONDAY + 2 * HOUR
    assert list(occurrences(daily, two, two + 1)) == [two]
    assert list(occurrences(daily, two - 1, two)) == []
    assert list(occurrences(daily, two, two)) == []
    assert list(occurrences(daily, two, two + DAY)) == [two]
    assert list(occurrences(daily, two + 1, two + DAY + 1)) == [two + DAY]
    assert list(occurrences(daily, MONDAY, MONDAY + 3 * DAY)) == [two, two + DAY, two + 2 * DAY]
    assert (next_occurrence(daily, two - 1), next_occurrence(daily, two)) == (two, two + DAY)
    assert (previous_occurrence(daily, two), previous_occurrence(daily, two - 1)) == (two, two - DAY)


def test_rare_dates_are_found_in_both_directions() -> None:
    leap = Schedule(cron="30 6 29 2 *", time_zone="Pacific/Auckland")
    evening_before = 1_835_371_800  # 2028-02-28 17:30 UTC is the 29th, 06:30, in Auckland
    assert next_occurrence(leap, MONDAY) == evening_before
    assert previous_occurrence(leap, evening_before) == evening_before
    assert previous_occurrence(leap, evening_before - 1) == evening_before - 1461 * DAY
    assert list(occurrences(leap, MONDAY, evening_before + 1)) == [evening_before]
    assert list(occurrences(leap, MONDAY, evening_before)) == []


@pytest.mark.parametrize(
    ("schedule", "reason"),
    [
        (Schedule(cron="61 * * * *"), "the minute of cron must"),
        (Schedule(cron="* * * *"), "five fields"),
        (Schedule(cron="0 * * * * *"), "five fields"),
        (Schedule(cron="0 0 31 2 *"), "must exist in the month"),
        (Schedule(cron="0 0 */31 2 MON#5"), "must name a date that exists"),
        (Schedule(cron="0 0 * * *", time_zone="Mars/Olympus"), "must be an IANA name"),
        (Schedule(cron="0 0 * * *", time_zone="../etc"), "must be an IANA name"),
        (Schedule(), "neither"),
    ],
)
def test_an_unplannable_schedule_is_refused_with_its_reason(schedule: Schedule, reason: str) -> None:
    with pytest.raises(ScheduleError, match=reason):
        next_occurrence(schedule, 0)


def test_a_warm_call_reads_the_memory_only() -> None:
    from taskqueue.plan.daylight import day_occurrences

    nightly = Schedule(cron="15 3 * * *", time_zone="America/Sao_Paulo")
    occurrences(nightly, MONDAY, MONDAY + DAY)
    misses = day_occurrences.cache_info().misses
    for second in range(1000):
        occurrences(nightly, MONDAY + second, MONDAY + second + HOUR)
    assert day_occurrences.cache_info().misses == misses
