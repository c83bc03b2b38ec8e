"""Excluded time: the spans of real time in which the clock on the wall shows a time that is excluded.

An instant is excluded if its own wall time is. So of a repeated hour both passes are excluded or neither is, a wall
time that the clock skips excludes nothing, and a night from 22:00 to 06:00 is an hour shorter or longer when the clock
changes. A run that `daylight` moves out of a skipped hour is judged by the instant to which it moves.

Kept per UTC day, as the occurrences of cron lines are, and for the same reason.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from taskqueue.models.values import Exclusion, Weekday
from taskqueue.plan.cron import DAY_S
from taskqueue.plan.daylight import offset_spans

DAY_MS = DAY_S * 1000
#: Excluded time that goes on for longer, ten years, counts as ended.
MAX_DAYS = 3_653

_WEEKDAYS = tuple(Weekday)
_FIRST_WEEKDAY = _WEEKDAYS.index(Weekday.THU)  # of 1970-01-01


def excluded_spans(
    exclude: tuple[Exclusion, ...], time_zone: str, lo_ms: int, hi_ms: int
) -> list[tuple[int, int]]:
    """Return the excluded spans [start, end) within [lo_ms, hi_ms), ascending; all in epoch ms.

    Raises ScheduleError for an unknown zone.

    >>> night = Exclusion(daily_s=(22 * 3600, 6 * 3600))
    >>> [(start / 3_600_000, end / 3_600_000) for start, end in excluded_spans((night,), "UTC", 0, 2 * DAY_MS)]
    [(0.0, 6.0), (22.0, 30.0), (46.0, 48.0)]
    """
    found: list[tuple[int, int]] = []
    for day in range(lo_ms // DAY_MS, (hi_ms - 1) // DAY_MS + 1):
        for start, end in _day_spans(exclude, time_zone, day):
            lo, hi = max(start, lo_ms), min(end, hi_ms)
            if lo < hi:
                _append(found, lo, hi)
    return found


def excluded_until_ms(exclude: tuple[Exclusion, ...], time_zone: str, at_ms: int) -> int:
    """Return the end of the excluded span that `at_ms` is in, or `at_ms` itself if it is in none; epoch ms.

    Raises ScheduleError for an unknown zone.
    """
    day = at_ms // DAY_MS
    for start, end in _day_spans(exclude, time_zone, day):
        if start <= at_ms < end:
            return end if end < (day + 1) * DAY_MS else _end_ms(exclude, time_zone, day + 1)
    return at_ms


@lru_cache(maxsize=8192)
def _end_ms(exclude: tuple[Exclusion, ...], time_zone: str, day: int) -> int:
    """Return the end of an excluded span that is in force when a UTC day begins."""
    for later in range(day, day + MAX_DAYS):
        spans = _day_spans(exclude, time_zone, later)
        if spans != ((later * DAY_MS, (later + 1) * DAY_MS),):
            begins = bool(spans) and spans[0][0] == later * DAY_MS
            return spans[0][1] if begins else later * DAY_MS
    return (day + MAX_DAYS) * DAY_MS


@lru_cache(maxsize=8192)
def _day_spans(exclude: tuple[Exclusion, ...], time_zone: str, day: int) -> tuple[tuple[int, int], ...]:
    """Return the excluded spans within one UTC day (days since 1970-01-01), ascending, apart from each other."""
    found: list[tuple[int, int]] = []
    for offset in offset_spans(time_zone, day):
        first = max(day * DAY_S, offset.start_s) + offset.offset_s
        last = min((day + 1) * DAY_S, offset.end_s) + offset.offset_s
        for start, end in _wall_spans(exclude, first, last):
            found.append(((start - offset.offset_s) * 1000, (end - offset.offset_s) * 1000))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        _append(merged, start, end)
    return tuple(merged)


def _wall_spans(exclude: tuple[Exclusion, ...], first_s: int, last_s: int) -> Iterator[tuple[int, int]]:
    """Yield the excluded spans of the wall times [first_s, last_s), in any order; none if it is empty."""
    for date in range(first_s // DAY_S, (last_s - 1) // DAY_S + 1):
        for start, end in date_spans(exclude, date):
            lo, hi = max(first_s, date * DAY_S + start), min(last_s, date * DAY_S + end)
            if lo < hi:
                yield lo, hi


def date_spans(exclude: Iterable[Exclusion], date: int) -> Iterator[tuple[int, int]]:
    """Yield the excluded parts of a date (days since 1970-01-01), in seconds since midnight, in any order."""
    weekday = _WEEKDAYS[(date + _FIRST_WEEKDAY) % len(_WEEKDAYS)]
    for one in exclude:
        if weekday in one.weekdays or any(first <= date <= last for first, last in one.dates):
            yield 0, DAY_S
        if one.daily_s:
            start, end = one.daily_s
            if start < end:
                yield start, end
            else:
                yield 0, end
                yield start, DAY_S


def _append(spans: list[tuple[int, int]], start: int, end: int) -> None:
    """Append a span, or extend the last one, which does not begin after it."""
    if spans and start <= spans[-1][1]:
        spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
    else:
        spans.append((start, end))
