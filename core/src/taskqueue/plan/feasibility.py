"""The verdict whether the demand of a day fits under the limits, and the cheapest change if it does not.

Demand includes an allowance for retries; capacity is the rate that the limiter admits (`limiter.STRETCH`). The limits
of types and users are judged one by one.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from taskqueue.plan.demand import Peak, Step, backlog, demand_between, is_steady, steps_of_day
from taskqueue.plan.limiter import STRETCH
from taskqueue.plan.remedy import cheapest_change, raised_limit
from taskqueue.plan.schedule import occurrences, shortest_gap_s, window_s
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.plan.verdict import Feasibility, Fit, Interval, Scope, Violation

# The spacing of starts in units of 1 / R, as the store's limiter has it.
# Number of types named for the tightest interval.
NAMED_TYPES = 5
# Monday 2026-01-05 00:00 UTC: an ordinary working day, for callers without a day.
ORDINARY_DAY_S = 1_767_571_200


class _Outcome(NamedTuple):
    """waits_s: the longest wait for the global limit in each step of the day; delay_s: the longest of all."""

    fit: Fit
    peak: Peak
    waits_s: list[float]
    delay_s: float


def check(
    demands: Iterable[TypeDemand],
    rate_per_s: float,
    retry_allowance: float = 0.1,
    *,
    day_start_s: int = ORDINARY_DAY_S,
) -> Feasibility:
    """Judge the demands against the global limit (slots a second) over the 24 hours from day_start_s on.

    retry_allowance: retries expected per first start. It does not fit if a day asks for more than it gives,
    if a job would wait past its deadline, or if demand exceeds the limit of a type or user. Raises ScheduleError.

    >>> from taskqueue.models.values import Schedule
    >>> verdict = check([TypeDemand("sync", Schedule(interval_s=300), 33_000)], rate_per_s=100)
    >>> verdict.fit.value, verdict.change
    ('DoesNotFit', 'lengthen the interval of sync to 10m')
    """
    demands = [demand for demand in demands if demand.subscriptions]
    factor = 1 + retry_allowance
    steps = steps_of_day(demands, day_start_s)

    def judge(changed: Sequence[TypeDemand], limit_per_s: float) -> _Outcome:
        demanded = steps if changed is demands else steps_of_day(changed, day_start_s)
        return _judge(changed, demanded, limit_per_s / STRETCH / factor)

    outcome = judge(demands, rate_per_s)
    start_s, end_s = _tightest(steps, outcome.peak)
    shares = sorted(
        ((demand_between(demand, start_s, end_s), demand) for demand in demands), key=lambda share: -share[0]
    )
    total = sum(slots for slots, _ in shares)
    behind = [(demand, slots / total) for slots, demand in shares[:NAMED_TYPES] if slots]
    violations = tuple(found for demand in demands for found in _violations(demand, factor))
    change = ""
    if outcome.fit is not Fit.FITS:
        types = [demand for demand, _ in behind]
        change = cheapest_change(
            demands, types, rate_per_s, lambda changed, limit: _better(judge(changed, limit).fit, outcome.fit)
        )
    elif violations:
        change = raised_limit(max(violations, key=lambda found: found.needed_per_s / found.limit_per_s))
    capacity = rate_per_s / STRETCH * (end_s - start_s)
    return Feasibility(
        fit=Fit.DOES_NOT_FIT if violations else outcome.fit,
        delay_s=outcome.delay_s,
        tightest=Interval(start_s, end_s, total * factor, capacity),
        behind=tuple((demand.type, share) for demand, share in behind),
        late=tuple(
            demand.type for demand in demands if _is_late(demand, steps, outcome.waits_s, outcome.delay_s)
        ),
        violations=violations,
        change=change,
    )


def _better(fit: Fit, than: Fit) -> bool:
    order = list(Fit)
    return order.index(fit) < order.index(than)


def _tightest(steps: Sequence[Step], peak: Peak) -> tuple[int, int]:
    if peak.slots:
        return peak.start_s, peak.end_s
    busiest = max(steps, key=lambda step: step.rate)
    return busiest.start_s, busiest.end_s


def _violations(demand: TypeDemand, factor: float) -> Iterator[Violation]:
    """Yield the limits, of the type and of one user, that this type's own demand exceeds."""
    gap = shortest_gap_s(demand.schedule)
    # The work of a window may continue after it, until the next period begins or its deadline passes.
    served_s = min(gap, window_s(demand.schedule) + _life_s(demand))
    needed = demand.slots * factor * STRETCH / served_s
    if demand.per_second is not None and needed > demand.per_second:
        yield Violation(demand.type, Scope.TYPE, needed, demand.per_second)
    needed = demand.cost * factor * STRETCH / gap
    if demand.per_user_per_second is not None and needed > demand.per_user_per_second:
        yield Violation(demand.type, Scope.USER, needed, demand.per_user_per_second)


def _judge(demands: Sequence[TypeDemand], steps: Sequence[Step], capacity: float) -> _Outcome:
    levels, peak, lasting = backlog(steps, capacity)
    # Jobs start in the order of their dues: a job due now waits for the present backlog.
    waits = [max(edge) / capacity for edge in pairwise(levels)]
    if not peak.slots:
        return _Outcome(Fit.FITS, peak, waits, 0.0)
    delay = max(waits)
    late = lasting or any(_is_late(demand, steps, waits, delay) for demand in demands)
    return _Outcome(Fit.DOES_NOT_FIT if late else Fit.DELAYED, peak, waits, delay)


def _is_late(demand: TypeDemand, steps: Sequence[Step], waits: Sequence[float], delay: float) -> bool:
    """Tell whether jobs of this type would wait past their deadline."""
    life = _life_s(demand)
    if delay <= life or is_steady(demand.schedule):
        return delay > life
    window = window_s(demand.schedule)
    starts = occurrences(demand.schedule, steps[0].start_s - window + 1, steps[-1].end_s)
    edges = [step.start_s for step in steps]
    spans = ((bisect_right(edges, start) - 1, bisect_left(edges, start + window)) for start in starts)
    return any(max(waits[max(0, first) : end]) > life for first, end in spans)


def _life_s(demand: TypeDemand) -> float:
    return shortest_gap_s(demand.schedule) if demand.life_s is None else demand.life_s
