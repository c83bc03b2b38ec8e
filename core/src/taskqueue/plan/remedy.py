"""The cheapest change that makes a plan fit better, as a sentence.

In this order: widen a window (costs only punctuality), lengthen an interval up to twofold (data get older), raise the
limit (often the decision of the API's owner). Each change is tried before it is named.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil

from taskqueue.models.duration import format_ms
from taskqueue.models.values import Schedule
from taskqueue.plan.schedule import shortest_gap_s, window_s
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.plan.verdict import Scope, Violation

# Tells whether these demands under this limit (slots a second) are accepted.
Accepts = Callable[[Sequence[TypeDemand], float], bool]

# Usual durations: seconds, minutes, hours.
_ROUND_S = (
    *(1, 2, 5, 10, 15, 20, 30),
    *(60 * minutes for minutes in (1, 2, 3, 5, 10, 15, 20, 30, 45)),
    *(3600 * hours for hours in (1, 2, 3, 4, 6, 8, 12, 18, 24, 48, 168)),
)
# An interval may become this many times longer before raising the limit is named instead.
_LONGEST_STRETCH = 2


def cheapest_change(
    demands: Sequence[TypeDemand], behind: Sequence[TypeDemand], limit_per_s: float, accepts: Accepts
) -> str:
    """Return the change as a sentence. `behind`: the types to change, the one with most demand first.

    Some limit must be acceptable, and stay so when it is raised. Raises ScheduleError.
    """

    def first_accepted(demand: TypeDemand, schedules: Sequence[Schedule]) -> Schedule | None:
        """Return the first accepted schedule; each has a lower rate than the one before it."""

        def accepted(schedule: Schedule) -> bool:
            changed = [replace(demand, schedule=schedule) if each is demand else each for each in demands]
            return accepts(changed, limit_per_s)

        if not schedules or not accepted(schedules[-1]):
            return None
        return schedules[bisect_left(schedules, True, 0, len(schedules) - 1, key=accepted)]

    # Changing a type helps only if the plan without that type is accepted.
    behind = [
        demand for demand in behind if accepts([each for each in demands if each is not demand], limit_per_s)
    ]
    for demand in behind:
        widened = first_accepted(demand, _wider(demand.schedule))
        if widened:
            return f"widen the window of {demand.type} to {format_ms(window_s(widened) * 1000)}"
    for demand in behind:
        lengthened = first_accepted(demand, _longer(demand.schedule))
        if lengthened:
            return f"lengthen the interval of {demand.type} to {format_ms(shortest_gap_s(lengthened) * 1000)}"
    return f"raise the limit to {_least_limit(demands, limit_per_s, accepts)}/s"


def raised_limit(violation: Violation) -> str:
    """Return a sentence that raises the exceeded limit of a type or user."""
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


def _least_limit(demands: Sequence[TypeDemand], limit_per_s: float, accepts: Accepts) -> int:
    """Return the smallest whole limit above this one that is accepted."""
    low = high = int(limit_per_s) + 1
    while not accepts(demands, high):
        high *= 2
    return low + bisect_left(range(low, high), True, key=lambda limit: accepts(demands, limit))
