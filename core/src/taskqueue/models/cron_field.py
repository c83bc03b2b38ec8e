"""The five fields of a cron line: their numbers, their words, and the values that a list of terms names.

`N/S` runs from N to the field's last value; in the weekday that is 6, Saturday. A range of one with a step is that one.
"""

from dataclasses import dataclass

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@dataclass(frozen=True, slots=True)
class Term:
    """One item of a list: `8-18/2`.   whole: it was written `*` or `N/S`, without an end of its own."""

    first: int
    last: int
    step: int = 1
    whole: bool = False

    def values(self) -> range:
        return range(self.first, self.last + 1, self.step)


@dataclass(frozen=True, slots=True)
class CronField:
    """One field of five.   first, last: its values.   words: names for them, from `first` on.

    forms: the accepted forms, for people.   examples: of them.
    """

    name: str
    first: int
    last: int
    forms: str
    examples: str
    words: tuple[str, ...] = ()

    def number(self, token: str) -> int:
        """Return the value of a number or a word. Raises ValueError for other text."""
        return self.words.index(token) + self.first if token in self.words else int(token)

    def term(self, text: str) -> Term:
        """Read `*`, `N`, `N-M`, each with or without a step. Raises ValueError for anything else."""
        base, _, step = text.partition("/")
        start, dash, end = base.partition("-")
        if base == "*":
            return Term(self.first, self.last, int(step or 1), whole=True)
        first = self.number(start)
        if dash:
            return Term(first, self.number(end), int(step or 1))
        if step:
            return Term(first if first <= self.last else self.first, self.last, int(step), whole=True)
        return Term(first, first)


_LISTS = "a list, a range or steps of 1 or more"
MINUTE = CronField("minute", 0, 59, f"*, 0-59, {_LISTS}", '"0,30" or "*/15"')
HOUR = CronField("hour", 0, 23, f"*, 0-23, {_LISTS}", '"8-18" or "*/2"')
DAY = CronField("day", 1, 31, f"*, 1-31, L (the last day), LW (the last weekday), {_LISTS}", '"1,15" or "L"')
MONTH = CronField("month", 1, 12, f"*, 1-12, JAN-DEC, {_LISTS}", '"1-6" or "JAN,JUL"', _MONTHS)
WEEKDAY = CronField(
    "weekday",
    0,
    6,
    f"*, 0-7, SUN-SAT, 5L (the last Friday), FRI#2 (the second Friday), {_LISTS}",
    '"1-5" or "MON-FRI"',
    _WEEKDAYS,
)
FIELDS = (MINUTE, HOUR, DAY, MONTH, WEEKDAY)
