"""An exact simulation of a plan: every job by itself, at every limit of its path, event after event.

A job starts when all its limits are free, takes from all of them, and expires if that is after its deadline. Lanes
share the starts by weight; within a lane the job that was due first starts first. Of the plan it uses the places of
subscriptions, the spacing of starts and the weights of lanes, and nothing that a verdict rests on.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from math import inf
from typing import NamedTuple

from taskqueue.models.limit_tree import path_of
from taskqueue.plan.lanes import WEIGHTS, Lane, lane_of
from taskqueue.plan.limiter import BUCKET_SLACK_US, stretch, tolerance_us
from taskqueue.plan.schedule import occurrences
from taskqueue.plan.spread import SpreadClass, spread_class
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.plan.user_demand import UserDemand
from tests.support.plan.random_plan import RandomPlan

# Sums of floats: a limit that is free this much later is free now.
_NOW_S = 1e-9


@dataclass(slots=True)
class Bucket:
    """A limit, or one user's part of it.   next_s: its theoretical arrival time."""

    next_s: float = -inf


class Part(NamedTuple):
    """A bucket as a type takes from it.   ahead_s: before its theoretical arrival time a job may start so much."""

    bucket: Bucket
    slot_s: float
    ahead_s: float


class Job(NamedTuple):
    """A job, in the order of starts."""

    due_s: float
    number: int
    deadline_s: float


@dataclass(slots=True)
class Queue:
    """The due jobs of one type, or of one user and type, the first first."""

    demand: TypeDemand
    parts: Sequence[Part]
    jobs: list[Job] = field(default_factory=list)

    @property
    def lane(self) -> Lane:
        return lane_of(self.demand.priority)

    @property
    def free_s(self) -> float:
        """Return the time from which all limits are free."""
        return max((part.bucket.next_s - part.ahead_s for part in self.parts), default=-inf)


@dataclass(slots=True)
class Outcome:
    """Jobs by type."""

    started: Counter[str] = field(default_factory=Counter)
    expired: Counter[str] = field(default_factory=Counter)


def simulate(plan: RandomPlan, start_s: int, end_s: int) -> Outcome:
    """Return the outcome of the jobs whose periods begin in [start_s, end_s), epoch seconds."""
    run = _Run(plan)
    for job, queue in sorted(run.jobs(start_s, end_s), key=lambda entry: entry[0]):
        run.start_until(job.due_s)
        if not queue.jobs:
            run.waiting.append(queue)
        heappush(queue.jobs, job)
    run.start_until(inf)
    return run.outcome


class _Run:
    def __init__(self, plan: RandomPlan) -> None:
        self.outcome = Outcome()
        self.waiting: list[Queue] = []
        self._plan = plan
        self._now_s = -inf
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._queues: dict[tuple[str, str], Queue] = {}
        self._gained = dict.fromkeys(WEIGHTS, 0)

    def jobs(self, start_s: int, end_s: int) -> Iterator[tuple[Job, Queue]]:
        """Yield every job, with its place as the store deals it, user after user."""
        types = {demand.name: demand for demand in self._plan.demands}
        dealt = Counter[SpreadClass]()
        for user in self._plan.users:
            for demand in (types[name] for name in user.types):
                family = spread_class(demand.schedule)
                offset_s = family.offset_ms(dealt[family]) / 1000
                dealt[family] += 1
                queue = self._queue(demand, user)
                zone = self._plan.zones.get(user.user_id, "UTC")
                schedule = (
                    replace(demand.schedule, time_zone=zone) if demand.schedule.cron else demand.schedule
                )
                for occurrence_s in occurrences(schedule, start_s, end_s):
                    due_s = occurrence_s + offset_s
                    yield Job(due_s, dealt.total(), due_s + demand.patience_s), queue

    def start_until(self, end_s: float) -> None:
        """Start the waiting jobs whose limits are free before `end_s`."""
        while self.waiting:
            earliest_s = max(self._now_s, min(queue.free_s for queue in self.waiting))
            if earliest_s >= end_s:
                break
            self._now_s = earliest_s
            self._start(self._next([queue for queue in self.waiting if queue.free_s <= earliest_s + _NOW_S]))
            self.waiting = [queue for queue in self.waiting if queue.jobs]
        self._now_s = max(self._now_s, end_s)

    def _start(self, queue: Queue) -> None:
        job, demand = heappop(queue.jobs), queue.demand
        if self._now_s > job.deadline_s:
            self.outcome.expired[demand.type] += 1
            return
        self.outcome.started[demand.type] += 1
        for part in queue.parts:
            part.bucket.next_s = max(part.bucket.next_s, self._now_s) + demand.cost * part.slot_s

    def _next(self, queues: Sequence[Queue]) -> Queue:
        """Return the queue of the next start: smooth weighted round-robin over the lanes that have jobs."""
        lanes = {queue.lane for queue in queues}
        for lane in lanes:
            self._gained[lane] += WEIGHTS[lane]
        chosen = max(lanes, key=lambda lane: (self._gained[lane], WEIGHTS[lane]))
        self._gained[chosen] -= sum(WEIGHTS[lane] for lane in lanes)
        return min((queue for queue in queues if queue.lane is chosen), key=lambda queue: queue.jobs[0])

    def _queue(self, demand: TypeDemand, user: UserDemand) -> Queue:
        key = demand.name, user.user_id if path_of(demand.limits, self._plan.limits).users else ""
        if key not in self._queues:
            self._queues[key] = Queue(demand, list(self._parts(demand, user)))
        return self._queues[key]

    def _parts(self, demand: TypeDemand, user: UserDemand) -> Iterator[Part]:
        path = path_of(demand.limits, self._plan.limits)
        shared = [(limit.name, limit.per_second, limit.burst) for limit in path.release]
        if demand.per_second is not None:
            shared.insert(0, (f"type:{demand.type}", demand.per_second, 1))
        if self._plan.rate is not None:
            shared.append(("global", self._plan.rate, 1))
        for position, (name, rate, burst) in enumerate(shared):
            outer = [one for _, one, _ in shared[position + 1 :]]
            yield self._part((name, ""), rate, burst - demand.cost, outer)
        own = {limit.name: limit for limit in user.limits}
        for limit in path.users:
            values = own.get(limit.name, limit)
            around = path_of([limit.within] if limit.within else [], self._plan.limits).release
            outer = [one.per_second for one in around] + [self._plan.rate or inf]
            yield self._part((limit.name, user.user_id), values.per_second, values.burst - demand.cost, outer)

    def _part(self, key: tuple[str, str], rate: float, left: int, outer: Sequence[float]) -> Part:
        """Return a limit as a type takes from it.

        left: starts that a full bucket has left after a job.   outer: the rates of the limits around it.
        """
        grid_s = stretch(is_within=False) / min(outer, default=inf)
        slot_s = stretch(is_within=grid_s > 0) / rate
        tolerance_s = tolerance_us(grid_s * 1e6, slot_s * 1e6) / 1e6
        ahead_s = max(tolerance_s, left * slot_s - BUCKET_SLACK_US / 1e6)
        return Part(self._buckets.setdefault(key, Bucket()), slot_s, ahead_s)
