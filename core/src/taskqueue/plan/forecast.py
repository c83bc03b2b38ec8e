"""Starts expected per step of time: the plot of a day, and of the next hour."""

from collections.abc import Iterable
from math import floor

from taskqueue.plan.cron import DAY_S
from taskqueue.plan.schedule import window_s
from taskqueue.plan.type_demand import TypeDemand, slots_by_schedule
from taskqueue.plan.windows import open_windows


def starts(
    demands: Iterable[TypeDemand], day_start_s: int, step_s: int, horizon_s: int = DAY_S
) -> list[float]:
    """Return the expected cost-weighted starts in each step of step_s seconds, from day_start_s (epoch) on.

    Subscriptions lie evenly over their window (`spread`), so a window counts by its overlap with each step.
    The last step is whole, even where horizon_s is no multiple of step_s. Raises ScheduleError.

    >>> from taskqueue.models.values import Schedule
    >>> starts([TypeDemand("sync", Schedule(interval_s=300, window_s=60), 120)], 0, 30, horizon_s=300)
    [60.0, 60.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    steps = -(-horizon_s // step_s)
    end_s = day_start_s + steps * step_s
    totals = [0.0] * steps
    for (schedule, exclude), slots in slots_by_schedule(demands).items():
        rate = slots / window_s(schedule)
        for start, end in open_windows(schedule, exclude, day_start_s, end_s):
            lo, hi = floor(start) - day_start_s, floor(end) - day_start_s
            for step in range(lo // step_s, (hi - 1) // step_s + 1):
                totals[step] += rate * (min(hi, (step + 1) * step_s) - max(lo, step * step_s))
    return totals
