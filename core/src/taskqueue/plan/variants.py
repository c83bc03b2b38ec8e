"""Variants of a type's schedule: the zones of users, and the intervals that subscriptions choose.

A variant is named by its zone or by its interval in seconds, and has a number that is the same for all types; number 0
is the type's own schedule, in UTC if it has no zone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from taskqueue.models.values import Schedule
from taskqueue.plan.schedule import window_s


def follows_users(schedule: Schedule) -> bool:
    """Tell whether the schedule runs in the zone of each user."""
    return schedule.cron is not None and schedule.time_zone is None


def intervals(schedule: Schedule) -> Iterator[Schedule]:
    """Yield the schedule of each interval that a subscription may choose."""
    for interval_s in schedule.intervals_s:
        yield replace(schedule, interval_s=interval_s, intervals_s=())


def variants(schedule: Schedule, numbers: Mapping[str, int]) -> Iterator[tuple[int, Schedule]]:
    """Yield number and schedule of each variant. numbers: of zones and intervals, by name. Raises ScheduleError.

    >>> [(number, one.time_zone) for number, one in variants(Schedule(cron="0 2 * * *"), {"Asia/Tokyo": 1, "300": 2})]
    [(0, 'UTC'), (1, 'Asia/Tokyo')]
    """
    if follows_users(schedule):
        within = replace(schedule, time_zone="UTC", window_s=window_s(schedule))  # the same in every zone
        yield 0, within
        for name, number in numbers.items():
            if not name.isdigit():
                yield number, replace(within, time_zone=name)
        return
    yield 0, replace(schedule, intervals_s=()) if schedule.intervals_s else schedule
    for one in intervals(schedule):
        if str(one.interval_s) in numbers:
            yield numbers[str(one.interval_s)], one
