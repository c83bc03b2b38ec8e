"""The fit of a day, its tightest stretch, and the remedy."""

from dataclasses import replace
from functools import partial
from math import inf

import pytest

from taskqueue.models.values import Schedule
from taskqueue.plan.feasibility import check
from taskqueue.plan.limiter import STRETCH
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.plan.verdict import Feasibility, Fit, Interval
from tests.support.process.counted_calls import calls

HOUR = 3600
MONDAY = 1_767_571_200  # 2026-01-05 00:00 UTC
# A limit whose capacity is exactly 100 slots a second.
HUNDRED = 100 * STRETCH

STEADY = TypeDemand("steady", Schedule(interval_s=300), subscriptions=15_000)  # 50/s
NIGHTLY = TypeDemand("nightly", Schedule(cron="0 2 * * *"), subscriptions=270_000)  # 75/s from 2 to 3


def judged(*demands: TypeDemand, limit: float = HUNDRED) -> Feasibility:
    return check(demands, limit, retry_allowance=0)


def tightest(verdict: Feasibility) -> Interval:
    found = verdict.limits[0].tightest
    assert found is not None
    return found


def test_no_loads_fit() -> None:
    verdict = judged()
    assert (verdict.fit, verdict.limits[0].behind, verdict.change) == (Fit.FITS, (), "")


def test_a_fitting_day_names_its_busiest_stretch() -> None:
    verdict = judged(STEADY, replace(NIGHTLY, subscriptions=90_000))
    assert (verdict.fit, verdict.delay_s, verdict.change, verdict.late) == (Fit.FITS, 0, "", ())
    found = tightest(verdict)
    assert (found.start_s, found.end_s) == (MONDAY + 2 * HOUR, MONDAY + 3 * HOUR)
    assert [found.demand, found.capacity] == pytest.approx([75 * HOUR, 100 * HOUR])
    assert dict(verdict.limits[0].behind) == pytest.approx({"steady": 2 / 3, "nightly": 1 / 3})


def test_a_full_limit_fits_and_a_little_more_does_not() -> None:
    full = replace(STEADY, subscriptions=30_000)
    assert judged(full).fit is Fit.FITS
    assert judged(full, limit=HUNDRED * 0.999).fit is Fit.DOES_NOT_FIT
    assert check([full], HUNDRED).fit is Fit.DOES_NOT_FIT  # the allowance for retries
    assert check([full], HUNDRED * 1.1).fit is Fit.FITS


@pytest.mark.parametrize(
    ("own", "fit", "limits"),
    [(None, Fit.FITS, ()), (40, Fit.DOES_NOT_FIT, ("type:steady",))],
    ids=["no limit at all", "the limit of the type"],
)
def test_without_a_global_limit_only_others_bind(
    own: float | None, fit: Fit, limits: tuple[str, ...]
) -> None:
    verdict = judged(replace(STEADY, per_second=own), replace(NIGHTLY, cost=1000), limit=inf)
    assert (verdict.fit, tuple(found.limit for found in verdict.limits)) == (fit, limits)
    assert verdict.change == ("lengthen the interval of steady to 10m" if own else "")


def test_costs_count_and_types_without_subscriptions_do_not() -> None:
    assert judged(replace(STEADY, cost=2)).fit is Fit.FITS
    assert judged(replace(STEADY, cost=3)).fit is Fit.DOES_NOT_FIT
    assert judged(replace(STEADY, subscriptions=0, cost=99)).limits[0].behind == ()


def test_a_crowded_hour_fits_with_the_delay_its_backlog_takes() -> None:
    verdict = judged(NIGHTLY, replace(STEADY, life_s=inf))  # 125/s for an hour
    assert verdict.fit is Fit.DELAYED
    assert verdict.delay_s == pytest.approx(25 * HOUR / 100)
    assert (tightest(verdict).start_s, tightest(verdict).end_s) == (
        MONDAY + 2 * HOUR,
        MONDAY + 3 * HOUR,
    )
    assert verdict.limits[0].behind[0][0] == "nightly"
    assert dict(verdict.limits[0].behind) == pytest.approx({"nightly": 0.6, "steady": 0.4})
    assert verdict.late == ()
    assert verdict.change == "widen the window of nightly to 2h"


def test_a_wait_past_a_deadline_names_the_late_type() -> None:
    verdict = judged(NIGHTLY, STEADY)  # 900 s of delay, and the steady ones live for 300
    assert (verdict.fit, verdict.late) == (Fit.DOES_NOT_FIT, ("steady",))
    assert verdict.change == "widen the window of nightly to 2h"


def test_only_types_with_an_open_window_wait_for_a_backlog() -> None:
    impatient = TypeDemand("noon", Schedule(cron="0 12 * * *"), subscriptions=100, life_s=60)
    patient = replace(STEADY, life_s=inf)
    assert judged(NIGHTLY, patient, impatient).late == ()
    at_night = replace(impatient, type="night", schedule=Schedule(cron="30 2 * * *"))
    assert judged(NIGHTLY, patient, at_night).late == ("night",)


def test_a_backlog_at_midnight_meets_the_morning() -> None:
    late = TypeDemand(
        "late", Schedule(cron="0 23 * * *"), subscriptions=720_000, life_s=inf
    )  # 200/s from 23 to 24
    early = TypeDemand(
        "early", Schedule(cron="30 0 * * *"), subscriptions=540_000, life_s=inf
    )  # 150/s from 0:30
    verdict = judged(late, early)
    assert verdict.fit is Fit.DELAYED
    # 100/s * 3600 s are left at midnight, half of them until 0:30, and 50/s more come for an hour.
    assert verdict.delay_s == pytest.approx((360_000 - 180_000 + 180_000) / 100)


def test_a_window_across_midnight_counts_on_both_sides() -> None:
    crossing = TypeDemand("crossing", Schedule(cron="30 23 * * *"), subscriptions=720_000, life_s=300)
    verdict = judged(crossing)  # 200/s from 23:30 to 0:30
    assert verdict.fit is Fit.DOES_NOT_FIT
    assert verdict.delay_s == pytest.approx(HOUR)
    assert verdict.late == ("crossing",)
    assert tightest(verdict).demand == pytest.approx(720_000)


def test_a_day_with_more_demand_than_capacity_does_not_fit() -> None:
    verdict = judged(replace(STEADY, subscriptions=36_000))
    assert verdict.fit is Fit.DOES_NOT_FIT
    assert tightest(verdict).demand == pytest.approx(1.2 * tightest(verdict).capacity)
    assert verdict.change == "lengthen the interval of steady to 10m"


def test_the_limit_is_named_where_no_interval_helps() -> None:
    many = [
        TypeDemand(f"t{i}", Schedule(interval_s=300), subscriptions=3_000) for i in range(13)
    ]  # 130/s, 10/s each
    verdict = judged(*many)
    assert verdict.fit is Fit.DOES_NOT_FIT
    assert verdict.change == "raise the limit to 132/s"  # 130 * 1.015
    assert judged(*many, limit=132).fit is Fit.FITS
    assert judged(*many, limit=131).fit is not Fit.FITS
    assert len(verdict.limits[0].behind) == 5


def test_the_limit_is_raised_for_a_crowded_hour() -> None:
    packed = TypeDemand("packed", Schedule(cron="0 * * * *"), subscriptions=480_000, life_s=60)  # 133.3/s
    assert judged(packed).change == "raise the limit to 136/s"
    assert judged(packed, limit=136).fit is Fit.FITS


def test_short_intervals_count_as_their_mean() -> None:
    bursts = TypeDemand("bursts", Schedule(interval_s=60, window_s=5), subscriptions=5_000)  # 83/s
    assert judged(bursts).fit is Fit.FITS


def test_300_types_are_judged_quickly() -> None:
    intervals = (60, 120, 300, 600, 3_600)
    demands = [
        *(
            TypeDemand(f"i{i}", Schedule(interval_s=intervals[i % 5], window_s=(30, None)[i % 2]), 30)
            for i in range(200)
        ),
        *(TypeDemand(f"c{i}", Schedule(cron=f"{i % 60} {i % 24} * * *"), 300) for i in range(100)),
    ]
    limits = (1_000, 100, 20)
    assert {check(demands, limit).fit for limit in limits} == set(Fit)
    # Counted: 31,029 and 193,559 and 247,287, which took 5, 30 and 40 ms.
    assert max(calls(partial(check, demands, limit)) for limit in limits) < 500_000
