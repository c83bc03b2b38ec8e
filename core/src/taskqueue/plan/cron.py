"""A cron expression, read once: its times of day and its days, without a time zone.

`models.cron` reads the five fields and matches dates; `daylight` finds the instants of wall times.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise, product

from taskqueue.models.cron import CYCLE_DAYS, CYCLE_START, CronLine, parse_cron
from taskqueue.models.refusal import ValueRefusedError
from taskqueue.plan.errors import ScheduleError

DAY_S = 86_400
HOURS_A_DAY = 24
# 1970-01-01 as a proleptic ordinal: a "day" here is the number of days since then.
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_CYCLE_START = CYCLE_START.toordinal() - _EPOCH_ORDINAL


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
    _line: CronLine

    def matches(self, day: int) -> bool:
        """Whether the expression names this local date (days since 1970-01-01)."""
        return _matches(self._line, day)

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
        line = parse_cron(cron)
    except ValueRefusedError as error:
        raise ScheduleError(f"cron {cron!r}: {error}") from error
    times = tuple(sorted(hour * 3600 + minute * 60 for hour, minute in product(line.hours, line.minutes)))
    days_apart = _days_apart(line)
    overnight = days_apart * DAY_S + times[0] - times[-1]
    gap = min([overnight, *(later - earlier for earlier, later in pairwise(times))])
    return Pattern(times, len(line.hours) == HOURS_A_DAY, gap, days_apart, line)


def _matches(line: CronLine, day: int) -> bool:
    return line.names(date.fromordinal(day + _EPOCH_ORDINAL))


def _days_apart(line: CronLine) -> int:
    """Return the shortest distance in days of two days that match, over a whole calendar cycle."""
    cycle = range(_CYCLE_START, _CYCLE_START + CYCLE_DAYS)
    if all(_matches(line, day) for day in cycle[:2]):
        return 1  # most expressions name every day: the cycle need not be walked
    days = [day for day in cycle if _matches(line, day)]
    return min(later - earlier for earlier, later in pairwise([*days, days[0] + CYCLE_DAYS]))
