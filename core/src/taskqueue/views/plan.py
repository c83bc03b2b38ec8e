"""The plan of a day: the starts of each minute, in all and at each limit, and the demand of each type."""

from collections.abc import Sequence
from datetime import date

from taskqueue.models.limit_tree import path_of
from taskqueue.models.quantity import written_rate
from taskqueue.models.values import LimitKey
from taskqueue.plan.cron import DAY_S
from taskqueue.plan.forecast import starts
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.views.demands import Plan
from taskqueue.views.instant import at
from taskqueue.views.schedule_text import schedule_text
from taskqueue.views.view import Instant, View

_STEP_S = 60
#: The days that can be planned: schedules also look at the days around them.
FIRST_DAY, LAST_DAY = date(1970, 1, 2), date(2999, 12, 31)


class PlanTypeRow(View):
    """The demand of a type, or of its subscriptions that chose an interval.

    zones: subscriptions in each zone of users, where they have their own.   slots_per_day: starts, weighted by cost.
    """

    type: str
    schedule: str
    subscriptions: int
    zones: dict[str, int]
    cost: int
    slots_per_day: int


class LimitPlan(View):
    """The starts that take from a limit, in each step of the day, weighted by cost."""

    limit: str
    rate_per_second: float
    starts: list[float]


class PlanDay(View):
    """A day, in steps.   rate_per_second: of the global limit; `none` or None: there is none.

    starts: in each step, weighted by cost.   types: those with most demand first.   limits: with key Release, by name.
    """

    day_start: Instant
    step_seconds: int
    rate_per_second: float | str | None
    starts: list[float]
    types: list[PlanTypeRow]
    limits: list[LimitPlan]


def plan_day(plan: Plan, day_start_s: int) -> PlanDay:
    """Return the plan of the day that begins at an instant, epoch s. Raises ScheduleError.

    It reckons for some tenths of a second where there are hundreds of types.
    """
    return PlanDay(
        day_start=at(day_start_s * 1000),
        step_seconds=_STEP_S,
        rate_per_second=None if plan.rate is None else written_rate(plan.rate),
        starts=_curve(plan.demands, day_start_s),
        types=_types(plan.demands, day_start_s),
        limits=_limits(plan, day_start_s),
    )


def _types(demands: Sequence[TypeDemand], day_start_s: int) -> list[PlanTypeRow]:
    rows = [
        PlanTypeRow(
            type=demand.type,
            schedule=schedule_text(demand.schedule),
            subscriptions=demand.subscriptions,
            zones=dict(demand.zones),
            cost=demand.cost,
            slots_per_day=round(sum(starts([demand], day_start_s, DAY_S))),
        )
        for demand in demands
    ]
    return sorted(rows, key=lambda row: -row.slots_per_day)


def _limits(plan: Plan, day_start_s: int) -> list[LimitPlan]:
    taking: dict[str, list[TypeDemand]] = {}
    for demand in plan.demands:
        for limit in path_of(demand.limits, plan.limits).release:
            taking.setdefault(limit.name, []).append(demand)
    return [
        LimitPlan(
            limit=name,
            rate_per_second=limit.per_second,
            starts=_curve(taking.get(name, []), day_start_s),
        )
        for name, limit in sorted(plan.limits.items())
        if limit.key is LimitKey.RELEASE
    ]


def _curve(demands: Sequence[TypeDemand], day_start_s: int) -> list[float]:
    return [round(number, 3) for number in starts(demands, day_start_s, _STEP_S)]
