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


def variant_name(schedule: Schedule, zone: str, interval_s: int | None) -> str:
    """Return the variant in which a subscription runs; empty for the type's own schedule.

    zone: of the user.   interval_s: chosen; one that the type does not offer counts as the type's own.

    >>> variant_name(Schedule(cron="0 2 * * *"), "Asia/Tokyo", None)
    'Asia/Tokyo'
    >>> variant_name(Schedule(interval_s=3600, intervals_s=(300,)), "Asia/Tokyo", 300)
    '300'
    """
    if follows_users(schedule):
        return "" if zone == "UTC" else zone
    return str(interval_s) if interval_s in schedule.intervals_s else ""


def is_offered(schedule: Schedule, name: str) -> bool:
    """Tell whether the schedule has this variant; not for the type's own schedule.

    >>> [is_offered(Schedule(interval_s=3600, intervals_s=(300,)), name) for name in ("300", "60", "Asia/Tokyo")]
    [True, False, False]
    """
    return int(name) in schedule.intervals_s if name.isdigit() else follows_users(schedule)


def in_zone(schedule: Schedule, zone: str) -> Schedule:
    """Return the schedule of users in a zone. Raises ScheduleError."""
    return _variant(schedule, zone, None) if follows_users(schedule) else schedule


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
        yield 0, in_zone(schedule, "UTC")
        for name, number in numbers.items():
            if not name.isdigit():
                yield number, in_zone(schedule, name)
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
    # Its window is that of the type, as places are the same in every zone.
    return replace(schedule, time_zone=time_zone, window_s=window_s(schedule))
