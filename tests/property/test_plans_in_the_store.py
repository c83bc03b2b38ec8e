"""Random plans in the store, on the scripts' clock: of those that just fit, no job expires.

TASKQUEUE_FUZZ=200 runs as many new plans instead of a few.
"""

import os
from bisect import bisect_left
from random import Random

import pytest

from taskqueue.plan.feasibility import check
from taskqueue.plan.verdict import Fit
from taskqueue.store.connection import Store
from tests.support.plan.random_plan import RandomPlan, random_plan
from tests.support.plan.store_run import run_in_store
from tests.support.store.script_clock import ScriptClock

FUZZ = int(os.environ.get("TASKQUEUE_FUZZ") or "0")
FIRST = int.from_bytes(os.urandom(4)) if FUZZ else 0
HOUR_S = 1_800_000_000
#: Short ones, as workers poll also while nothing is due; windows of the longest one leave a pause.
INTERVALS_S = (10, 20, 30, 60, 120)
#: Limits have so many times what is asked of them: the first of these with which a plan fits.
ROOMS = [0.95 * 1.04**step for step in range(80)]


def just_fits(seed: int) -> RandomPlan:
    """Return a plan that fits with hardly more room than it needs; skip one that fits with no room."""

    def plan_of(room: float) -> RandomPlan:
        return random_plan(Random(seed), (room, room), INTERVALS_S)

    def fits(room: float) -> bool:
        plan = plan_of(room)
        verdict = check(plan.demands, plan.rate, 0, limits=plan.limits, users=plan.users)
        return verdict.fit is not Fit.DOES_NOT_FIT

    found = bisect_left(ROOMS, True, key=fits)
    if found == len(ROOMS):
        pytest.skip("jobs that come at once are late at any of these rates")
    return plan_of(ROOMS[found])


@pytest.mark.parametrize("seed", range(FIRST, FIRST + (FUZZ or 15)))
async def test_no_job_of_a_plan_that_just_fits_expires(seed: int, store: Store, clock: ScriptClock) -> None:
    outcome = await run_in_store(store, clock, just_fits(seed), HOUR_S)
    assert not outcome.expired
