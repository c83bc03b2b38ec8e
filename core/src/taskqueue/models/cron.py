"""A cron line, read once: its times of day and its dates. The plan finds their instants.

Day of the month and weekday go together as in Debian's cron: where one of them begins with `*` a date must match both,
else one is enough.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from taskqueue.models.cron_field import DAY, FIELDS, WEEKDAY, CronField
from taskqueue.models.cron_refusal import NEVER, refusal_of
from taskqueue.models.refusal import ValueRefusedError

_DAYS_A_WEEK = 7
_FRIDAY = 5
_WEEKEND_DAYS = 2
# Weekdays and leap years repeat after 28 years; 2000 to 2027 holds every combination once.
CYCLE_START = date(2000, 1, 1)
CYCLE_DAYS = 28 * 365 + 7


@dataclass(frozen=True, slots=True)
class CronLine:
    """The values that five fields name.

    weekdays: 0 is Sunday.   last_day, last_weekday: L, LW.   nth: (weekday, n) of `FRI#2`.   last_of: weekdays of `5L`.
    both: a date must match the days and the weekdays; else one of them.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    last_day: bool
    last_weekday: bool
    nth: frozenset[tuple[int, int]]
    last_of: frozenset[int]
    both: bool

    def names(self, day: date) -> bool:
        """Tell whether the line runs on this date."""
        if day.month not in self.months:
            return False
        if self.both:
            return self._names_day(day) and self._names_weekday(day)
        return self._names_day(day) or self._names_weekday(day)

    def _names_day(self, day: date) -> bool:
        if day.day in self.days:
            return True
        if self.last_day and _days_left(day) == 0:
            return True
        return self.last_weekday and _is_last_weekday(day)

    def _names_weekday(self, day: date) -> bool:
        weekday = day.isoweekday() % _DAYS_A_WEEK
        if weekday in self.weekdays or (weekday, (day.day + 6) // _DAYS_A_WEEK) in self.nth:
            return True
        return weekday in self.last_of and _days_left(day) < _DAYS_A_WEEK


@lru_cache(maxsize=4_096)
def parse_cron(text: str) -> CronLine:
    """Read five fields. Raises ValueRefusedError unless they fire at some time; `0 0 31 2 *` never does."""
    refusal = refusal_of(text)
    if refusal:
        raise ValueRefusedError(refusal)
    minute, hour, day, month, weekday = text.upper().split()
    days, weekdays = day.split(","), weekday.split(",")
    last = [term.partition("/")[0] for term in days]
    line = CronLine(
        minutes=_values(FIELDS[0], minute),
        hours=_values(FIELDS[1], hour),
        days=_values(DAY, ",".join(term for term in days if "L" not in term)),
        months=_values(FIELDS[3], month),
        weekdays=frozenset(
            value % _DAYS_A_WEEK for value in _values(WEEKDAY, ",".join(filter(_is_plain, weekdays)))
        ),
        last_day="L" in last,
        last_weekday="LW" in last,
        nth=frozenset(_nth(term) for term in weekdays if "#" in term),
        last_of=frozenset(int(term[:-1]) % _DAYS_A_WEEK for term in weekdays if term.endswith("L")),
        both=day.startswith("*") or weekday.startswith("*"),
    )
    if not any(line.names(CYCLE_START + timedelta(number)) for number in range(CYCLE_DAYS)):
        raise ValueRefusedError(f'{NEVER} (was "{text}")')
    return line


def check_cron(text: str) -> None:
    """Raise ValueRefusedError unless the text is five cron fields that fire at some time."""
    parse_cron(text)


def _values(field: CronField, listed: str) -> frozenset[int]:
    return frozenset(value for term in listed.split(",") if term for value in field.term(term).values())


def _is_plain(weekday: str) -> bool:
    return "#" not in weekday and not weekday.endswith("L")


def _nth(term: str) -> tuple[int, int]:
    weekday, _, nth = term.partition("#")
    return WEEKDAY.number(weekday) % _DAYS_A_WEEK, int(nth)


def _days_left(day: date) -> int:
    """Return the number of days of the month after this one."""
    following = day.replace(day=28) + timedelta(4)
    return (following.replace(day=1) - day).days - 1


def _is_last_weekday(day: date) -> bool:
    """Tell whether the day is the last from Monday to Friday in its month."""
    left = _days_left(day)
    return day.isoweekday() <= _FRIDAY and (
        left == 0 or (day.isoweekday() == _FRIDAY and left <= _WEEKEND_DAYS)
    )
