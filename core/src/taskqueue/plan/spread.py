"""The place of a subscription in its window: the golden stride.

Subscriptions are numbered k = 0, 1, 2... per class (interval or cron, time zone, window), across all types.
Number k gets second k * stride mod W. As the stride is coprime with W, a run of W numbers takes each second
once, so N subscriptions put at most ceil(N / W) into any second; as it is nearest to the golden section of W,
any run of numbers lies evenly, whichever type it belongs to. Joining or leaving moves no other subscription, for k
alone decides. Numbering per type is the trap: 300 types that each start at 0 would all fire in second 0.
"""

from functools import lru_cache
from math import floor, gcd

from taskqueue.models.values import Schedule
from taskqueue.plan.schedule import window_s

# (sqrt(5) - 1) / 2. The store's Lua scripts compute `offset_ms` with this same double.
GOLDEN = 0.6180339887498949
# Among this many integers one is coprime with any W below 6e9 (Jacobsthal's function), so a search ends.
_SEARCH = 66


@lru_cache(maxsize=1024)
def stride(w: int) -> int:
    """Return the number coprime with w (seconds, >= 1) that is nearest to 0.618 w.

    >>> [stride(w) for w in (1, 60, 300, 3600, 86400)]
    [1, 37, 187, 2227, 53399]
    """
    ideal = w * GOLDEN
    near = range(max(1, floor(ideal) - _SEARCH), floor(ideal) + _SEARCH)
    return min((a for a in near if gcd(a, w) == 1), key=lambda a: abs(a - ideal))


def offset_ms(k: int, w: int) -> int:
    """Return the offset in ms, 0 <= offset < w * 1000, of subscription number k in a window of w seconds.

    The Lua twin works with doubles, in the same order: it is exact while k * stride(w) < 2**53.

    >>> [offset_ms(k, 60) for k in (0, 1, 2, 60, 61)]
    [0, 37000, 14000, 618, 37618]
    """
    x = k // w * GOLDEN
    return (k * stride(w)) % w * 1000 + floor(x % 1 * 1000)


def spread_class(schedule: Schedule) -> str:
    """Return the text under which subscriptions are numbered together. Raises ScheduleError.

    >>> spread_class(Schedule(interval_s=300))
    'i300/300'
    >>> spread_class(Schedule(cron="0 2 * * *", time_zone="Europe/Berlin"))
    'c0 2 * * *@Europe/Berlin/3600'
    """
    if schedule.interval_s is not None:
        return f"i{schedule.interval_s}/{window_s(schedule)}"
    cron = " ".join((schedule.cron or "").upper().split())
    return f"c{cron}@{schedule.time_zone}/{window_s(schedule)}"
