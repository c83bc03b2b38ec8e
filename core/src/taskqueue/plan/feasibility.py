"""The verdict whether the demand of a day fits under the limits, and the cheapest change if it does not.

Demand is summed for each limit over the types that take from it, and up to the limits around it; for a User limit over
each user's types. It includes an allowance for retries; capacity is the rate that the limiter admits (`limiter`), less
the loss of inner limits to outer ones (`margins`). A job waits for all limits of its path.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from taskqueue.models.values import Limit
from taskqueue.plan.limit_paths import GLOBAL, Paths, find_paths
from taskqueue.plan.limit_verdicts import Day, judge_shared
from taskqueue.plan.margins import Blocking, Bunching
from taskqueue.plan.places import deal
from taskqueue.plan.schedule import shortest_gap_s
from taskqueue.plan.service import Service, limited_by_user, serve_day, wait_on_path_s
from taskqueue.plan.spread import spread_class
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.plan.user_demand import UserDemand, alone
from taskqueue.plan.user_jobs import UserJob
from taskqueue.plan.user_limits import UserLimits
from taskqueue.plan.user_verdict import serve_users
from taskqueue.plan.verdict import Feasibility, Fit, LimitVerdict
from taskqueue.plan.verdict_text import names_of

# Monday 2026-01-05 00:00 UTC: an ordinary working day, for callers without a day.
ORDINARY_DAY_S = 1_767_571_200
_NO_LIMITS: Mapping[str, Limit] = MappingProxyType({})


def check(
    demands: Iterable[TypeDemand],
    rate_per_s: float | None,
    retry_allowance: float = 0.1,
    *,
    limits: Mapping[str, Limit] = _NO_LIMITS,
    users: Sequence[UserDemand] | None = None,
    day_start_s: int = ORDINARY_DAY_S,
) -> Feasibility:
    """Judge the demands against all limits over the 24 hours from day_start_s on.

    rate_per_s: the global limit (slots a second); None or infinite: there is none.   limits: by name.   users: the
    types of each, for limits of key User; None: every subscription stands alone.   retry_allowance: retries expected
    per first start.

    It does not fit if a day asks more of a limit than it gives, if a job would wait past its deadline, or if a type
    names a limit that nothing declares. Raises ScheduleError.

    >>> from taskqueue.models.values import Schedule
    >>> verdict = check([TypeDemand("sync", Schedule(interval_s=300), 33_000)], rate_per_s=100)
    >>> verdict.fit.value, verdict.change
    ('DoesNotFit', 'lengthen the interval of sync to 10m')
    """
    plan = {demand.name: demand for demand in demands if demand.subscriptions}
    factor = 1 + retry_allowance
    paths = find_paths(plan.values(), limits, None if rate_per_s == math.inf else rate_per_s)
    blocking = Blocking(paths, plan.values(), factor)
    moved = limited_by_user(paths, plan.values())
    bunching = _bunching(plan.values(), users or (), paths, moved, day_start_s)
    services = serve_day(paths, blocking, bunching, day_start_s=day_start_s, factor=factor)
    waits_s = {
        name: wait_on_path_s(plan[name], [services[limit] for limit in path]) if path else 0.0
        for name, path in paths.by_type.items()
    }
    late = _late_by_limit(plan, paths, services, waits_s)
    jobs = {name: _user_job(plan[name], waits_s[name], blocking) for name in moved}
    all_users = alone(moved) if users is None else users
    user_limits = serve_users(all_users, UserLimits(jobs, limits, paths, factor), moved)
    for found in user_limits.values():
        late.setdefault(found.limit, set()).update(found.late)
        for name, wait_s in found.waits_s.items():
            waits_s[name] += wait_s
    day = Day(day_start_s, factor, bunching, blocking, waits_s, users or ())
    verdicts = [judge_shared(service, late.get(name, ()), day) for name, service in services.items()]
    verdicts += [found.verdict(limits) for found in user_limits.values()]
    return _summary(verdicts, services.values(), paths, set().union(*late.values(), paths.unknown), plan)


def _bunching(
    demands: Collection[TypeDemand],
    users: Sequence[UserDemand],
    paths: Paths,
    moved: Collection[str],
    day_start_s: int,
) -> Bunching:
    """Return the signs by which jobs bunch; places are dealt only where a limit has a part of the types."""
    classes = Counter[str]()
    for demand in demands:
        classes[spread_class(demand.schedule).name] += demand.subscriptions
    are_parted = any(path and path != (GLOBAL,) for path in paths.by_type.values())
    return Bunching(classes, moved, deal(demands, users) if users and are_parted else {}, day_start_s)


def _user_job(demand: TypeDemand, shared_s: float, blocking: Blocking) -> UserJob:
    gap_s = shortest_gap_s(demand.schedule)
    return UserJob(demand, gap_s, demand.patience_s, shared_s, *blocking.of_user(demand))


def _late_by_limit(
    plan: Mapping[str, TypeDemand],
    paths: Paths,
    services: Mapping[str, Service],
    waits_s: Mapping[str, float],
) -> dict[str, set[str]]:
    """Return the types that would wait past their deadline, by the limit of their path with the longest wait."""
    late: dict[str, set[str]] = {}
    for name, demand in plan.items():
        if waits_s[name] > demand.patience_s:
            path = [services[limit] for limit in paths.by_type[name]]
            slowest = max(path, key=lambda service: service.delay_s + service.bunch_s)
            late.setdefault(slowest.limit.name, set()).add(name)
    return late


def _summary(
    verdicts: Iterable[LimitVerdict],
    services: Iterable[Service],
    paths: Paths,
    late: Collection[str],
    plan: Iterable[str],
) -> Feasibility:
    order = list(Fit)
    tightest_first = sorted(verdicts, key=lambda verdict: (-order.index(verdict.fit), -verdict.use))
    fit = tightest_first[0].fit if tightest_first else Fit.FITS
    change = next((verdict.change for verdict in tightest_first if verdict.change), "")
    waiting: dict[str, list[str]] = {}
    for task_type, names in paths.unknown.items():
        for name in names:
            waiting.setdefault(name, []).append(task_type)
    if waiting:
        fit, change = Fit.DOES_NOT_FIT, f"declare the RateLimit {names_of(sorted(waiting))}"
    return Feasibility(
        fit=fit,
        delay_s=max((service.delay_s for service in services), default=0.0),
        limits=tuple(tightest_first),
        late=tuple(name for name in plan if name in late),
        unknown=tuple((name, tuple(types)) for name, types in sorted(waiting.items())),
        change=change,
    )
