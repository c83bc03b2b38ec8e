"""A cron line as docs/scheduling.md explains it: the minutes of a day and the dates that it names.

A date is a number of days since 1970-01-01; dates are reckoned for many days at a time.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]

MINUTES_A_DAY = 1440
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
#: 2000 to 2055, in which every date falls on every weekday: twice the 28 years after which they repeat.
_ALL_DAYS = np.arange("2000-01-01", "2056-01-01", dtype="datetime64[D]").astype(np.int64)


@dataclass(frozen=True, slots=True)
class Line:
    """Five fields.   minutes: of the day, a flag for each.   every_hour: the line names all 24."""

    minutes: Flags
    every_hour: bool
    day: str
    months: frozenset[int]
    weekday: str

    def named_dates(self, first: int, last: int) -> Flags:
        """Tell of each date from first to last, inclusive, whether the line names it."""
        return self._named(np.arange(first, last + 1))

    @property
    def runs(self) -> bool:
        """Tell whether the line ever runs."""
        return bool(self._named(_ALL_DAYS).any())

    @property
    def shortest(self) -> int:
        """Return the shortest distance of two runs on a clock that nobody changes, minutes; at most a day."""
        times = np.flatnonzero(self.minutes)
        named = self._named(_ALL_DAYS)
        distances: list[int] = [MINUTES_A_DAY, *np.diff(times).tolist()]
        if (named[1:] & named[:-1]).any():
            distances.append(MINUTES_A_DAY + int(times[0] - times[-1]))
        return min(distances)

    def _named(self, numbers: NDArray[np.int64]) -> Flags:
        dates = numbers.astype("datetime64[D]")
        months = dates.astype("datetime64[M]")
        ends = (months + 1).astype("datetime64[D]").astype(np.int64) - 1  # the last day of each one's month
        days_of_month = numbers - months.astype("datetime64[D]").astype(np.int64) + 1
        weekdays = weekdays_of(numbers)
        by_day = np.zeros(len(numbers), dtype=bool)
        for term in self.day.split(","):
            if term == "L":
                by_day |= numbers == ends
            elif term == "LW":
                by_day |= numbers == ends - np.choose(weekdays_of(ends), [2, 0, 0, 0, 0, 0, 1])
            else:
                by_day |= np.isin(days_of_month, _values(term, 1, 31))
        by_weekday = np.zeros(len(numbers), dtype=bool)
        for term in self.weekday.split(","):
            if "#" in term:
                name, _, nth = term.partition("#")
                by_weekday |= (weekdays == _weekday(name)) & ((days_of_month + 6) // 7 == int(nth))
            elif term.endswith("L"):
                by_weekday |= (weekdays == _weekday(term[:-1])) & (ends - numbers < 7)
            else:
                by_weekday |= np.isin(weekdays, [value % 7 for value in _values(term, 0, 6, WEEKDAYS)])
        both = self.day[0] == "*" or self.weekday[0] == "*"
        dates_named = by_day & by_weekday if both else by_day | by_weekday
        return dates_named & np.isin(months.astype(np.int64) % 12 + 1, sorted(self.months))


def weekdays_of(dates: NDArray[Any]) -> NDArray[Any]:
    """Return the weekday of each date; 0 is Sunday."""
    return (dates + 4) % 7  # 1970-01-01 was a Thursday


@lru_cache(maxsize=256)
def read(text: str) -> Line:
    """Read a line that is known to be well formed."""
    minute, hour, day, month, weekday = text.upper().split()
    hours = {value for term in hour.split(",") for value in _values(term, 0, 23)}
    minutes = {value for term in minute.split(",") for value in _values(term, 0, 59)}
    named = np.zeros(MINUTES_A_DAY, dtype=bool)
    for one in hours:
        for other in minutes:
            named[one * 60 + other] = True
    months = frozenset(value for term in month.split(",") for value in _values(term, 1, 12, MONTHS))
    return Line(named, len(hours) == 24, day, months, weekday)


def _weekday(text: str) -> int:
    return WEEKDAYS.index(text) if text in WEEKDAYS else int(text) % 7


def _values(term: str, first: int, last: int, words: list[str] | None = None) -> list[int]:
    """Return the values of `*`, `N`, `N-M` or a word for a number, each with or without a step."""
    known = dict(zip(words or [], range(first, last + 1), strict=False))
    of, _, step = term.partition("/")
    if of == "*":
        lowest, highest = first, last
    elif "-" in of:
        lowest, highest = (known[one] if one in known else int(one) for one in of.split("-"))
    else:
        lowest = known[of] if of in known else int(of)
        highest = lowest
        if step:
            lowest, highest = first if lowest > last else lowest, last  # 7 is Sunday, on which a week begins
    return list(range(lowest, highest + 1, int(step or "1")))
