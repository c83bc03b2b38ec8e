"""Advice about accepted cron lines with a common mistake: steps begin again with their field.

`*/90` in the minute is minute 0 of every hour, and `*/45` are minutes 0 and 45, of which 0 comes 15 minutes after 45.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from taskqueue.models.cron_field import DAY, FIELDS, HOUR, MINUTE, MONTH, WEEKDAY, CronField, Term

_HOURS_A_DAY = 24


class _Unit(NamedTuple):
    """The unit of a field, and the larger unit at which its steps begin again."""

    counted: str
    within: str


_UNITS = {
    MINUTE.name: _Unit("minutes", "hour"),
    HOUR.name: _Unit("hours", "day"),
    DAY.name: _Unit("days", "month"),
    MONTH.name: _Unit("months", "year"),
    WEEKDAY.name: _Unit("days", "week"),
}


@lru_cache(maxsize=4_096)
def cron_advice(text: str | None) -> str | None:
    """Return a sentence about a step that does not divide its field, with the remedy; None where all steps do.

    text: a line that `check_cron` takes, or None.

    >>> cron_advice("*/90 * * * *")
    'the minute of cron, "*/90", is 0 alone, once every hour; for every 90 minutes write interval: 90m'
    """
    return next(_advice(text.upper().split()), None) if text else None


def _advice(written: list[str]) -> Iterator[str]:
    for field, listed in zip(FIELDS, written, strict=True):
        for one in listed.split(","):
            if "/" in one and "L" not in one:
                term = field.term(one)
                said = _of_term(field, term, one, alone=one == listed)
                if said:
                    yield said + (_interval(field, term.step, written) if term.whole else "")


def _of_term(field: CronField, term: Term, written: str, *, alone: bool) -> str:
    """Return the advice about a stepped term, or None.

    alone: it is all of its field; one item of a list has its steps for a reason, as have weekdays from a day on.
    """
    named, unit = term.values(), _UNITS[field.name]
    cycle = field.last - field.first + 1
    start = f'the {field.name} of cron, "{written}",'
    if len(named) == 1 and term.first < term.last and (term.step > cycle or not term.whole):
        return f"{start} is {named[0]} alone, once every {unit.within}"
    left = named[0] + cycle - named[-1]
    whole = term.last == field.last and (
        term.first == field.first or (term.whole and field in (MINUTE, HOUR))
    )
    if alone and whole and left != term.step:
        return (
            f"{start} starts anew every {unit.within}: {left} instead of {term.step} {unit.counted} "
            f"lie between {named[-1]} and {named[0]}"
        )
    return ""


def _interval(field: CronField, step: int, written: list[str]) -> str:
    """Return the interval of this step, if the line has only a time for its finer fields."""
    place = FIELDS.index(field)
    finer = written[: min(place, FIELDS.index(DAY))]
    others = [one for at, one in enumerate(written) if at >= len(finer) and at != place]
    if field is MONTH or not all(one.isdigit() for one in finer) or set(others) - {"*"}:
        return ""
    length = f"{step}m" if field is MINUTE else f"{step if field is HOUR else step * _HOURS_A_DAY}h"
    return f"; for every {step} {_UNITS[field.name].counted} write interval: {length}"
