"""How many workers the due work needs, and how many of them can be useful under the global limit.

The measure is work-seconds, to be shared out evenly: one replica for each `target_s` = concurrency * drain_s of them.

- A job that waits for a worker counts the time it will hold a slot. Of the jobs that wait for a limit of their own
  (of their type or user), each limit that is free lets one start.
- A job that runs holds a slot, and when it ends the arrivals that brought it go on: it counts drain_s, a slot's
  whole share. So a load that the workers just keep up with asks for as many as run it, and a backlog asks for those
  beside them that end it within drain_s. Without the running jobs workers would go until jobs waited for about
  drain_s all the time.

What is more than the limit lets run at a time (Little's law) asks for nobody: more workers would only wait for it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from taskqueue.plan.lanes import WEIGHTS

#: What a job is taken to last while none of its type has ended, seconds.
DEFAULT_SERVICE_S = 1.0
#: From the end of a job until the next one starts in its slot, seconds: a result goes, a claim comes back.
TURNOVER_S = 0.02
#: Shares of the starts under a backlog: those of the lanes, and for jobs that waited for a limit of their type or user
#: (`parked`) as much as for all lanes together (scripts/claim.lua).
SHARES: Mapping[str, int] = {
    **{lane.value: weight for lane, weight in WEIGHTS.items()},
    "parked": sum(WEIGHTS.values()),
}


@dataclass(frozen=True, slots=True)
class Due:
    """The due jobs of a lane: how many, and the means over them of seconds in a slot and of slots."""

    jobs: int
    mean_service_s: float
    mean_cost: float


@dataclass(frozen=True, slots=True)
class Capacity:
    """work_s: what an autoscaler gets. uncapped_work_s: what it would be without the limit. Both in work-seconds."""

    work_s: float
    uncapped_work_s: float
    useful_replicas: int


def useful_replicas(starts_per_s: float, mean_service_s: float, concurrency: int) -> int:
    """Return how many workers all starts that the limit allows keep busy: one at least, however short they are.

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
    """Work out what due and running jobs ask for. due: by lane. rate_per_s: slots of the limit, 0: nothing starts.

    What runs is useful at any rate, and so is the first worker while anything is due, of which one job is enough.

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
        useful = max(1, useful, useful_replicas(rate_per_s / cost, service_s + TURNOVER_S, concurrency))
    return Capacity(min(work_s, useful * target_s), work_s, useful)


def mean_of(sample: Mapping[str, int], of_type: Mapping[str, float], default: float) -> float:
    """Return the mean over a sample of jobs (how many of each type) of what a table says of their types.

    >>> mean_of({"a": 1, "b": 3}, {"a": 5.0}, 1.0)
    2.0
    """
    jobs = sum(sample.values())
    return sum(n * of_type.get(name, default) for name, n in sample.items()) / jobs if jobs else default
