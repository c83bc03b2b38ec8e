"""The place of a subscription in its window: the golden stride.

Subscriptions are numbered k = 0, 1, 2... per class (interval or cron, time zone, window), across all types.
Number k gets second k * stride mod W. As the stride is coprime with W, a run of W numbers takes each second
once, so N subscriptions put at most ceil(N / W) into any second; as it is nearest to the golden section of W,
any run of numbers lies evenly, whichever type it belongs to. Joining or leaving moves no other subscription, for k
alone decides. Numbering per type is the trap: 300 types that each start at 0 would all fire in second 0. Small
classes would do so as well, so a hash of its name rotates each class.

The zones of users are no part of a class: users in Berlin and in Paris, whose nights are the same, share its seconds,
and a user who moves to another zone keeps their place.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import floor, gcd
from zlib import crc32

from taskqueue.models.values import Schedule
from taskqueue.plan.schedule import window_s
from taskqueue.plan.variants import intervals

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


def offset_ms(k: int, w: int, rotation_ms: int = 0) -> int:
    """Return the offset in ms, 0 <= offset < w * 1000, of subscription number k in a window of w seconds.

    The Lua twin works with doubles, in the same order: it is exact while k * stride(w) < 2**53.

    >>> [offset_ms(k, 60) for k in (0, 1, 2, 60, 61)]
    [0, 37000, 14000, 618, 37618]
    >>> [offset_ms(k, 60, rotation_ms=25_500) for k in (0, 1, 2, 60, 61)]
    [25500, 2500, 39500, 25118, 2118]
    """
    fraction_ms = floor(k // w * GOLDEN % 1 * 1000)
    return (k * stride(w) + rotation_ms // 1000) % w * 1000 + (fraction_ms + rotation_ms) % 1000


@dataclass(frozen=True, slots=True)
class SpreadClass:
    """A class of subscriptions that are numbered together. rotation_ms: the offset of number 0.

    interval_s: the interval that its subscriptions chose; None for the type's own schedule.
    """

    name: str
    window_s: int
    rotation_ms: int
    interval_s: int | None = None

    def offset_ms(self, k: int) -> int:
        """Return the offset of subscription number k, ms."""
        return offset_ms(k, self.window_s, self.rotation_ms)


@lru_cache(maxsize=4096)
def spread_class(schedule: Schedule) -> SpreadClass:
    """Return the class of a schedule. Raises ScheduleError.

    >>> spread_class(Schedule(interval_s=300)).name
    'i300/300'
    >>> spread_class(Schedule(cron="0 2 * * *", time_zone="Europe/Berlin")).name
    'c0 2 * * *@Europe/Berlin/3600'
    >>> spread_class(Schedule(cron="0 2 * * *")).name
    'c0 2 * * *@user/3600'
    """
    window = window_s(schedule)
    if schedule.interval_s is not None:
        name = f"i{schedule.interval_s}/{window}"
    else:
        cron = " ".join((schedule.cron or "").upper().split())
        name = f"c{cron}@{schedule.time_zone or 'user'}/{window}"
    return SpreadClass(name, window, crc32(name.encode()) % (window * 1000))


def spread_classes(schedule: Schedule) -> tuple[SpreadClass, ...]:
    """Return the class of a schedule, then that of each interval that subscriptions may choose. Raises ScheduleError.

    >>> [one.name for one in spread_classes(Schedule(interval_s=3600, intervals_s=(60, 300)))]
    ['i3600/3600', 'i60/60', 'i300/300']
    """
    chosen = (replace(spread_class(one), interval_s=one.interval_s) for one in intervals(schedule))
    return (spread_class(schedule), *chosen)
