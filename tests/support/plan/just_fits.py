"""Plans that fit with hardly more room than they need: the ones that prove most."""

from bisect import bisect_left
from collections.abc import Callable

from taskqueue.plan.feasibility import check
from taskqueue.plan.verdict import Fit
from tests.support.plan.random_plan import RandomPlan

#: Limits have so many times what is asked of them: the first of these with which a plan fits.
_ROOMS = [0.95 * 1.04**step for step in range(80)]


def fits(plan: RandomPlan) -> bool:
    verdict = check(plan.demands, plan.rate, 0, limits=plan.limits, users=plan.users)
    return verdict.fit is not Fit.DOES_NOT_FIT


def just_fits(plan_of: Callable[[float], RandomPlan]) -> RandomPlan | None:
    """Return the plan with the least room that fits; None for one whose jobs come at once and are late at any rate."""
    found = bisect_left(_ROOMS, True, key=lambda room: fits(plan_of(room)))
    return plan_of(_ROOMS[found]) if found < len(_ROOMS) else None
