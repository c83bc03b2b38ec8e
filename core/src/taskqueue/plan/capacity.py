"""The number of workers that due and running jobs need, and the number that is useful under their limits.

The measure is work-seconds: one replica for each `target_s` = concurrency * drain_s of them.

- A due job counts the time for which it will hold a concurrency slot. Among the jobs that wait for a User limit, each
  user whose limit is free lets one start.
- A running job counts drain_s, the whole share of a concurrency slot, as its arrivals continue after its end. So a
  load that the workers just keep up with keeps its workers, and a backlog adds the workers that end it within
  drain_s. Without the running jobs, workers would be removed until jobs waited for about drain_s at any time.

Each queue of jobs counts up to the number that its limits let run at a time (Little's law): more workers would only
wait. A limit that several queues share is divided in proportion to what each could start alone. So jobs of a slow API
ask for few workers, and withhold none from those of another one.
Without a global limit (an infinite rate) all jobs of its queue count.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from taskqueue.plan.lanes import WEIGHTS

#: Assumed duration of a job while no job of its type has ended, seconds.
DEFAULT_SERVICE_S = 1.0
#: From the end of a job to the next start in its concurrency slot, seconds: a result goes, a claim comes back.
TURNOVER_S = 0.02
#: Shares of the starts under a backlog: those of the lanes, and for jobs that waited for a User limit (`parked`) as
#: much as for all lanes together (scripts/lib/sweep.lua).
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
class QueueWork:
    """The jobs of a queue: due ones by lane, and the number of running ones."""

    due: Mapping[str, Due]
    running: int = 0


@dataclass(frozen=True, slots=True)
class Rate:
    """A Release limit: starts per second (0: nothing starts; infinite: no limit), and the limit that it is within."""

    per_second: float
    within: str | None = None


@dataclass(frozen=True, slots=True)
class Capacity:
    """work_s: work-seconds for the autoscaler.   uncapped_work_s: the same without the limits."""

    work_s: float
    uncapped_work_s: float
    useful_replicas: int


def capacity(
    loads: Mapping[str, QueueWork], limits: Mapping[str, Rate], concurrency: int, drain_s: float
) -> Capacity:
    """Return the capacity for the jobs of all queues. A queue has the name of its innermost limit.

    Running jobs are useful at any rate, and so is the first worker while a single job is due.

    >>> backlog = {"app": QueueWork({"normal": Due(jobs=3000, mean_service_s=2.0, mean_cost=1.0)})}
    >>> capacity(backlog, {"app": Rate(1000)}, 50, 30).work_s / (50 * 30)  # replicas
    4.0
    >>> capacity(backlog, {"app": Rate(50)}, 50, 30).work_s / (50 * 30)  # 50 starts a second keep three busy
    3.0
    """
    target_s = concurrency * drain_s
    waiting = {name for name, load in loads.items() if any(lane.jobs for lane in load.due.values())}
    rates = _shared_rates(waiting, limits)
    uncapped_s = capped_s = busy = 0.0
    for name, load in loads.items():
        most = float(load.running)
        if name in waiting:
            most = max(most, busy_slots(rates[name], load.due))
        work_s = load.running * drain_s
        work_s += sum(lane.jobs * lane.mean_service_s for lane in load.due.values())
        uncapped_s += work_s
        capped_s += min(work_s, most * drain_s)
        busy += most
    if waiting:
        uncapped_s, capped_s = max(uncapped_s, target_s), max(capped_s, target_s)
    whole_s = (
        math.ceil(capped_s / target_s) * target_s
    )  # a part of a worker would be within an HPA's tolerance
    if math.isinf(busy):
        busy = uncapped_s / drain_s
    return Capacity(min(uncapped_s, whole_s), uncapped_s, max(bool(waiting), math.ceil(busy / concurrency)))


def busy_slots(slots_per_s: float, due: Mapping[str, Due]) -> float:
    """Return the number of concurrency slots that all starts of a queue keep busy, by Little's law.

    >>> busy_slots(100, {"normal": Due(jobs=10, mean_service_s=1.48, mean_cost=1.0)})
    150.0
    """
    waiting = {name: lane for name, lane in due.items() if lane.jobs}
    shares = sum(SHARES[name] for name in waiting)
    service_s = sum(SHARES[name] * lane.mean_service_s for name, lane in waiting.items()) / shares
    cost = sum(SHARES[name] * lane.mean_cost for name, lane in waiting.items()) / shares
    return slots_per_s / cost * (service_s + TURNOVER_S)


def mean_of(sample: Mapping[str, int], of_type: Mapping[str, float], default: float) -> float:
    """Return the mean of a value by type over a sample of jobs, given as jobs by type.

    >>> mean_of({"a": 1, "b": 3}, {"a": 5.0}, 1.0)
    2.0
    """
    jobs = sum(sample.values())
    return sum(n * of_type.get(name, default) for name, n in sample.items()) / jobs if jobs else default


def _shared_rates(waiting: set[str], limits: Mapping[str, Rate]) -> dict[str, float]:
    """Return the starts per second of each queue with due jobs, where all of them start what they can."""
    asked = dict.fromkeys(limits, 0.0)
    factor = dict.fromkeys(limits, 1.0)
    for name in sorted(limits, key=lambda name: -_depth(name, limits)):  # the innermost first
        limit = limits[name]
        asked[name] += limit.per_second if name in waiting else 0.0
        if asked[name] > limit.per_second:
            factor[name] = limit.per_second / asked[name]
        if limit.within is not None:
            asked[limit.within] += min(asked[name], limit.per_second)
    rates = {}
    for name in waiting:
        rates[name] = limits[name].per_second
        around: str | None = name
        while around is not None:
            rates[name] *= factor[around]
            around = limits[around].within
    return rates


def _depth(name: str, limits: Mapping[str, Rate]) -> int:
    within = limits[name].within
    return 0 if within is None else 1 + _depth(within, limits)
