"""The cheapest change that makes a plan fit better, as a sentence.

In this order: widen a window (it costs nobody anything but the hour), lengthen an interval up to twofold
(data get older), raise the limit (which is often somebody else's to raise). Each is tried before it is named.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil

from taskqueue.models.duration import format_ms
from taskqueue.models.values import Schedule
from taskqueue.plan.load import Load
from taskqueue.plan.schedule import shortest_gap_s, window_s
from taskqueue.plan.verdict import Scope, Violation

# Whether these loads under this limit (permits a second) are what is looked for.
Accepts = Callable[[Sequence[Load], float], bool]

# Durations people write: seconds, minutes, hours.
_ROUND_S = (
    *(1, 2, 5, 10, 15, 20, 30),
    *(60 * minutes for minutes in (1, 2, 3, 5, 10, 15, 20, 30, 45)),
    *(3600 * hours for hours in (1, 2, 3, 4, 6, 8, 12, 18, 24, 48, 168)),
)
# An interval may become this many times longer before raising the limit is named instead.
_LONGEST_STRETCH = 2


def cheapest_change(
    loads: Sequence[Load], behind: Sequence[Load], limit_per_s: float, accepts: Accepts
) -> str:
    """Return the change as a sentence. `behind`: the types to change, the one that asks most first.

    Some limit must be acceptable, and stay so when it is raised. Raises ScheduleError.
    """

    def first_accepted(load: Load, schedules: Sequence[Schedule]) -> Schedule | None:
        """Return the first of these, each asking less at a time than the one before, that is accepted."""

        def accepted(schedule: Schedule) -> bool:
            changed = [replace(load, schedule=schedule) if each is load else each for each in loads]
            return accepts(changed, limit_per_s)

        if not schedules or not accepted(schedules[-1]):
            return None
        return schedules[bisect_left(schedules, True, 0, len(schedules) - 1, key=accepted)]

    # A type without which it is not accepted either is not where to change anything.
    behind = [load for load in behind if accepts([each for each in loads if each is not load], limit_per_s)]
    for load in behind:
        widened = first_accepted(load, _wider(load.schedule))
        if widened:
            return f"widen the window of {load.type} to {format_ms(window_s(widened) * 1000)}"
    for load in behind:
        lengthened = first_accepted(load, _longer(load.schedule))
        if lengthened:
            return f"lengthen the interval of {load.type} to {format_ms(shortest_gap_s(lengthened) * 1000)}"
    return f"raise the limit to {_least_limit(loads, limit_per_s, accepts)}/s"


def raised_limit(violation: Violation) -> str:
    """Return how a narrow limit that is outrun has to be raised, as a sentence."""
    field = "perSecond" if violation.scope is Scope.TYPE else "perUserPerSecond"
    return f"raise rateLimit.{field} of {violation.type} to {ceil(violation.needed_per_s * 1000) / 1000:g}"


def _wider(schedule: Schedule) -> list[Schedule]:
    window, gap = window_s(schedule), shortest_gap_s(schedule)
    lengths = [length for length in _ROUND_S if window < length < gap]
    return [replace(schedule, window_s=length) for length in (*lengths, gap) if window < gap]


def _longer(schedule: Schedule) -> list[Schedule]:
    interval = schedule.interval_s
    if interval is None:
        return []
    lengths = (length for length in _ROUND_S if interval < length <= interval * _LONGEST_STRETCH)
    return [replace(schedule, interval_s=length) for length in lengths]


def _least_limit(loads: Sequence[Load], limit_per_s: float, accepts: Accepts) -> int:
    """Return the smallest whole limit above this one that is accepted."""
    low = high = int(limit_per_s) + 1
    while not accepts(loads, high):
        high *= 2
    return low + bisect_left(range(low, high), True, key=lambda limit: accepts(loads, limit))
