"""The cheapest change at a limit of key User, as a sentence: lengthen an interval up to twofold, or raise the limit.

Each change is tried before it is named.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from taskqueue.plan.rate_grid import grid_of, raised
from taskqueue.plan.remedy import lengthening, longer
from taskqueue.plan.schedule import shortest_gap_s
from taskqueue.plan.user_jobs import UserService


def cheapest_user_change(worst: UserService, over: Sequence[UserService]) -> str:
    """Return the change as a sentence; empty if none is accepted. Raises ScheduleError.

    over: the services of all users that the limit is too slow for, `worst` among them.
    """
    for job in sorted(worst.jobs, key=lambda job: -job.work_s / job.gap_s):
        for schedule in longer(job.demand.schedule):
            demand, gap_s = replace(job.demand, schedule=schedule), shortest_gap_s(schedule)
            if all(service.with_type(demand, gap_s).fits() for service in (worst, *over)):
                return lengthening(demand, gap_s)
    alike = [worst] if worst.has_own else [service for service in over if not service.has_own]
    grid = grid_of(worst.limit, worst.per_second)
    rate, steps = worst.per_second, 0
    while alike:  # the worst of those for whom the last rate is not enough
        most = max(alike, key=lambda service: service.load)
        steps = grid.least_above(rate, partial(_fits, most))
        if not steps:
            return ""
        rate = steps * grid.step_per_s
        alike = [service for service in alike if not _fits(service, rate)]
    return f"{raised(worst.limit, grid.text(steps))}{f' for {worst.user.user_id}' if worst.has_own else ''}"


def _fits(service: UserService, per_second: float) -> bool:
    return service.fits(per_second / service.per_second)
