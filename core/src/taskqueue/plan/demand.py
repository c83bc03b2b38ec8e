"""Demand over a day as a step function, and the backlog it leaves under a limit (a fluid model).

Subscriptions lie evenly over their windows, so demand changes at window edges only; and as jobs start in the
order of their dues, a job waits for the backlog ahead of it. The peak of the backlog is the greatest excess
of demand over capacity in any interval between two edges: the processor-demand test, in one pass.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from taskqueue.models.values import Schedule
from taskqueue.plan.cron import DAY_S
from taskqueue.plan.schedule import occurrences, window_s
from taskqueue.plan.type_demand import TypeDemand

# Windows within intervals this short count as their mean: their bunches are gone within as many seconds.
SHORT_INTERVAL_S = 60
# Sums of floats: less than this many slots is no backlog.
_NOTHING = 1e-6


class Step(NamedTuple):
    """A stretch of time [start_s, end_s) with one demand, in slots a second."""

    start_s: int
    end_s: int
    rate: float


class Peak(NamedTuple):
    """The worst backlog: it grows from start_s and is greatest at end_s, `slots` being the excess."""

    start_s: int
    end_s: int
    slots: float


class Backlog(NamedTuple):
    """levels: slots waiting at each edge of the steps.   lasting: a day asks for more than a day gives."""

    levels: list[float]
    peak: Peak
    lasting: bool


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


def demand_between(demand: TypeDemand, start_s: int, end_s: int) -> float:
    """Return the slots one type takes in [start_s, end_s), epoch seconds. Raises ScheduleError."""
    if demand.schedule.interval_s is not None and is_steady(demand.schedule):
        return demand.slots * (end_s - start_s) / demand.schedule.interval_s
    window = window_s(demand.schedule)
    starts = occurrences(demand.schedule, start_s - window + 1, end_s)
    overlap = sum(min(start + window, end_s) - max(start, start_s) for start in starts)
    return demand.slots * overlap / window


def backlog(steps: Sequence[Step], capacity: float) -> Backlog:
    """Return the backlog over the steps of a day at `capacity` slots a second.

    A day that can be served repeats, so the backlog at midnight meets the same morning again: a peak may lie in
    the second day. A day that cannot be served is computed once: every further day would only add to the backlog.
    """
    lasting = sum((step.rate - capacity) * (step.end_s - step.start_s) for step in steps) > _NOTHING
    level = 0.0
    levels: list[float] = []
    begin_s = steps[0].start_s
    peak = Peak(begin_s, begin_s, 0.0)
    for day in range(1 if lasting else 2):
        levels = [level]
        for step in steps:
            if level == 0:
                begin_s = step.start_s + day * DAY_S
            level += (step.rate - capacity) * (step.end_s - step.start_s)
            if level < _NOTHING:
                level = 0.0
            if level > peak.slots + _NOTHING:
                peak = Peak(begin_s, step.end_s + day * DAY_S, level)
            levels.append(level)
    return Backlog(levels, peak, lasting)
