"""The cheapest change that makes a plan fit better under one limit, as a sentence.

In this order: widen a window (costs only punctuality), lengthen an interval up to twofold (data get older), raise the
limit (often the decision of the API's owner) or have fewer users. Each change is tried before it is named.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace

from taskqueue.models.duration import format_ms
from taskqueue.models.values import Schedule
from taskqueue.plan.rate_grid import grid_of, raised
from taskqueue.plan.schedule import shortest_gap_s, window_s
from taskqueue.plan.type_demand import TypeDemand

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
    name: str,
    demands: Sequence[TypeDemand],
    behind: Sequence[TypeDemand],
    limit_per_s: float,
    users: int,
    accepts: Accepts,
) -> str:
    """Return the change at the limit `name` as a sentence; empty if none is accepted. Raises ScheduleError.

    behind: the types to change, the one with most demand first.   users: of the limit; 0: not known.
    A change that is accepted must stay so when the limit is raised or demand becomes less.
    """

    def first_accepted(demand: TypeDemand, schedules: Sequence[Schedule]) -> Schedule | None:
        """Return the first accepted schedule; each has a lower rate than the one before it."""

        def accepted(schedule: Schedule) -> bool:
            return accepts([_changed(each, demand, schedule) for each in demands], limit_per_s)

        if not schedules or not accepted(schedules[-1]):
            return None
        return schedules[bisect_left(schedules, True, 0, len(schedules) - 1, key=accepted)]

    # Changing a type helps only if the plan without that type is accepted.
    behind = [
        demand for demand in behind if accepts([each for each in demands if each is not demand], limit_per_s)
    ]
    for demand in behind:
        widened = first_accepted(demand, _wider(demand))
        if widened:
            return f"widen the window of {demand.type} to {format_ms(window_s(widened) * 1000)}"
    for demand in behind:
        lengthened = first_accepted(demand, longer(demand.schedule))
        if lengthened:
            return lengthening(demand, shortest_gap_s(lengthened))
    grid = grid_of(name, limit_per_s)
    least = grid.least_above(limit_per_s, lambda rate: accepts(demands, rate))
    if not least:
        return ""
    fewer = _most_users(demands, users, lambda changed: accepts(changed, limit_per_s))
    return f"{raised(name, grid.text(least))}{f', or have at most {fewer} of its {users} users' if fewer else ''}"


def lengthening(demand: TypeDemand, interval_s: int) -> str:
    """Return the change of an interval as a sentence."""
    now = f"{format_ms(demand.chosen_s * 1000)} " if demand.chosen_s else ""
    return f"lengthen the interval {now}of {demand.type} to {format_ms(interval_s * 1000)}"


def _changed(demand: TypeDemand, of: TypeDemand, schedule: Schedule) -> TypeDemand:
    """Return a demand where that of one interval has this schedule: all intervals of its type share the window."""
    if demand is of:
        return replace(demand, schedule=schedule)
    if demand.type != of.type:
        return demand
    return replace(demand, schedule=replace(demand.schedule, window_s=schedule.window_s))


def _wider(demand: TypeDemand) -> list[Schedule]:
    schedule = demand.schedule
    window, gap = window_s(schedule), shortest_gap_s(schedule)
    gap = min(gap, demand.own_interval_s or gap)  # no window of a type may be longer than its interval
    lengths = [length for length in _ROUND_S if window < length < gap]
    return [replace(schedule, window_s=length) for length in (*lengths, gap) if window < gap]


def longer(schedule: Schedule) -> list[Schedule]:
    """Return the schedule with usual intervals up to twice its own; none for cron."""
    interval = schedule.interval_s
    if interval is None:
        return []
    lengths = (length for length in _ROUND_S if interval < length <= interval * _LONGEST_STRETCH)
    return [replace(schedule, interval_s=length) for length in lengths]


def _most_users(
    demands: Sequence[TypeDemand], users: int, accepts: Callable[[Sequence[TypeDemand]], bool]
) -> int:
    """Return the highest number of users for which the demands are accepted, in proportion; 0 if there is none."""

    def refused(few: int) -> bool:
        scaled = (
            replace(demand, subscriptions=-(-demand.subscriptions * few // users)) for demand in demands
        )
        return not accepts(list(scaled))

    return bisect_left(range(1, users), True, key=refused)
