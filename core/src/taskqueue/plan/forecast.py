"""Starts expected per step of time: the plot of a day, and of the next hour."""

from collections.abc import Iterable

from taskqueue.plan.cron import DAY_S
from taskqueue.plan.schedule import occurrences, window_s
from taskqueue.plan.type_demand import TypeDemand, slots_by_schedule


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
    always = 0.0  # slots a second of the types whose windows leave no pause
    for schedule, slots in slots_by_schedule(demands).items():
        window = window_s(schedule)
        rate = slots / window
        if window == schedule.interval_s:
            always += rate
            continue
        for start in occurrences(schedule, day_start_s - window + 1, end_s):
            lo, hi = max(start, day_start_s) - day_start_s, min(start + window, end_s) - day_start_s
            for step in range(lo // step_s, (hi - 1) // step_s + 1):
                totals[step] += rate * (min(hi, (step + 1) * step_s) - max(lo, step * step_s))
    return [total + always * step_s for total in totals]
