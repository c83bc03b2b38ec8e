"""The answer whether the limits allow the demand of a day."""

from pydantic import Field

from taskqueue.models.quantity import written_rate
from taskqueue.models.values import LimitKey
from taskqueue.plan.feasibility import check
from taskqueue.plan.verdict import Fit, Interval, LimitVerdict, UserShare
from taskqueue.views.demands import Plan
from taskqueue.views.instant import at
from taskqueue.views.view import Instant, View


class Tightest(View):
    """The interval in which a limit is tightest: demand (with retries) and capacity, in slots of the limit."""

    begins: Instant = Field(alias="from")
    ends: Instant = Field(alias="to")
    demand: float
    capacity: float


class UsersOfLimit(View):
    """The users of a limit.   over: users with too many jobs for it.

    worst: the user with most demand for the rate in force; `needed_per_second` would be enough for it.
    """

    users: int
    over: int
    worst: str
    needed_per_second: float
    rate_per_second: float


class LimitVerdictRow(View):
    """The answer for one limit: its name, `global`, or type:TYPE for a type's own.

    use: demand over capacity where it is tightest, for a User limit of the worst user.   delay_seconds: the longest a
    job waits for the limit while it fits.   tightest: None for a User limit.   behind: the types with most demand
    there, each with its share.   change: the cheapest one, empty if all fits.
    """

    limit: str
    key: LimitKey
    rate_per_second: float
    verdict: Fit
    use: float
    delay_seconds: float
    tightest: Tightest | None
    behind: dict[str, float]
    users: UsersOfLimit | None
    change: str


class PlanVerdict(View):
    """The answer for a day.   limit, tightest, behind: of the tightest limit, if any has demand.

    rate_per_second: of the global limit, or `none`.   delay_seconds: the longest a job waits for the backlog of a
    limit.   late: types with jobs that would wait past their deadline.   unknown_limits: that nothing declares, each
    with the types whose jobs wait for it.   change: the cheapest one, empty if all fits.   limits: the tightest first.
    """

    verdict: Fit
    rate_per_second: float | str
    delay_seconds: float
    limit: str | None
    tightest: Tightest | None
    behind: dict[str, float] | None
    late: list[str]
    unknown_limits: dict[str, list[str]]
    change: str
    limits: list[LimitVerdictRow]


def check_plan(plan: Plan, rate: float, day_start_s: int) -> PlanVerdict:
    """Judge the plan of the day that begins at an instant, epoch s. Raises ScheduleError.

    rate: of the global limit, starts per second; infinite for none.
    """
    found = check(plan.demands, rate, limits=plan.limits, users=plan.users, day_start_s=day_start_s)
    limits = [_limit(one) for one in found.limits]
    first = limits[0] if limits else None
    return PlanVerdict(
        verdict=found.fit,
        rate_per_second=written_rate(rate),
        delay_seconds=round(found.delay_s, 3),
        limit=first and first.limit,
        tightest=first and first.tightest,
        behind=first and first.behind,
        late=list(found.late),
        unknown_limits={name: list(types) for name, types in found.unknown},
        change=found.change,
        limits=limits,
    )


def _limit(found: LimitVerdict) -> LimitVerdictRow:
    return LimitVerdictRow(
        limit=found.limit,
        key=found.key,
        rate_per_second=found.per_second,
        verdict=found.fit,
        use=round(found.use, 4),
        delay_seconds=round(found.delay_s, 3),
        tightest=_tightest(found.tightest) if found.tightest else None,
        behind={name: round(share, 4) for name, share in found.behind},
        users=_users(found.users) if found.users else None,
        change=found.change,
    )


def _tightest(found: Interval) -> Tightest:
    return Tightest(
        begins=at(found.start_s * 1000),
        ends=at(found.end_s * 1000),
        demand=round(found.demand, 3),
        capacity=round(found.capacity, 3),
    )


def _users(found: UserShare) -> UsersOfLimit:
    return UsersOfLimit(
        users=found.users,
        over=found.over,
        worst=found.worst,
        needed_per_second=round(found.needed_per_s, 6),
        rate_per_second=found.per_second,
    )
