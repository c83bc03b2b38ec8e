"""Demand over a day as a step function.

Subscriptions lie evenly over their windows, so demand changes at window edges only.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from taskqueue.models.values import Schedule
from taskqueue.plan.cron import DAY_S
from taskqueue.plan.schedule import window_s
from taskqueue.plan.type_demand import TypeDemand, slots_by_schedule
from taskqueue.plan.windows import open_windows

# Windows within intervals this short count as their mean: their bunches are gone within as many seconds.
SHORT_INTERVAL_S = 60


class Step(NamedTuple):
    """A stretch of time [start_s, end_s) with one demand, in slots a second."""

    start_s: float
    end_s: float
    rate: float


def is_steady(schedule: Schedule) -> bool:
    """Tell whether the demand is taken as constant: the windows leave no pause, or only a short one."""
    interval = schedule.interval_s
    return interval is not None and (interval <= SHORT_INTERVAL_S or interval == window_s(schedule))


def steps_of_day(demands: Iterable[TypeDemand], day_start_s: int) -> list[Step]:
    """Return the demand of the 24 hours from day_start_s (epoch seconds) on. Raises ScheduleError."""
    end_s = day_start_s + DAY_S
    changes: defaultdict[float, float] = defaultdict(float, {day_start_s: 0.0, end_s: 0.0})
    for (schedule, exclude), slots in slots_by_schedule(demands).items():
        even = _without_pause(schedule)
        rate = slots / window_s(even)
        for start, end in open_windows(even, exclude, day_start_s, end_s):
            changes[start] += rate
            changes[end] -= rate
    rate = 0.0
    steps: list[Step] = []
    for edge, following in pairwise(sorted(changes)):
        rate += changes[edge]
        steps.append(Step(edge, following, rate))
    return steps


def demand_between(demand: TypeDemand, start_s: float, end_s: float) -> list[float]:
    """Return the slots that each zone of a demand takes in [start_s, end_s), epoch seconds. Raises ScheduleError."""
    found = []
    for schedule, slots in demand.by_zone():
        even = _without_pause(schedule)
        spans = open_windows(even, demand.exclude, start_s, end_s)
        found.append(slots * sum(end - start for start, end in spans) / window_s(even))
    return found


def _without_pause(schedule: Schedule) -> Schedule:
    """Return a schedule whose demand is constant as one with a whole window."""
    return replace(schedule, window_s=None) if schedule.window_s and is_steady(schedule) else schedule
