"""The service of a day at every limit that jobs share, from the inner limits to the outer ones.

Behind a limit that delays its jobs less is due at a time, for longer, and the limit around it gets no more than that. A
limit that cannot serve its day passes on all of it, so that the limit around it is judged, too.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from taskqueue.plan.demand import Step, is_steady, steps_of_day
from taskqueue.plan.flow import Backlog, backlog, merge, passed, waits
from taskqueue.plan.limit_paths import Paths, SharedLimit
from taskqueue.plan.margins import Blocking, Bunching
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.plan.windows import open_windows


@dataclass(frozen=True, slots=True)
class Service:
    """A day at one limit.

    demands: the types that take from it.   steps: demand in slots a second, behind inner limits as they pass it on.
    capacity: slots a second, without the allowance for retries.   waits_s: the longest wait of a job that
    comes in each step; delay_s: the longest of all.   bunch_s: the further wait of bunched jobs.
    """

    limit: SharedLimit
    demands: tuple[TypeDemand, ...]
    steps: Sequence[Step]
    capacity: float
    found: Backlog
    waits_s: Sequence[float]
    delay_s: float
    bunch_s: float

    def longest_wait_s(self, start_s: float, end_s: float) -> float:
        """Return the longest wait of a job that comes in [start_s, end_s), which may lie beyond the day."""
        steps = self.steps
        if not self.found.peak.slots or start_s < steps[0].start_s or end_s > steps[-1].end_s:
            return self.delay_s
        first = bisect_right(steps, start_s, key=attrgetter("start_s")) - 1
        return max(self.waits_s[first : bisect_left(steps, end_s, key=attrgetter("start_s"))])


def serve(
    limit: SharedLimit, demands: Sequence[TypeDemand], steps: Sequence[Step], capacity: float, bunched: float
) -> Service:
    """Return the service of these demands, due in these steps.   bunched: slots beyond the even flow.

    A job may start once the limit's bucket holds its cost: the dearest job has least of a burst.
    """
    dearest = max((demand.cost for demand in demands), default=1)
    found = backlog(steps, capacity, max(1, limit.burst - dearest + 1))
    in_order = len({demand.priority for demand in demands}) <= 1
    longest = waits(steps, found, capacity, in_order=in_order)
    cost = min((demand.cost for demand in demands), default=1)
    spare = capacity if in_order else _spare(steps, capacity)
    bunch_s = max(0.0, bunched - max(cost, limit.burst)) / spare
    return Service(limit, tuple(demands), steps, capacity, found, longest, max(longest), bunch_s)


def _spare(steps: Sequence[Step], capacity: float) -> float:
    """Return the slots a second that are left to a job that all jobs overtake: at any time, or else as a mean."""
    always = capacity - max(step.rate for step in steps)
    asked = sum(step.rate * (step.end_s - step.start_s) for step in steps)
    mean = capacity - asked / (steps[-1].end_s - steps[0].start_s)
    return next((spare for spare in (always, mean) if spare > 0), capacity)


def serve_day(
    paths: Paths,
    blocking: Blocking,
    bunching: Bunching,
    *,
    day_start_s: int,
    factor: float,
) -> dict[str, Service]:
    """Return the service at each limit, by name, inner limits first. Raises ScheduleError.

    factor: starts per first start.
    """
    arriving: dict[str, list[Sequence[Step]]] = {name: [] for name in paths.limits}
    bursts = dict.fromkeys(paths.limits, 0)
    services: dict[str, Service] = {}
    for name, limit in paths.limits.items():
        own = [demand for demand in blocking.types(name) if paths.by_type[demand.name][0] == name]
        steps = merge([steps_of_day(own, day_start_s), *arriving[name]])
        capacity = blocking.capacity(limit) / factor
        bunched = bunching.slots(blocking.types(name)) + bursts[name]
        services[name] = service = serve(limit, blocking.types(name), steps, capacity, bunched)
        if limit.outer:
            outer = limit.outer[0]
            if service.found.peak.slots and not service.found.lasting:
                steps = passed(steps, service.found.levels, capacity)
                bursts[outer] += limit.burst - 1
            arriving[outer].append(steps)
            bursts[outer] += bursts[name]
    return services


def wait_on_path_s(demand: TypeDemand, services: Sequence[Service]) -> float:
    """Return the longest wait of a job of this type for the limits of its path. Raises ScheduleError.

    A job that waits for one limit comes to the next one later; and one that waits for an outer limit takes nothing of
    the inner ones, whose backlog then moves to a later time. So each limit is looked at from the sum of all delays
    before the window to the same time after it.
    """
    bunch_s = sum(service.bunch_s for service in services)
    delay_s = sum(service.delay_s for service in services)
    is_same_all_day = is_steady(demand.schedule) or any(service.found.lasting for service in services)
    if is_same_all_day or delay_s + bunch_s <= demand.patience_s:
        return delay_s + bunch_s
    first, last = services[0].steps[0].start_s, services[0].steps[-1].end_s
    reach_s = delay_s if len(services) > 1 else 0.0
    longest = 0.0
    for schedule, _ in demand.by_zone():
        for start, end in open_windows(schedule, demand.exclude, first, last):
            waits_s = (service.longest_wait_s(start - reach_s, end + reach_s) for service in services)
            longest = max(longest, sum(waits_s))
    return longest + bunch_s


def limited_by_user(paths: Paths, demands: Iterable[TypeDemand]) -> set[str]:
    """Return the types with a limit of key User."""
    return {demand.name for demand in demands if paths.users[demand.name]}
