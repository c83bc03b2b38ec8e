"""Dates and times of day of an exclusion, as text.

The patterns are read alike by Python (with re.ASCII) and by RE2: the API server checks with the same ones.
"""

import re
from datetime import date

from taskqueue.models.refusal import ValueRefusedError, must_be

_MONTHS_AND_DAYS = (
    "(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8])"
)
_YEAR = "(19[7-9][0-9]|[2-9][0-9]{3})"
_LEAP_YEAR = "(19(7[26]|8[048]|9[26])|[2-9][0-9](0[48]|[2468][048]|[13579][26])|([2468][048]|[3579][26])00)"
_DATE = f"({_YEAR}-({_MONTHS_AND_DAYS})|{_LEAP_YEAR}-02-29)"
#: A date that exists, or two with a slash between them.
DATES_PATTERN = f"^{_DATE}(/{_DATE})?$"
MAX_DATES_CHARACTERS = 21

FROM_PATTERN = "^([01][0-9]|2[0-3]):[0-5][0-9]$"
TO_PATTERN = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
TIME_CHARACTERS = 5

DATES = (
    'a date from 1970 to 9999, such as "2026-12-24", or the first and the last of several, such as '
    '"2026-12-25/2027-01-01"'
)
FROM = 'a time of day from "00:00" to "23:59"'
TO = 'a time of day from "00:00" to "24:00"'
FORWARDS = "a first date that is not after the last one"

_DATES = re.compile(DATES_PATTERN.removesuffix("$"), re.ASCII)
_FROM = re.compile(FROM_PATTERN.removesuffix("$"), re.ASCII)
_TO = re.compile(TO_PATTERN.removesuffix("$"), re.ASCII)
_EPOCH = date(1970, 1, 1)
#: The last date, 9999-12-31, in days since 1970-01-01.
LAST_DAY = (date.max - _EPOCH).days


def parse_dates(text: str) -> tuple[int, int]:
    """Return the first and the last date, in days since 1970-01-01. Raises ValueRefusedError.

    >>> parse_dates("1970-01-31/1970-02-01"), parse_dates("1970-01-02")
    ((30, 31), (1, 1))
    """
    if not _DATES.fullmatch(text):
        raise ValueRefusedError(must_be(DATES, text))
    first, _, last = text.partition("/")
    days = (_day(first), _day(last or first))
    if days[0] > days[1]:
        raise ValueRefusedError(must_be(FORWARDS, text))
    return days


def check_from(text: str) -> None:
    """Raise ValueRefusedError unless the text is the time at which a part of the day begins."""
    if not _FROM.fullmatch(text):
        raise ValueRefusedError(must_be(FROM, text))


def check_to(text: str) -> None:
    """Raise ValueRefusedError unless the text is the time at which a part of the day ends."""
    if not _TO.fullmatch(text):
        raise ValueRefusedError(must_be(TO, text))


def time_s(text: str) -> int:
    """Return the seconds since midnight of a checked time.

    >>> time_s("22:30")
    81000
    """
    hours, _, minutes = text.partition(":")
    return int(hours) * 3_600 + int(minutes) * 60


def _day(text: str) -> int:
    return (date.fromisoformat(text) - _EPOCH).days
