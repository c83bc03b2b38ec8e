"""The windows of a schedule in which jobs are due: excluded time is cut out."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from math import ceil, floor

from taskqueue.models.values import Exclusion, Schedule
from taskqueue.plan.cron import DAY_S
from taskqueue.plan.exclude import excluded_spans
from taskqueue.plan.following import time_zone
from taskqueue.plan.schedule import occurrences, window_s
from taskqueue.plan.variants import in_zone


def open_windows(
    schedule: Schedule, exclude: tuple[Exclusion, ...], lo_s: float, hi_s: float
) -> Sequence[tuple[float, float]]:
    """Return the parts [start, end) of windows that lie within [lo_s, hi_s), ascending; epoch seconds.

    Windows that leave no pause are one. Raises ScheduleError.

    >>> open_windows(Schedule(interval_s=300, window_s=60), (), 330, 700)
    [(330, 360), (600, 660)]
    >>> night = Exclusion(daily_s=(22 * 3600, 6 * 3600))
    >>> open_windows(Schedule(interval_s=300), (night,), 0, DAY_S)
    [(21600, 79200)]
    """
    window = window_s(schedule)
    if window == schedule.interval_s:
        found = [(lo_s, hi_s)]
    else:
        starts = occurrences(schedule, floor(lo_s) - window + 1, ceil(hi_s))
        found = [(max(start, lo_s), min(start + window, hi_s)) for start in starts]
    if not exclude:
        return found
    spans = excluded_spans(exclude, time_zone(schedule), floor(lo_s) * 1000, ceil(hi_s) * 1000)
    return list(_cut(found, [(start // 1000, end // 1000) for start, end in spans]))


def _cut(
    windows: Iterable[tuple[float, float]], spans: Sequence[tuple[int, int]]
) -> Iterator[tuple[float, float]]:
    for lo_s, end_s in windows:
        start_s = lo_s
        for position in range(bisect_right(spans, start_s, key=_end), len(spans)):
            first_s, last_s = spans[position]
            if first_s >= end_s:
                break
            if start_s < first_s:
                yield start_s, first_s
            start_s = last_s
        if start_s < end_s:
            yield start_s, end_s


def _end(span: tuple[int, int]) -> int:
    return span[1]


@lru_cache(maxsize=4096)
def open_at_once(schedule: Schedule, zones: frozenset[str], day_start_s: int) -> int:
    """Return how many windows are open at once, of users in these zones; windows that begin together are one.

    Raises ScheduleError.
    """
    window, end_s = window_s(schedule), day_start_s + DAY_S
    found = (occurrences(in_zone(schedule, zone), day_start_s - window + 1, end_s) for zone in zones)
    starts = sorted(set().union(*found))
    opened = (position + 1 - bisect_right(starts, start - window) for position, start in enumerate(starts))
    return max(opened, default=1)
