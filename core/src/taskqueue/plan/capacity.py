"""The number of workers that due and running jobs need, and the number that is useful under the global limit.

The measure is work-seconds: one replica for each `target_s` = concurrency * drain_s of them.

- A due job counts the time for which it will hold a concurrency slot. Among the jobs that wait for the limit of their
  type or user, each open limit lets one start.
- A running job counts drain_s, the whole share of a concurrency slot, as its arrivals continue after its end. So a
  load that the workers just keep up with keeps its workers, and a backlog adds the workers that end it within
  drain_s. Without the running jobs, workers would be removed until jobs waited for about drain_s at any time.

Jobs above the number that the limit lets run at a time (Little's law) count nothing: more workers would only wait.
Without a global limit (an infinite rate) all of them count.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from taskqueue.plan.lanes import WEIGHTS

#: Assumed duration of a job while no job of its type has ended, seconds.
DEFAULT_SERVICE_S = 1.0
#: From the end of a job to the next start in its concurrency slot, seconds: a result goes, a claim comes back.
TURNOVER_S = 0.02
#: Shares of the starts under a backlog: those of the lanes, and for jobs that waited for a limit of their type or user
#: (`parked`) as much as for all lanes together (scripts/claim.lua).
SHARES: Mapping[str, int] = {
    **{lane.value: weight for lane, weight in WEIGHTS.items()},
    "parked": sum(WEIGHTS.values()),
}


@dataclass(frozen=True, slots=True)
class Due:
    """The due jobs of a lane: their number, mean seconds in a concurrency slot, and mean slots of the limit."""

    jobs: int
    mean_service_s: float
    mean_cost: float


@dataclass(frozen=True, slots=True)
class Capacity:
    """work_s: work-seconds for the autoscaler.   uncapped_work_s: the same without the limit."""

    work_s: float
    uncapped_work_s: float
    useful_replicas: int


def useful_replicas(starts_per_s: float, mean_service_s: float, concurrency: int) -> int:
    """Return the number of workers that all starts under the limit keep busy, at least 1.

    >>> useful_replicas(100, 1.5, 50)
    3
    """
    busy_slots = starts_per_s * mean_service_s
    if busy_slots <= 0:
        return 0
    return max(1, math.ceil(busy_slots / concurrency))  # the quotient may be too small for a float


def capacity(
    due: Mapping[str, Due], running: int, rate_per_s: float, concurrency: int, drain_s: float
) -> Capacity:
    """Return the capacity for due jobs (by lane) and running jobs.

    rate_per_s: the limit; 0: nothing starts; infinite: only limits by name hold.

    Running jobs are useful at any rate, and so is the first worker while a single job is due.

    >>> backlog = {"normal": Due(jobs=3000, mean_service_s=2.0, mean_cost=1.0)}
    >>> capacity(backlog, 0, 1000, 50, 30).work_s / (50 * 30)  # replicas
    4.0
    >>> capacity(backlog, 0, 50, 50, 30).work_s / (50 * 30)  # 50 starts a second keep three busy
    3.0
    """
    target_s = concurrency * drain_s
    waiting = {name: lane for name, lane in due.items() if lane.jobs}
    work_s = sum(lane.jobs * lane.mean_service_s for lane in waiting.values()) + running * drain_s
    useful = math.ceil(running / concurrency)
    if waiting:
        work_s = max(work_s, target_s)
        shares = sum(SHARES[name] for name in waiting)
        service_s = sum(SHARES[name] * lane.mean_service_s for name, lane in waiting.items()) / shares
        cost = sum(SHARES[name] * lane.mean_cost for name, lane in waiting.items()) / shares
        if math.isinf(rate_per_s):
            useful = max(useful, math.ceil(work_s / target_s))
        else:
            useful = max(1, useful, useful_replicas(rate_per_s / cost, service_s + TURNOVER_S, concurrency))
    return Capacity(min(work_s, useful * target_s), work_s, useful)


def mean_of(sample: Mapping[str, int], of_type: Mapping[str, float], default: float) -> float:
    """Return the mean of a value by type over a sample of jobs, given as jobs by type.

    >>> mean_of({"a": 1, "b": 3}, {"a": 5.0}, 1.0)
    2.0
    """
    jobs = sum(sample.values())
    return sum(n * of_type.get(name, default) for name, n in sample.items()) / jobs if jobs else default
