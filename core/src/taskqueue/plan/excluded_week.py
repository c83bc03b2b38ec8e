"""Exclusions that leave no run of a schedule: weekdays and times of day, which return every week; dates end some time.

It looks at weeks without a change of the clock.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from math import gcd

from taskqueue.models.cron import CYCLE_DAYS
from taskqueue.models.values import Exclusion, Schedule
from taskqueue.plan.cron import DAY_S, parse
from taskqueue.plan.exclude import excluded_spans
from taskqueue.plan.schedule import window_s

_DAYS = 7
_WEEK_S = _DAYS * DAY_S


def leaves_run(schedule: Schedule, exclude: tuple[Exclusion, ...]) -> bool:
    """Tell whether some due of a schedule lies outside excluded weekdays and times of day. Raises ScheduleError.

    >>> night = (Exclusion(daily_s=(22 * 3600, 6 * 3600)),)
    >>> leaves_run(Schedule(cron="0 2 * * *"), night), leaves_run(Schedule(cron="30 5 * * *"), night)
    (False, True)
    """
    weekly = tuple(replace(one, dates=()) for one in exclude)
    # Of two equal weeks the second: windows that begin in the first one reach into it.
    spans = excluded_spans(weekly, "UTC", _WEEK_S * 1000, 2 * _WEEK_S * 1000)
    edges = [_WEEK_S, *(edge_ms // 1000 for edge_ms in chain(*spans)), 2 * _WEEK_S]
    free = [(lo, hi) for lo, hi in zip(edges[::2], edges[1::2], strict=True) if lo < hi]
    starts, window = _starts_of_two_weeks(schedule), window_s(schedule)
    firsts = ((bisect_right(starts, lo - window), hi) for lo, hi in free)
    return any(first < len(starts) and starts[first] < hi for first, hi in firsts)


def _starts_of_two_weeks(schedule: Schedule) -> Sequence[int]:
    """Return all starts that some week has, twice, ascending; in seconds since the first week began."""
    if schedule.interval_s is not None:
        return range(0, 2 * _WEEK_S, gcd(schedule.interval_s, _WEEK_S))
    pattern = parse(schedule.cron or "")
    found: set[int] = set()
    for day in range(CYCLE_DAYS):
        if pattern.matches(day):
            found.add(day % _DAYS)
            if len(found) == _DAYS:
                break
    days = sorted(found | {day + _DAYS for day in found})
    return [day * DAY_S + time_s for day in days for time_s in pattern.times_s]
