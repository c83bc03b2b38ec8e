"""Random plans in the store, on the scripts' clock: of those that just fit, no job expires.

TASKQUEUE_FUZZ=200 runs as many new plans instead of a few.
"""

import os
from random import Random

import pytest

from taskqueue.store.connection import Store
from tests.support.plan.just_fits import just_fits
from tests.support.plan.random_plan import random_plan
from tests.support.plan.store_run import run_in_store
from tests.support.store.script_clock import ScriptClock

FUZZ = int(os.environ.get("TASKQUEUE_FUZZ") or "0")
FIRST = int.from_bytes(os.urandom(4)) if FUZZ else 0
HOUR_S = 1_800_000_000
#: Short ones, as workers poll also while nothing is due; windows of the longest one leave a pause.
INTERVALS_S = (10, 20, 30, 60, 120)
#: In the zones of users.
CRONS = ("* * * * *", "*/2 * * * *")


@pytest.mark.parametrize("seed", range(FIRST, FIRST + (FUZZ or 15)))
async def test_no_job_of_a_plan_that_just_fits_expires(seed: int, store: Store, clock: ScriptClock) -> None:
    plan = just_fits(lambda room: random_plan(Random(seed), (room, room), INTERVALS_S, CRONS))
    if plan is None:
        pytest.skip("jobs that come at once are late at any of these rates")
    outcome = await run_in_store(store, clock, plan, HOUR_S)
    assert not outcome.expired
