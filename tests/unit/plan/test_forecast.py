"""Starts per step of a day."""

import pytest

from taskqueue.models.values import Exclusion, Schedule
from taskqueue.plan.forecast import starts
from taskqueue.plan.type_demand import TypeDemand

MONDAY = 1_767_571_200  # 2026-01-05 00:00 UTC
HOUR = 3600


def test_a_whole_window_is_a_level_line_weighted_by_cost() -> None:
    demand = TypeDemand("t", Schedule(interval_s=600), subscriptions=1_200, cost=3)
    assert starts([demand], MONDAY, HOUR) == pytest.approx([6 * 1_200 * 3] * 24)


def test_a_night_lies_in_its_hour_of_the_zone() -> None:
    demand = TypeDemand("t", Schedule(cron="0 2 * * *", time_zone="Europe/Berlin"), subscriptions=600)
    hours = starts([demand], MONDAY, HOUR)
    assert hours[1] == pytest.approx(600)
    assert sum(hours) == pytest.approx(600)


def test_windows_count_by_their_overlap_with_each_step() -> None:
    demand = TypeDemand("t", Schedule(interval_s=100, window_s=30), subscriptions=30)
    assert starts([demand], MONDAY + 80, 40, horizon_s=100) == pytest.approx([20, 10, 0])


def test_a_window_of_the_day_before_reaches_into_this_day() -> None:
    demand = TypeDemand("t", Schedule(cron="30 23 * * *"), subscriptions=3_600)
    hours = starts([demand], MONDAY, HOUR)
    assert [hours[0], hours[23]] == pytest.approx([1_800, 1_800])
    assert sum(hours) == pytest.approx(3_600)


def test_loads_add_up_and_none_is_zero() -> None:
    demand = TypeDemand("t", Schedule(interval_s=60), subscriptions=60)
    assert starts([demand, demand], MONDAY, 1_800, horizon_s=HOUR) == pytest.approx([3_600, 3_600])
    assert starts([], MONDAY, 1_800, horizon_s=HOUR) == [0.0, 0.0]


def test_users_in_two_zones_have_two_nights() -> None:
    zones = (("Europe/Berlin", 100), ("UTC", 300))
    demand = TypeDemand("t", Schedule(cron="0 2 * * *"), subscriptions=400, cost=2, zones=zones)
    hours = starts([demand], MONDAY, HOUR)
    assert {hour: count for hour, count in enumerate(hours) if count} == pytest.approx({1: 200, 2: 600})


@pytest.mark.parametrize(
    ("schedule", "minutes"),
    [
        (Schedule(interval_s=600), [20, 20, 10, 0, 0, 0, 20, 20]),
        (Schedule(interval_s=600, window_s=300), [40, 0, 20, 0, 0, 0, 40, 0]),
        (Schedule(interval_s=60, window_s=30), [200, 200, 120, 0, 0, 0, 200, 200]),
        (Schedule(cron="10 7 * * *", time_zone="Africa/Algiers", window_s=600), [0, 0, 20, 20, 0, 0, 0, 0]),
    ],
    ids=["whole window", "half a window", "short window", "in the zone of cron"],
)
def test_excluded_time_has_no_starts(schedule: Schedule, minutes: list[float]) -> None:
    """From 6:12:30 to 6:30 of its zone, in steps of five minutes from 6:00 UTC on. Algiers is an hour ahead."""
    exclude = (Exclusion(daily_s=(6 * HOUR + 750, 6 * HOUR + 1800)),)
    demand = TypeDemand("t", schedule, subscriptions=40, exclude=exclude)
    assert starts([demand], MONDAY + 6 * HOUR, 300, horizon_s=2400) == pytest.approx(minutes)
