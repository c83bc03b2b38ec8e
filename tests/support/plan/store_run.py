"""A plan on the scripts' clock: the real tick emits its jobs, and the real claim leases them to an ideal worker.

The worker calls when it is told to, never fills up, and takes no time for a job. Jobs are emitted for the plan's
longest period; those that wait then start, or expire.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from math import ceil
from random import Random
from typing import TYPE_CHECKING

from taskqueue.models.values import RateLimit, Subscription, TaskType, UserSubscription
from taskqueue.store.audit import audit
from taskqueue.store.limits import set_rate
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_limits, put_types
from taskqueue.store.users import set_users
from tests.support.plan.random_plan import period_s
from tests.support.plan.simulation import Outcome
from tests.support.store.simulated_ticker import start_ticker
from tests.support.store.simulated_workers import SimulatedWorker, work

if TYPE_CHECKING:
    from taskqueue.plan.type_demand import TypeDemand
    from taskqueue.store.connection import Store
    from tests.support.plan.random_plan import RandomPlan
    from tests.support.store.script_clock import ScriptClock

#: A tick emits a second ahead.
_TICK_US = 900_000
_STEP_S = 10


async def run_in_store(store: Store, clock: ScriptClock, plan: RandomPlan, start_s: int) -> Outcome:
    """Return the outcome of the jobs whose periods begin in the longest period from start_s (epoch seconds) on.

    start_s: a multiple of all intervals.
    """
    await clock.set(start_s * 1_000_000 - 1_000)
    await _publish(store, plan)
    end_s = start_s + plan.longest_period_s
    last_s = end_s + plan.longest_period_s + max(demand.patience_s for demand in plan.demands)
    jobs = Counter[str]()
    for one in plan.demands:
        jobs[one.type] += one.subscriptions * ceil(plan.longest_period_s / period_s(one))
    ticker = await start_ticker(store, clock.now_us, period_us=_TICK_US)
    ticker.segments = [replace(one, until_s=end_s) for one in ticker.segments]
    worker = SimulatedWorker("ideal", slots=100_000)
    outcome = Outcome()
    while outcome.started.total() < jobs.total() and clock.now_us < last_s * 1_000_000:
        found = await work(store, clock, [ticker, worker], _STEP_S, Random(0))
        outcome.started.update(start.type for start in found)
    assert ticker.emitted == jobs.total()
    assert (await audit(store)).difference == 0
    outcome.expired.update(jobs - outcome.started)
    return outcome


async def _publish(store: Store, plan: RandomPlan) -> None:
    """Write limits, types and users."""
    version = await put_limits(store, 0, list(plan.limits.values()))
    types = [_task_type(demand, plan) for demand in plan.demands if not demand.chosen_s]
    await put_types(store, version, [TypeRecord(one, (Generation(1, one.schedule),)) for one in types])
    await set_rate(store, math.inf if plan.rate is None else plan.rate)
    subscribed = {one.name: Subscription(one.type, interval_s=one.chosen_s) for one in plan.demands}
    users = [
        UserSubscription(
            one.user_id,
            tuple(subscribed[name] for name in one.types),
            limits=one.limits,
            time_zone=plan.zones.get(one.user_id, "UTC"),
        )
        for one in plan.users
    ]
    assert await set_users(store, "folder", users) == []


def _task_type(demand: TypeDemand, plan: RandomPlan) -> TaskType:
    chosen = (one.chosen_s for one in plan.demands if one.type == demand.type)
    return TaskType(
        demand.type,
        replace(demand.schedule, intervals_s=tuple(one for one in chosen if one)),
        priority=demand.priority,
        cost=demand.cost,
        rate_limit=RateLimit(per_second=demand.per_second),
        starting_deadline_ms=None if demand.life_s is None else round(demand.life_s * 1_000),
        limits=demand.limits,
    )
