"""work: the backlog by queue and lane, and the running jobs, read in one bounded step."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from taskqueue.plan.capacity import DEFAULT_SERVICE_S, Due, QueueWork, Rate, mean_of
from taskqueue.store.connection import Store
from taskqueue.store.script import Script
from taskqueue.store.wire import packed


class _Lane(msgspec.Struct, array_like=True, frozen=True):
    queue: str
    name: str
    jobs: int
    oldest_ms: int
    sample: list[tuple[str, int]]


class _Answer(msgspec.Struct, array_like=True, frozen=True):
    now_ms: int
    rate_per_s: float
    running: int
    dead_letters: int
    workers: int
    lanes: list[_Lane]
    types: list[tuple[str, int, int]]
    totals: list[tuple[str, int]]
    busy: list[tuple[str, int]]
    limits: list[tuple[str, float, str]]


_WORK = Script("work", packed(_Answer))


@dataclass(frozen=True, slots=True)
class Work:
    """loads: jobs by queue; lane `parked`: one job for each User limit that is free and that jobs wait for.

    limits: the Release limits of these queues, `global` among them.   running: running jobs of all queues.
    workers: workers that gave a sign of life within a minute.   oldest_due_s: seconds since the due of the oldest job
    of the lanes.   rate_per_s: the rate in force of the global limit, 0 if no job may start.
    totals: counters since installation.
    """

    loads: Mapping[str, QueueWork]
    limits: Mapping[str, Rate]
    running: int
    rate_per_s: float
    workers: int
    oldest_due_s: float
    dead_letters: int
    totals: Mapping[str, int]

    @property
    def due_jobs(self) -> Mapping[str, int]:
        """Return the due jobs of all queues by lane."""
        jobs: dict[str, int] = {}
        for load in self.loads.values():
            for name, lane in load.due.items():
                jobs[name] = jobs.get(name, 0) + lane.jobs
        return jobs


async def read_work(store: Store) -> Work:
    """Read the work of a release, in a time that does not grow with the number of jobs. Raises StoreFailure."""
    answer = await store.run(_WORK)
    service_s = {name: mean_us / 1e6 for name, _, mean_us in answer.types if mean_us >= 0}
    costs = {name: float(cost) for name, cost, _ in answer.types}
    running = dict(answer.busy)
    due: dict[str, dict[str, Due]] = {name: {} for name in running}
    for lane in answer.lanes:
        due.setdefault(lane.queue, {})[lane.name] = Due(
            lane.jobs,
            mean_of(dict(lane.sample), service_s, DEFAULT_SERVICE_S),
            mean_of(dict(lane.sample), costs, 1.0),
        )
    oldest_ms = min((lane.oldest_ms for lane in answer.lanes if lane.oldest_ms), default=answer.now_ms)
    return Work(
        {name: QueueWork(lanes, running.get(name, 0)) for name, lanes in due.items()},
        {name: Rate(per_second, within or None) for name, per_second, within in answer.limits},
        answer.running,
        answer.rate_per_s,
        answer.workers,
        (answer.now_ms - oldest_ms) / 1000,
        answer.dead_letters,
        dict(answer.totals),
    )
