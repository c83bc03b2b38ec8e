"""Numbers of the store: their bounds, and readers that agree with scripts (lib/base.lua, lib/limiter.lua)."""

import math
import re
from typing import NamedTuple

from taskqueue.models.quantity import MAX_PER_SECOND, MIN_PER_SECOND, NO_LIMIT

_RATE = re.compile(rb"[0-9.e+-]+")
_MAX_DIGITS = 16
#: No instant is that late, in the year 5138.
END_MS = 10**14
END_US = END_MS * 1000
#: A score in a schedule is variant * PLACES + offset ms, or -1 less that while suspended (scripts/lib/variants.lua).
PLACES = 1 << 39
#: The generation in which subscriptions wait for a type that does not exist.
WAITING_ROOM = 0
#: Generations of a type are numbered 1 to 9 in turn: a subscription's record has one digit (scripts/lib/deal.lua).
MAX_GENERATIONS = 9


def read_rate(value: bytes) -> float | None:
    """Read the rate of the global limit as scripts do (lib/limiter.lua); None for 0, at which no job starts.

    Infinity for `none`: only limits by name hold. Raises ValueError.
    """
    if value == NO_LIMIT.encode():
        return math.inf
    if not _RATE.fullmatch(value):  # no 1_0, which scripts cannot read, and no 0x10, which Python cannot
        raise ValueError(value)
    rate = float(value)
    if rate and not MIN_PER_SECOND <= rate <= MAX_PER_SECOND:
        raise ValueError(value)
    return rate or None


def read_whole(digits: str) -> int:
    """Read a whole number as scripts do (lib/base.lua). Raises ValueError."""
    if not digits.isascii() or not digits.isdigit() or len(digits) > _MAX_DIGITS:
        raise ValueError(digits)
    return int(digits)


class Place(NamedTuple):
    """A subscription's place in a schedule. variant 0: the type's own schedule."""

    variant: int
    offset_ms: int
    suspended: bool


def read_place(score: float) -> Place:
    """Read a score in a schedule. Raises ValueError."""
    if not float(score).is_integer():
        raise ValueError(score)
    place = int(score if score >= 0 else -1 - score)
    return Place(*divmod(place, PLACES), score < 0)


def read_ms(score: float) -> int:
    """Read a score that is an instant, epoch ms. Raises ValueError for a score that is no date."""
    if not -1 <= score < END_MS:
        raise ValueError(score)
    return int(score)
