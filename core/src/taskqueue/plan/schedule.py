"""Period starts of a schedule, interval or cron. All instants are epoch seconds.

Cron occurrences are kept per UTC day, bounded: the ticker asks for about a hundred expressions four times a
second, and nearly always for the same day.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from taskqueue.models.values import Schedule
from taskqueue.plan.cron import DAY_S, parse
from taskqueue.plan.daylight import HOUR_S, REACH_DAYS, day_occurrences, offset_spans
from taskqueue.plan.errors import ScheduleError

# Years whose changes of the clock stand for all: 2024-01-01 to 2027-12-31, in days since 1970-01-01.
_SAMPLE_DAYS = range(19_723, 21_184)
#: The jumps of all zones in these years, as `_jumps` finds them: to look at 600 zones takes half a minute.
JUMPS_OF_ZONES = frozenset(
    [
        *((hour * HOUR_S, HOUR_S) for hour in (0, 1, 2, 3, 22, 23)),
        (HOUR_S, 2 * HOUR_S),
        (2 * HOUR_S, HOUR_S // 2),
        (9_900, HOUR_S),
    ]
)


def window_s(schedule: Schedule) -> int:
    """Return the first part of each period, in seconds, over which its subscriptions are spread.

    Default: the interval; for cron the shortest gap, at most an hour. Never longer than the shortest gap.

    >>> window_s(Schedule(interval_s=300)), window_s(Schedule(cron="0 2 * * *"))
    (300, 3600)
    """
    window, gap = schedule.window_s, schedule.interval_s
    if gap is None:
        gap, window = shortest_gap_s(schedule), window or HOUR_S
    return gap if window is None or gap < window else window


def shortest_gap_s(schedule: Schedule) -> int:
    """Return the shortest distance between two period starts, in seconds. Raises ScheduleError.

    A clock that is put forward shortens the gap it falls into: daily in Berlin is 23 hours. For the zones of users it
    is the shortest gap of all zones.
    """
    if schedule.interval_s is not None:
        return schedule.interval_s
    cron, _ = _cron(schedule)
    return _shortest_gap(cron, _jumps(schedule.time_zone) if schedule.time_zone else JUMPS_OF_ZONES)


def occurrences(schedule: Schedule, lo_s: int, hi_s: int) -> Sequence[int]:
    """Return the period starts with lo_s <= start < hi_s, ascending. Raises ScheduleError.

    >>> list(occurrences(Schedule(interval_s=300), 1, 1000))
    [300, 600, 900]
    """
    interval = schedule.interval_s
    if interval is not None:
        return range(-(-lo_s // interval) * interval, hi_s, interval)
    cron, zone = _cron(schedule)
    day, last_day = lo_s // DAY_S, (hi_s - 1) // DAY_S
    if day == last_day:  # the steady state of the ticker: one look into the memory
        starts = day_occurrences(cron, zone, day)
        return starts[bisect_left(starts, lo_s) : bisect_left(starts, hi_s)]
    found: list[int] = []
    while day <= last_day:
        starts = day_occurrences(cron, zone, day)
        found += starts
        day = day + 1 if starts else _neighbour(cron, zone, day, 1) // DAY_S
    return found[bisect_left(found, lo_s) : bisect_left(found, hi_s)]


def next_occurrence(schedule: Schedule, after_s: int) -> int:
    """Return the first period start > after_s. Raises ScheduleError.

    >>> next_occurrence(Schedule(cron="0 0 29 2 *"), 0)  # 1972-02-29
    68169600
    """
    if schedule.interval_s is not None:
        return (after_s // schedule.interval_s + 1) * schedule.interval_s
    cron, zone = _cron(schedule)
    starts = day_occurrences(cron, zone, after_s // DAY_S)
    index = bisect_right(starts, after_s)
    return starts[index] if index < len(starts) else _neighbour(cron, zone, after_s // DAY_S, 1)


def previous_occurrence(schedule: Schedule, at_s: int) -> int:
    """Return the last period start <= at_s. Raises ScheduleError."""
    if schedule.interval_s is not None:
        return at_s // schedule.interval_s * schedule.interval_s
    cron, zone = _cron(schedule)
    starts = day_occurrences(cron, zone, at_s // DAY_S)
    index = bisect_right(starts, at_s)
    return starts[index - 1] if index else _neighbour(cron, zone, at_s // DAY_S, -1)


def _cron(schedule: Schedule) -> tuple[str, str]:
    if schedule.cron is None:
        raise ScheduleError("a schedule has either an interval or a cron expression; this one has neither")
    return schedule.cron, schedule.time_zone or "UTC"


@lru_cache(maxsize=8192)
def _neighbour(cron: str, time_zone: str, day: int, step: int) -> int:
    """Return the nearest occurrence on a later (step 1) or an earlier (step -1) UTC day than this one."""
    pattern = parse(cron)
    day += step
    while not (starts := day_occurrences(cron, time_zone, day)):
        # Rare dates: skip to the next date that matches, less the two days by which a zone may differ from UTC.
        local = pattern.nearest_day(day - step, step)
        day = step * max(step * (day + step), step * local - 2)
    return starts[0] if step > 0 else starts[-1]


@lru_cache(maxsize=2048)
def _shortest_gap(cron: str, jumps: frozenset[tuple[int, int]]) -> int:
    pattern = parse(cron)
    shortest = pattern.gap_s
    if shortest <= HOUR_S:
        return shortest  # `daylight` keeps this distance
    first, last = pattern.times_s[0], pattern.times_s[-1]
    dates_between = (pattern.days_apart - 1) * DAY_S
    for wall, jump in jumps:
        # Real time since midnight on the date of a jump, which may be the earlier or the later of two.
        elapsed = [
            min(time, wall) if time < wall + jump else time - jump for time in (*pattern.times_s, DAY_S)
        ]
        on_earlier_date = elapsed[-1] - elapsed[-2] + dates_between + first
        on_later_date = DAY_S - last + dates_between + elapsed[0]
        within = (later - earlier for earlier, later in pairwise(elapsed[:-1]))
        shortest = min(shortest, on_earlier_date, on_later_date, *within)
        if pattern.days_apart > 1:  # the jump may be on a date between the two
            shortest = min(shortest, DAY_S - last + dates_between + first - jump)
    return max(shortest, HOUR_S)


@lru_cache(maxsize=1024)
def _jumps(time_zone: str) -> frozenset[tuple[int, int]]:
    """Return (seconds since midnight, by how many) for each jump ahead of the clock in the sample years."""
    looks = (offset_spans(time_zone, day) for day in _SAMPLE_DAYS[:: 2 * REACH_DAYS + 1])
    return frozenset(
        ((after.start_s + before.offset_s) % DAY_S, after.offset_s - before.offset_s)
        for spans in looks
        for before, after in pairwise(spans)
        if after.offset_s > before.offset_s
    )
