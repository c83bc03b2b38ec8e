"""Demand over a day as a step function.

Subscriptions lie evenly over their windows, so demand changes at window edges only.
"""

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from math import ceil, floor
from typing import NamedTuple

from taskqueue.models.values import Schedule
from taskqueue.plan.cron import DAY_S
from taskqueue.plan.schedule import occurrences, window_s
from taskqueue.plan.type_demand import TypeDemand

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
    slots: defaultdict[Schedule, int] = defaultdict(int)
    for demand in demands:
        slots[demand.schedule] += demand.slots
    end_s = day_start_s + DAY_S
    rate = 0.0
    changes: defaultdict[int, float] = defaultdict(float, {day_start_s: 0.0, end_s: 0.0})
    for schedule, wanted in slots.items():
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


def demand_between(demand: TypeDemand, start_s: float, end_s: float) -> float:
    """Return the slots one type takes in [start_s, end_s), epoch seconds. Raises ScheduleError."""
    if demand.schedule.interval_s is not None and is_steady(demand.schedule):
        return demand.slots * (end_s - start_s) / demand.schedule.interval_s
    window = window_s(demand.schedule)
    starts = occurrences(demand.schedule, floor(start_s) - window + 1, ceil(end_s))
    overlap = sum(min(start + window, end_s) - max(start, start_s) for start in starts)
    return demand.slots * overlap / window
