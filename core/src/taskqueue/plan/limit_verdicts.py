"""The verdict on a limit that jobs share: whether its demand fits, the types behind it, and the cheapest change."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor

from taskqueue.models.values import LimitKey
from taskqueue.plan.demand import demand_between, steps_of_day
from taskqueue.plan.limit_paths import SharedLimit
from taskqueue.plan.margins import Blocking, Bunching
from taskqueue.plan.remedy import cheapest_change
from taskqueue.plan.service import Service, serve, wait_on_path_s
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.plan.user_demand import UserDemand
from taskqueue.plan.verdict import NAMED_TYPES, Fit, Interval, LimitVerdict


@dataclass(frozen=True, slots=True)
class Day:
    """The plan around a limit.

    factor: starts per first start.   waits_s: the longest wait of each type for all its limits.
    users: none if they are not known.
    """

    start_s: int
    factor: float
    bunching: Bunching
    blocking: Blocking
    waits_s: Mapping[str, float]
    users: Sequence[UserDemand]


def judge_shared(service: Service, late: Collection[str], day: Day) -> LimitVerdict:
    """Judge a limit that jobs share. Raises ScheduleError.

    late: types that wait past their deadline, for this limit most of all.
    """
    limit, demands = service.limit, service.demands
    fit = Fit.DELAYED if service.found.peak.slots else Fit.FITS
    if service.found.lasting or late:
        fit = Fit.DOES_NOT_FIT
    start_s, end_s = _tightest(service)
    shares = sorted(
        ((demand_between(demand, start_s, end_s), demand) for demand in demands),
        key=lambda share: -sum(share[0]),
    )
    total = sum(sum(slots) for slots, _ in shares)
    behind = [(demand, slots) for slots, demand in shares[:NAMED_TYPES] if any(slots)]
    capacity = service.capacity * day.factor * (end_s - start_s) + limit.burst - 1
    change = ""
    if fit is not Fit.FITS:
        accepts = _acceptance(service, day)
        users = _count_users(demands, day.users)
        types = [demand for demand, _ in behind]
        change = cheapest_change(limit.name, demands, types, limit.per_second, users, accepts)
    return LimitVerdict(
        limit=limit.name,
        key=LimitKey.RELEASE,
        per_second=limit.per_second,
        fit=fit,
        use=total * day.factor / capacity,
        delay_s=service.delay_s,
        tightest=Interval(floor(start_s), ceil(end_s), total * day.factor, capacity),
        behind=tuple((_name_behind(demand, slots), sum(slots) / total) for demand, slots in behind),
        users=None,
        change=change,
    )


def _name_behind(demand: TypeDemand, slots: Sequence[float]) -> str:
    """Return the name of a demand, with the zone if only one of its zones asks for slots.   slots: of each zone."""
    zones = [zone for (zone, _), asked in zip(demand.zones, slots, strict=False) if asked]
    return f"{demand.name} in {zones[0]}" if len(zones) == 1 < len(demand.zones) else demand.name


def _count_users(demands: Iterable[TypeDemand], users: Iterable[UserDemand]) -> int:
    """Return the number of users with one of these types."""
    types = {demand.name for demand in demands}
    return sum(user.users for user in users if not types.isdisjoint(user.types))


def _acceptance(service: Service, day: Day) -> Callable[[Sequence[TypeDemand], float], bool]:
    """Return the test whether a change makes the demand of a limit fit better, all other limits being as they are."""
    others_s = {
        demand.name: max(0.0, day.waits_s[demand.name] - service.delay_s - service.bunch_s)
        for demand in service.demands
    }

    steps = steps_of_day(service.demands, day.start_s)

    def is_late(demand: TypeDemand, found: Service) -> bool:
        left_s = demand.patience_s - others_s[demand.name]
        if left_s < 0 or found.delay_s + found.bunch_s <= left_s:
            return False  # late for the other limits alone, or for none
        return wait_on_path_s(demand, [found]) > left_s

    def fit(limit: SharedLimit, demands: Sequence[TypeDemand]) -> Fit:
        bunched = day.bunching.slots(demands)
        capacity = day.blocking.capacity(limit) / day.factor
        due = steps if demands is service.demands else steps_of_day(demands, day.start_s)
        found = serve(limit, demands, due, capacity, bunched)
        if found.found.lasting or any(is_late(demand, found) for demand in demands):
            return Fit.DOES_NOT_FIT
        return Fit.DELAYED if found.found.peak.slots else Fit.FITS

    order = list(Fit)
    now = fit(service.limit, service.demands)

    def accepts(demands: Sequence[TypeDemand], per_second: float) -> bool:
        return order.index(fit(replace(service.limit, per_second=per_second), demands)) < order.index(now)

    return accepts


def _tightest(service: Service) -> tuple[float, float]:
    peak = service.found.peak
    if peak.slots:
        return peak.start_s, peak.end_s
    busiest = max(service.steps, key=lambda step: step.rate)
    return busiest.start_s, busiest.end_s
