"""Random trees of limits on the scripts' clock: none is exceeded, none is left unused, and no job is forgotten.

TASKQUEUE_FUZZ=1000 runs that many larger cases instead of a few small ones.
"""

import asyncio
import itertools
import math
import os
import random
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskqueue.models.limit_tree import MAX_DEPTH, type_conflicts
from taskqueue.models.values import (
    Limit,
    LimitKey,
    Priority,
    RateLimit,
    Schedule,
    Subscription,
    TaskType,
    UserLimit,
    UserSubscription,
)
from taskqueue.plan.lanes import WEIGHTS, lane_of
from taskqueue.store.audit import audit
from taskqueue.store.claim import claim
from taskqueue.store.connection import open_store
from taskqueue.store.enqueue import enqueue
from taskqueue.store.limits import set_rate
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_limits, put_types
from taskqueue.store.users import set_users
from tests.support.store.limit_judge import Paths, busy_spans, longest_gap, most_above
from tests.support.store.raw import raw
from tests.support.store.script_clock import ScriptClock
from tests.support.store.simulated_workers import LEASE_MS, SimulatedWorker, Start, work

FUZZ = int(os.environ.get("TASKQUEUE_FUZZ") or "0")
HOUR = Schedule(interval_s=3600)
HORIZON_US = 250_000
#: Calls of workers that were told to call lie so far apart that a free limit is noticed after this long.
NOTICED_US = 250_000
SECONDS = 5
BACKLOG_S = 5
USERS = ("a", "b", "c", "d")
RATES = (0.02, 0.5, 1.0, 2.0, 3.7, 5.0, 7.0, 10.0, 20.0, 37.0, 100.0, 150.0, 1_000.0)
_releases = itertools.count()

rates = st.sampled_from(RATES)
bursts = st.sampled_from((1, 1, 1, 2, 5, 40))


@dataclass(frozen=True)
class Job:
    """due_ms: after the workers begin; negative for a job of the backlog."""

    type: str
    user: str
    due_ms: int


@dataclass(frozen=True)
class Case:
    """workers: slots, service time (us) and lateness (us) of each."""

    limits: list[Limit]
    types: list[TaskType]
    users: list[UserSubscription]
    rate: float
    jobs: list[Job]
    workers: list[tuple[int, int, int]]
    seed: int

    @property
    def is_prompt(self) -> bool:
        """Tell whether workers call when told to, and never fill up."""
        return all(worker == (100, 0, 0) for worker in self.workers)


@st.composite
def trees(draw: st.DrawFn) -> list[Limit]:
    limits: list[Limit] = []
    depths: dict[str | None, int] = {None: 0}
    for number in range(draw(st.integers(0, 5))):
        key = draw(st.sampled_from((LimitKey.RELEASE, LimitKey.RELEASE, LimitKey.USER)))
        around = [one.name for one in limits if one.key is LimitKey.RELEASE and depths[one.name] < MAX_DEPTH]
        within = draw(st.sampled_from((None, *around)))
        limit = Limit(
            f"{'r' if key is LimitKey.RELEASE else 'u'}{number}", key, draw(rates), draw(bursts), within
        )
        depths[limit.name] = depths[within] + 1
        limits.append(limit)
    return limits


@st.composite
def cases(draw: st.DrawFn) -> Case:
    limits = draw(trees())
    by_name = {limit.name: limit for limit in limits}
    types = []
    for number in range(draw(st.integers(1, 4))):
        named = draw(st.lists(st.sampled_from(sorted(by_name)), max_size=3, unique=True)) if limits else []
        own = RateLimit(per_second=draw(st.sampled_from((None, None, None, 3.0, 50.0))))
        task_type = TaskType(
            f"t{number}",
            HOUR,
            priority=draw(st.sampled_from((Priority.NORMAL, Priority.NORMAL, Priority.HIGH, Priority.LOW))),
            cost=draw(st.sampled_from((1, 1, 1, 2, 3))),
            rate_limit=own,
            limits=tuple(sorted(named)),
        )
        while any(True for _ in type_conflicts(task_type, by_name)):
            named.pop()
            task_type = TaskType(
                task_type.name,
                HOUR,
                priority=task_type.priority,
                cost=task_type.cost,
                rate_limit=own,
                limits=tuple(sorted(named)),
            )
        types.append(task_type)
    of_users = [limit.name for limit in limits if limit.key is LimitKey.USER]
    users = []
    for user in USERS:
        chosen = draw(st.lists(st.sampled_from(of_users), max_size=1)) if of_users else []
        values = tuple(UserLimit(name, draw(rates), draw(bursts)) for name in chosen)
        users.append(UserSubscription(user, tuple(Subscription(one.name) for one in types), limits=values))
    jobs = []
    for task_type in types:
        owners = draw(st.sampled_from((USERS[:1], USERS[:2], USERS)))
        seed = draw(st.integers(0, 1 << 16))
        chance = random.Random(seed)
        waiting, later = draw(st.sampled_from((0, 5, 30, 60))), draw(st.sampled_from((0, 3, 20)))
        dues = [chance.randrange(-BACKLOG_S * 1_000, 0) for _ in range(waiting)]
        dues += [chance.randrange(SECONDS * 1_000) for _ in range(later)]
        jobs += [Job(task_type.name, chance.choice(owners), due_ms) for due_ms in dues]
    slots = st.sampled_from((1, 2, 10, 100))
    times_us = st.sampled_from((0, 1_000, 50_000, 400_000))
    prompt = draw(st.booleans())
    workers = [
        (100, 0, 0) if prompt else (draw(slots), draw(times_us), draw(times_us))
        for _ in range(draw(st.integers(1, 3)))
    ]
    rate = draw(st.sampled_from((math.inf, math.inf, *RATES[3:])))
    return Case(limits, types, users, rate, jobs, workers, draw(st.integers(0, 1 << 16)))


@dataclass(frozen=True)
class Run:
    """What became of a case. waiting: jobs that did not start, as a start at the end."""

    paths: Paths
    began_us: int
    end_us: int
    starts: list[Start]
    waiting: list[Start]


async def run(url: str, case: Case) -> Run:
    store = open_store(url, f"trees-{os.getpid()}-{next(_releases)}", timeout_s=30)
    clock = ScriptClock(store)
    try:
        await clock.set(clock.now_us)
        version = await put_limits(store, 0, case.limits)
        await put_types(store, version, [TypeRecord(one, (Generation(1, HOUR),)) for one in case.types])
        await set_rate(store, case.rate)
        await set_users(store, "folder", case.users)
        await claim(store, "first", 1, 0, LEASE_MS)  # the global limit of a new store begins a horizon later
        began_ms = clock.now_ms + BACKLOG_S * 1_000
        for number, job in enumerate(case.jobs):
            delay_ms = began_ms + job.due_ms - clock.now_ms
            await enqueue(store, job.type, job.user, job_id=str(number), delay_ms=delay_ms)
        await clock.set(began_ms * 1_000)
        workers = [SimulatedWorker(f"w{k}", *values) for k, values in enumerate(case.workers)]

        starts = await work(store, clock, workers, SECONDS, random.Random(case.seed))
        assert (await audit(store)).difference == 0
        started = {(one.type, one.user, one.due_us, one.id) for one in starts}
        assert len(started) == len(starts), "twice"
        waiting = []
        for number, job in enumerate(case.jobs):
            due_us = (began_ms + job.due_ms) * 1_000
            if (job.type, job.user, due_us, str(number)) not in started:
                waiting.append(Start(job.type, job.user, due_us, clock.now_us, clock.now_us, str(number)))
        return Run(
            Paths.of(case.types, case.limits, case.rate, case.users),
            began_ms * 1_000,
            clock.now_us,
            starts,
            waiting,
        )
    finally:
        keys = [key async for key in raw(store).scan_iter(match=store.keys("*"), count=1_000)]
        await raw(store).unlink(*keys)
        await clock.remove()
        await store.close()


def check_none_exceeded(found: Run) -> None:
    for bucket, starts in found.paths.by_limit(found.starts).items():
        times = [start.start_us for start in starts]
        above = most_above(bucket, times, [found.paths.cost(start) for start in starts])
        assert above <= 1e-6, f"{bucket} exceeded by {above}: {[t - found.began_us for t in times]}"


def check_none_left_unused(found: Run) -> None:
    """A job waits for no longer than a horizon while all its limits have a start left, also for the dearest job."""
    jobs = (*found.starts, *found.waiting)
    by_limit = found.paths.by_limit(found.starts)
    spans = {}
    for bucket, of_bucket in found.paths.by_limit(jobs).items():
        starts = by_limit.get(bucket, [])
        dearest = max(found.paths.cost(job) for job in of_bucket)  # it may be first in the queue
        costs = [found.paths.cost(start) for start in starts]
        spans[bucket] = busy_spans(bucket, [start.start_us for start in starts], costs, dearest)
    for job in jobs:
        busy = [span for bucket in found.paths.of_job(job.type, job.user) for span in spans[bucket]]
        from_us = max(job.due_us, found.began_us)
        gap_us, at_us = longest_gap(busy, from_us, job.start_us)
        assert gap_us <= HORIZON_US + NOTICED_US, (
            f"{job} waited while all was free for {gap_us / 1e3} ms from {(at_us - found.began_us) / 1e3} on"
        )


def check_none_starved(found: Run) -> None:
    """A job waits at most twice as long as its limits need for what was due before it, in its lane's share."""
    jobs = [*found.starts, *found.waiting]
    by_limit = found.paths.by_limit(jobs)
    total = sum(WEIGHTS.values())
    for job in jobs:
        needed_us = 0.0
        for bucket in found.paths.of_job(job.type, job.user):
            before = sum(found.paths.cost(one) for one in by_limit[bucket] if one.due_us <= job.due_us)
            needed_us += bucket.refill_us(before)
        share = WEIGHTS[lane_of(found.paths.types[job.type].priority)] / total
        waited_us = job.start_us - max(job.due_us, found.began_us)
        assert waited_us <= 2 * needed_us / share + 1_000_000, f"{job} waited {waited_us / 1e6} s"


def check(url: str, case: Case) -> Run:
    found = asyncio.run(run(url, case))
    check_none_exceeded(found)
    if case.is_prompt:
        check_none_left_unused(found)
        check_none_starved(found)
    return found


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_trees_of_limits_hold_and_are_used(redis_url: str, scripts_with_a_clock: None) -> None:
    @settings(max_examples=FUZZ or 40, suppress_health_check=list(HealthCheck), deadline=None)
    @given(cases())
    def trees_hold(case: Case) -> None:
        check(redis_url, case)

    trees_hold()
