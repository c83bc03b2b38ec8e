"""Demand over a day as a step function.

Subscriptions lie evenly over their windows, so demand changes at window edges only.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from math import ceil, floor
from typing import NamedTuple

from taskqueue.models.values import Schedule
from taskqueue.plan.cron import DAY_S
from taskqueue.plan.schedule import occurrences, window_s
from taskqueue.plan.type_demand import TypeDemand, slots_by_schedule
from taskqueue.plan.variants import in_zone

# Windows within intervals this short count as their mean: their bunches are gone within as many seconds.
SHORT_INTERVAL_S = 60


class Step(NamedTuple):
    """A stretch of time [start_s, end_s) with one demand, in slots a second."""

    start_s: float
    end_s: float
    rate: float


def is_steady(schedule: Schedule) -> bool:
    """Whether the demand is taken as constant: the windows leave no pause, or only a short one."""
    interval = schedule.interval_s
    return interval is not None and (interval <= SHORT_INTERVAL_S or interval == window_s(schedule))


def steps_of_day(demands: Iterable[TypeDemand], day_start_s: int) -> list[Step]:
    """Return the demand of the 24 hours from day_start_s (epoch seconds) on. Raises ScheduleError."""
    end_s = day_start_s + DAY_S
    rate = 0.0
    changes: defaultdict[int, float] = defaultdict(float, {day_start_s: 0.0, end_s: 0.0})
    for schedule, wanted in slots_by_schedule(demands).items():
        if schedule.interval_s is not None and is_steady(schedule):
            rate += wanted / schedule.interval_s
            continue
        window = window_s(schedule)
        for start in occurrences(schedule, day_start_s - window + 1, end_s):
            changes[max(start, day_start_s)] += wanted / window
            changes[min(start + window, end_s)] -= wanted / window
    steps: list[Step] = []
    for edge, following in pairwise(sorted(changes)):
        rate += changes[edge]
        steps.append(Step(edge, following, rate))
    return steps


def demand_between(demand: TypeDemand, start_s: float, end_s: float) -> list[float]:
    """Return the slots that each zone of a demand takes in [start_s, end_s), epoch seconds. Raises ScheduleError."""
    interval = demand.schedule.interval_s
    if interval is not None and is_steady(demand.schedule):
        return [demand.slots * (end_s - start_s) / interval]
    window = window_s(demand.schedule)
    found = []
    for schedule, slots in demand.by_zone():
        starts = occurrences(schedule, floor(start_s) - window + 1, ceil(end_s))
        found.append(
            slots * sum(min(start + window, end_s) - max(start, start_s) for start in starts) / window
        )
    return found


@lru_cache(maxsize=4096)
def open_at_once(schedule: Schedule, zones: frozenset[str], day_start_s: int) -> int:
    """Return how many windows are open at once, of users in these zones; windows that begin together are one.

    Raises ScheduleError.
    """
    if schedule.interval_s is not None:
        return 1
    window, end_s = window_s(schedule), day_start_s + DAY_S
    found = (occurrences(in_zone(schedule, zone), day_start_s - window + 1, end_s) for zone in zones)
    starts = sorted(set().union(*found))
    opened = (position + 1 - bisect_right(starts, start - window) for position, start in enumerate(starts))
    return max(opened, default=1)
