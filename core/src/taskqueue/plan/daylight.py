"""Instants of wall times, also in the nights when a clock is put forward or back.

An expression that names every hour follows real time: each instant whose clock reads a named time counts, so
`*/15 * * * *` runs every 15 real minutes. Any other names times of a day, and each of them runs once: the
first time it exists; if the clock jumps over it, at the instant of the jump. Several times inside one jump
keep their distance: `*/15 2 * * *` runs at 3:00, 3:15, 3:30, 3:45 in the night without a 2 o'clock.
No two occurrences come closer than the expression's own shortest gap or an hour: the later one yields.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from taskqueue.models.refusal import ValueRefusedError
from taskqueue.models.time_zone import read_time_zone
from taskqueue.plan.cron import DAY_S, parse
from taskqueue.plan.errors import ScheduleError

HOUR_S = 3600
# Local dates reach this far to either side of a UTC day, a jump over a whole date (Samoa, 2011) included.
REACH_DAYS = 2
# How often a zone's offset is looked at: no zone has changed it there and back within hours.
_SAMPLE_S = 6 * HOUR_S
_FOREVER_S = 1 << 40


class Span(NamedTuple):
    """A stretch of instants [start_s, end_s) with one offset: wall = instant + offset_s."""

    start_s: int
    end_s: int
    offset_s: int


@lru_cache(maxsize=32_768)
def day_occurrences(cron: str, time_zone: str, day: int) -> tuple[int, ...]:
    """Return the occurrences within one UTC day (days since 1970-01-01), ascending epoch seconds.

    Raises ScheduleError for an expression or a zone that cannot be read.
    """
    pattern = parse(cron)
    spans = offset_spans(time_zone, day)
    start, end = day * DAY_S, (day + 1) * DAY_S
    if len(spans) == 1:
        shift = spans[0].offset_s
        walls = pattern.walls((start + shift) // DAY_S, (end + shift) // DAY_S)
        return tuple(wall - shift for wall in walls if start <= wall - shift < end)
    walls = pattern.walls(day - REACH_DAYS, day + REACH_DAYS)
    instants = _every_instant(walls, spans) if pattern.every_hour else _one_instant_each(walls, spans)
    kept: list[int] = []
    for instant in sorted(instants):
        if not kept or instant - kept[-1] >= min(pattern.gap_s, HOUR_S):
            kept.append(instant)
    return tuple(kept[bisect_left(kept, start) : bisect_left(kept, end)])


def _every_instant(walls: Iterable[int], spans: tuple[Span, ...]) -> Iterator[int]:
    for wall in walls:
        for span in spans:
            if span.start_s <= wall - span.offset_s < span.end_s:
                yield wall - span.offset_s


def _one_instant_each(walls: Iterable[int], spans: tuple[Span, ...]) -> Iterator[int]:
    """Yield the first instant that shows each wall time, or the jump over it and the distance within."""
    jumped: dict[int, int] = {}  # instant of a jump -> the first wall time it skips
    for wall in walls:
        # The first span that still shows this time or a later one; earlier ones end before it.
        span = next(span for span in spans if wall - span.offset_s < span.end_s)
        instant = wall - span.offset_s
        if instant < span.start_s:
            instant = span.start_s + wall - jumped.setdefault(span.start_s, wall)
        yield instant


@lru_cache(maxsize=2048)
def offset_spans(time_zone: str, day: int) -> tuple[Span, ...]:
    """Return the offsets in force `REACH_DAYS` to either side of a UTC day: nearly always one span.

    The outer ends are open. Raises ScheduleError for an unknown zone.
    """
    try:
        zone = read_time_zone(time_zone)
    except ValueRefusedError as error:
        raise ScheduleError(
            f"time zone must be an IANA name, such as Europe/Berlin (was {time_zone!r})"
        ) from error
    spans: list[Span] = []
    start, lo_s, hi_s = -_FOREVER_S, (day - REACH_DAYS) * DAY_S, (day + 1 + REACH_DAYS) * DAY_S
    last_s = _offset_s(zone, hi_s)
    if _offset_s(zone, lo_s) == last_s:  # since 1995 no zone has changed there and back within six days
        return (Span(start, _FOREVER_S, last_s),)
    for at in range(lo_s, hi_s, _SAMPLE_S):
        before = _offset_s(zone, at)
        if before != _offset_s(zone, at + _SAMPLE_S):
            change = _first_change_s(zone, at, at + _SAMPLE_S)
            spans.append(Span(start, change, before))
            start = change
    return (*spans, Span(start, _FOREVER_S, last_s))


def _first_change_s(zone: ZoneInfo, lo_s: int, hi_s: int) -> int:
    before = _offset_s(zone, lo_s)
    return lo_s + bisect_left(range(lo_s, hi_s), True, key=lambda at: _offset_s(zone, at) != before)


def _offset_s(zone: ZoneInfo, instant_s: int) -> int:
    local = datetime.fromtimestamp(instant_s, zone)
    return int(local.replace(tzinfo=UTC).timestamp()) - instant_s
