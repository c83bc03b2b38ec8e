"""The next due of a subscription that is not excluded, by ranges of offsets."""

from collections.abc import Iterator

from taskqueue.models.values import Exclusion, Schedule
from taskqueue.plan.cron import DAY_S
from taskqueue.plan.exclude import MAX_DAYS, excluded_spans, excluded_until_ms
from taskqueue.plan.schedule import next_occurrence, window_s


def following(
    schedule: Schedule, exclude: tuple[Exclusion, ...], after_s: int, lo_ms: int, hi_ms: int
) -> Iterator[tuple[int, int, int]]:
    """Yield (lowest offset, highest offset, start): the first start > after_s whose dues are not excluded.

    The ranges make up [lo_ms, hi_ms], in any order. Excluded time is jumped over; after ten years of it a start is
    taken as it comes. Raises ScheduleError.

    >>> night = (Exclusion(daily_s=(22 * 3600, 6 * 3600)),)
    >>> sorted(following(Schedule(interval_s=3600), night, 20 * 3600, 0, 3_599_999))  # 21:00 is the last of the day
    [(0, 3599999, 75600)]
    >>> sorted(following(Schedule(interval_s=5400), night, 18 * 3600, 3_000_000, 4_000_000))  # from 20:50 on
    [(3000000, 4000000, 70200)]
    """
    zone = time_zone(schedule)
    latest_s = after_s + MAX_DAYS * DAY_S
    todo = [(lo_ms, hi_ms, after_s)]
    while todo:
        lo, hi, before_s = todo.pop()
        start_s = next_occurrence(schedule, before_s)
        if start_s > latest_s:
            yield lo, hi, start_s
            continue
        start_ms = start_s * 1000
        free = lo
        for begin, end in excluded_spans(exclude, zone, start_ms + lo, start_ms + hi + 1):
            if free < begin - start_ms:
                yield free, begin - start_ms - 1, start_s
            free = end - start_ms
            # The first start at which a due of these offsets lies behind the excluded time.
            until_ms = excluded_until_ms(exclude, zone, begin)
            todo.append((begin - start_ms, free - 1, max(start_s, (until_ms - free) // 1000)))
        if free <= hi:
            yield free, hi, start_s


def next_period_s(schedule: Schedule, exclude: tuple[Exclusion, ...], after_s: int) -> int:
    """Return the first period start > after_s in whose window some time is not excluded. Raises ScheduleError."""
    last_ms = window_s(schedule) * 1000 - 1
    return min(start_s for _, _, start_s in following(schedule, exclude, after_s, 0, last_ms))


def time_zone(schedule: Schedule) -> str:
    """Return the zone in which a schedule's exclusions are read: that of cron, UTC for an interval."""
    return schedule.time_zone or "UTC"
