"""Variants of a type's schedule: the zones of users, and the intervals that subscriptions choose.

A variant is named by its zone or by its interval in seconds, and has a number that is the same for all types; number 0
is the type's own schedule, in UTC if it has no zone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

from taskqueue.models.values import Schedule
from taskqueue.plan.schedule import window_s


def follows_users(schedule: Schedule) -> bool:
    """Tell whether the schedule runs in the zone of each user."""
    return schedule.cron is not None and schedule.time_zone is None


def intervals(schedule: Schedule) -> Iterator[Schedule]:
    """Yield the schedule of each interval that a subscription may choose."""
    for interval_s in schedule.intervals_s:
        yield _variant(schedule, None, interval_s)


def variants(schedule: Schedule, numbers: Mapping[str, int]) -> Iterator[tuple[int, Schedule]]:
    """Yield number and schedule of each variant. numbers: of zones and intervals, by name. Raises ScheduleError.

    >>> [(number, one.time_zone) for number, one in variants(Schedule(cron="0 2 * * *"), {"Asia/Tokyo": 1, "300": 2})]
    [(0, 'UTC'), (1, 'Asia/Tokyo')]
    """
    if follows_users(schedule):
        yield 0, _variant(schedule, "UTC", None)
        for name, number in numbers.items():
            if not name.isdigit():
                yield number, _variant(schedule, name, None)
        return
    yield 0, _variant(schedule, schedule.time_zone, schedule.interval_s)
    for one in intervals(schedule):
        if str(one.interval_s) in numbers:
            yield numbers[str(one.interval_s)], one


@lru_cache(maxsize=32_768)
def _variant(schedule: Schedule, time_zone: str | None, interval_s: int | None) -> Schedule:
    """Return a variant; of like schedules the same object, which `plan.due` recognizes without a look at its fields."""
    if interval_s is not None:
        return replace(schedule, interval_s=interval_s, intervals_s=())
    return replace(
        schedule, time_zone=time_zone, window_s=window_s(schedule)
    )  # the same window in every zone
