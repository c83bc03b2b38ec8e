"""Random plans with limits within each other: of those that fit, no job expires; and they need little room to fit."""

from dataclasses import replace
from functools import partial
from math import ceil
from random import Random

import pytest

from taskqueue.models.values import LimitKey, Priority, Schedule
from taskqueue.plan.feasibility import check
from taskqueue.plan.verdict import Fit
from tests.support.plan.just_fits import fits, just_fits
from tests.support.plan.random_plan import NOTHING, RandomPlan, needed, period_s, random_plan
from tests.support.plan.simulation import simulate

MONDAY = 1_767_571_200  # 2026-01-05 00:00 UTC
#: Limits have from a little less than what is asked of them to half more.
NEAR = (0.95, 1.5)
PLANS = range(0, 200, 50)
#: Schedules of users in many zones, and intervals beside them.
CRONS = ("0 * * * *", "30 */2 * * *")
LONG_S = (600, 1200, 3600)
#: From this many starts a second on, a limit takes nothing from those within it (`margins`).
FAST = 102


@pytest.mark.parametrize("first", PLANS)
def test_no_job_of_a_plan_that_fits_expires(first: int) -> None:
    proven = 0
    for seed in range(first, first + PLANS.step):
        plan = random_plan(Random(seed), NEAR)
        if not fits(plan):
            continue
        outcome = simulate(plan, MONDAY, MONDAY + 3 * plan.longest_period_s)
        assert not outcome.expired, f"plan {seed}: {outcome.expired}"
        proven += 1
    assert proven >= 10, "only plans that fit prove something"


def test_no_job_of_users_in_many_zones_expires() -> None:
    """Windows of an hour, and whole ones: in a part of an hour, the places of several zones come together."""
    proven = 0
    for seed in range(40):
        plan = just_fits(partial(in_zones, seed))
        if plan is None:
            continue
        outcome = simulate(plan, MONDAY, MONDAY + 3 * plan.longest_period_s)
        assert not outcome.expired, f"plan {seed}: {outcome.expired}"
        proven += any(one.subscriptions for one in plan.demands if one.zones)
    assert proven >= 20, "only plans with zones prove something"


def in_zones(seed: int, room: float) -> RandomPlan:
    return random_plan(Random(seed), (room, room), LONG_S, CRONS, users=400)


def test_a_plan_at_90_percent_of_every_limit_fits() -> None:
    for seed in range(40):
        plan = at_90_percent(random_plan(Random(seed), NEAR))
        verdict = check(plan.demands, plan.rate, 0, limits=plan.limits, users=plan.users)
        assert verdict.fit is Fit.FITS, f"plan {seed}: {verdict}"
        assert not verdict.limits or max(found.use for found in verdict.limits) == pytest.approx(
            0.918, abs=0.02
        )


def at_90_percent(plan: RandomPlan) -> RandomPlan:
    """Return a plan of the same shape with whole windows, wide deadlines, and many users under fast limits."""
    demands = [
        replace(
            demand,
            type=demand.name,
            chosen_s=None,
            cost=1,
            schedule=Schedule(interval_s=period_s(demand) // 10),
            life_s=3_600,
            priority=Priority.NORMAL,
            per_second=None,
            limits=at_most_one_of_users(demand.limits, plan),
        )
        for demand in plan.demands
    ]
    asked = [needed(limit, demands, plan.users, plan.limits) for limit in plan.limits.values()]
    times = ceil(FAST / min(one for one in (FAST, *asked) if one > NOTHING))
    many = [replace(demand, subscriptions=demand.subscriptions * times) for demand in demands]
    users = [replace(user, users=times, limits=()) for user in plan.users]
    limits = {
        name: replace(limit, burst=1, per_second=needed(limit, many, users, plan.limits) / 0.9)
        for name, limit in plan.limits.items()
    }
    total = sum(demand.slots / period_s(demand) for demand in many)
    return RandomPlan(tuple(many), tuple(users), limits, plan.rate and total / 0.9)


def at_most_one_of_users(names: tuple[str, ...], plan: RandomPlan) -> tuple[str, ...]:
    """Leave out all User limits but one: two of them cost each other starts."""
    users = [name for name in names if plan.limits[name].key is LimitKey.USER]
    return tuple(name for name in names if name not in users[1:])
