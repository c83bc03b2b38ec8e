"""Starts per step of a day."""

import pytest

from taskqueue.models.values import Schedule
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
