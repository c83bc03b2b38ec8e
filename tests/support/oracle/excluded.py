"""Excluded time, by a look at the clock in every minute."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tests.support.oracle.line import MINUTES_A_DAY, Flags, weekdays_of
from tests.support.oracle.wall import Wall


@dataclass(frozen=True, slots=True)
class Rule:
    """One of three: weekdays, 0 is Sunday; the first and the last date of each row; the begin and end of daily hours.

    Dates are days since 1970-01-01, hours are minutes since midnight. Hours that end before they begin pass midnight.
    """

    weekdays: frozenset[int] = frozenset()
    dates: tuple[tuple[int, int], ...] = ()
    daily: tuple[int, int] | None = None


def excluded(rules: Iterable[Rule], clock: Wall) -> Flags:
    """Tell of each minute of the clock whether a rule excludes the time that it shows."""
    dates = np.arange(clock.dates[0], clock.dates[1] + 1)
    found = np.zeros((len(dates), MINUTES_A_DAY), dtype=bool)
    for rule in rules:
        found[np.isin(weekdays_of(dates), sorted(rule.weekdays))] = True
        for first, last in rule.dates:
            found[(dates >= first) & (dates <= last)] = True
        begin, end = rule.daily or (0, 0)
        if begin <= end:
            found[:, begin:end] = True
        else:
            found[:, begin:] = found[:, :end] = True
    return clock.lookup(found.ravel())
