"""A cron expression, read once: the times of day it names and the days it names, still without a time zone.

cronsim parses the five fields and decides whether a date matches (`L`, `LW`, `MON#2`, Debian's and/or between
day of month and day of week). It is not asked for instants: with a time zone it loses `*/15 2 * * *` in the
night that has no 2 o'clock and doubles it in the night that has two. Those are made in `daylight`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import pairwise, product

from cronsim import CronSim, CronSimError

from taskqueue.plan.errors import ScheduleError

DAY_S = 86_400
HOURS_A_DAY = 24
FIELDS = 5
# Where the expression is parsed, not where it runs: only its fields are read.
_ANY_DATETIME = datetime(2000, 1, 1, tzinfo=UTC)
# 1970-01-01 as a proleptic ordinal: a "day" here is the number of days since then.
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
# Weekdays and leap years repeat after 28 years; 2000 to 2027 holds every combination once.
_CYCLE_START = date(2000, 1, 1).toordinal() - _EPOCH_ORDINAL
_CYCLE_DAYS = 28 * 365 + 7


@dataclass(frozen=True, slots=True)
class Pattern:
    """The wall-clock side of a cron expression.

    times_s: seconds after midnight, ascending.   every_hour: it names all 24 hours, so it follows real time.
    gap_s: the shortest distance of two of its times on a clock without daylight saving time.
    days_apart: the shortest distance of two of its dates.
    """

    times_s: tuple[int, ...]
    every_hour: bool
    gap_s: int
    days_apart: int
    _fields: CronSim

    def matches(self, day: int) -> bool:
        """Whether the expression names this local date (days since 1970-01-01)."""
        return _matches(self._fields, day)

    def nearest_day(self, day: int, step: int) -> int:
        """Return the first matching day from `day` on, forwards (step 1) or backwards (step -1)."""
        while not self.matches(day):
            day += step
        return day

    def walls(self, first_day: int, last_day: int) -> Iterator[int]:
        """Yield the wall times of these days (inclusive), seconds since 1970-01-01 00:00 on the wall."""
        for day in range(first_day, last_day + 1):
            if self.matches(day):
                for time_s in self.times_s:
                    yield day * DAY_S + time_s


@lru_cache(maxsize=2048)
def parse(cron: str) -> Pattern:
    """Read five fields. Raises ScheduleError if they cannot be read or name no day of any year.

    >>> parse("30 9,17 * * MON").times_s
    (34200, 63000)
    >>> parse("30 9,17 * * MON").gap_s
    28800
    """
    try:
        fields = CronSim(cron, _ANY_DATETIME)
    except CronSimError as error:
        raise ScheduleError(f"cron {cron!r}: {error}") from error
    # cronsim also reads a sixth field, seconds; a schedule of ours has minutes.
    if len(cron.split()) != FIELDS:
        raise ScheduleError(f"cron {cron!r}: write five fields: minute hour day-of-month month day-of-week")
    times = tuple(sorted(hour * 3600 + minute * 60 for hour, minute in product(fields.hours, fields.minutes)))
    days_apart = _days_apart(cron, fields)
    overnight = days_apart * DAY_S + times[0] - times[-1]
    gap = min([overnight, *(later - earlier for earlier, later in pairwise(times))])
    return Pattern(times, len(fields.hours) == HOURS_A_DAY, gap, days_apart, fields)


def _matches(fields: CronSim, day: int) -> bool:
    local = date.fromordinal(day + _EPOCH_ORDINAL)
    return local.month in fields.months and fields.match_day(local)


def _days_apart(cron: str, fields: CronSim) -> int:
    """Return the shortest distance in days of two days that match, over a whole calendar cycle."""
    cycle = range(_CYCLE_START, _CYCLE_START + _CYCLE_DAYS)
    if all(_matches(fields, day) for day in cycle[:2]):
        return 1  # most expressions name every day: the cycle need not be walked
    days = [day for day in cycle if _matches(fields, day)]
    if not days:
        raise ScheduleError(f"cron {cron!r}: there is no such date, so it would never run")
    return min(later - earlier for earlier, later in pairwise([*days, days[0] + _CYCLE_DAYS]))
