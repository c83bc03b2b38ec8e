"""The verdict per limit: demand is summed over types, over each user's types, and up the path."""

from dataclasses import replace
from itertools import product
from math import inf

import pytest

from taskqueue.models.values import Limit, LimitKey, Priority, Schedule, UserLimit
from taskqueue.plan.feasibility import check
from taskqueue.plan.limiter import OWN_STRETCH, STRETCH
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.plan.user_demand import UserDemand
from taskqueue.plan.verdict import Feasibility, Fit, LimitVerdict

HOUR = 3600
EACH_10_S = Schedule(interval_s=10)
NIGHTLY = Schedule(cron="0 2 * * *")
TEN = [TypeDemand(f"t{number}", EACH_10_S, 30, limits=("shop",)) for number in range(10)]
SHOP = Limit("shop", LimitKey.USER, 0.2)
APP = Limit("app", LimitKey.RELEASE, 100)
ORDERS = Limit("orders", LimitKey.RELEASE, 10, within="app")
#: A shop has all ten types, the others have one.
ALL = UserDemand("ada", tuple(demand.type for demand in TEN))
ONE = UserDemand("bob", ("t0",), users=29)


def by_name(*limits: Limit) -> dict[str, Limit]:
    return {limit.name: limit for limit in limits}


def judged(
    *demands: TypeDemand,
    limits: tuple[Limit, ...] = (),
    users: list[UserDemand] | None = None,
    rate: float | None = None,
    retries: float = 0,
) -> Feasibility:
    return check(demands, rate, retries, limits=by_name(*limits), users=users)


def verdict_on(name: str, found: Feasibility) -> LimitVerdict:
    (verdict,) = (verdict for verdict in found.limits if verdict.limit == name)
    return verdict


def test_types_of_a_user_are_summed_at_a_user_limit() -> None:
    found = judged(*TEN, limits=(SHOP,), users=[ALL, ONE], rate=1_000)
    verdict = found.limits[0]
    assert (found.fit, verdict.limit, verdict.fit) == (Fit.DOES_NOT_FIT, "shop", Fit.DOES_NOT_FIT)
    assert verdict.users is not None
    assert (verdict.users.users, verdict.users.over, verdict.users.worst) == (30, 1, "ada")
    assert verdict.users.needed_per_s == pytest.approx(OWN_STRETCH)  # one start a second
    assert verdict.use == pytest.approx(5 * OWN_STRETCH)
    assert found.change == "raise shop to 62 per 1m"
    assert (
        judged(*TEN, limits=(replace(SHOP, per_second=62 / 60),), users=[ALL, ONE], rate=1_000).fit
        is Fit.FITS
    )
    assert len(verdict.behind) == 5


def test_every_subscription_stands_alone_where_users_are_not_known() -> None:
    assert judged(*TEN, limits=(SHOP,), rate=1_000).fit is Fit.FITS


def test_values_of_a_user_take_the_place_of_the_limits() -> None:
    own = replace(ALL, limits=(UserLimit("shop", 2),))
    assert judged(*TEN, limits=(SHOP,), users=[own, ONE], rate=1_000).fit is Fit.FITS
    slow = replace(own, limits=(UserLimit("shop", 0.5),))
    found = judged(*TEN, limits=(replace(SHOP, per_second=2),), users=[slow, ONE], rate=1_000)
    assert (found.fit, found.change) == (Fit.DOES_NOT_FIT, "raise shop to 62 per 1m for ada")
    assert found.limits[0].per_second == 2


def test_an_interval_is_lengthened_where_that_is_enough_for_all_users() -> None:
    types = [
        TypeDemand("often", Schedule(interval_s=60), 2, limits=("shop",)),
        TypeDemand("seldom", NIGHTLY, 1),
    ]
    users = [UserDemand("ada", ("often", "seldom")), UserDemand("bob", ("often",))]
    found = judged(*types, limits=(replace(SHOP, per_second=0.01),), users=users)
    assert found.change == "lengthen the interval of often to 2m"


def test_a_bucket_lets_all_jobs_of_an_instant_start_at_once() -> None:
    types = [
        TypeDemand(f"t{number}", Schedule(interval_s=600), 1, limits=("shop",), life_s=2)
        for number in range(10)
    ]
    assert judged(*types, limits=(SHOP,), users=[ALL]).late == tuple(demand.type for demand in types)
    assert judged(*types, limits=(replace(SHOP, burst=10),), users=[ALL]).fit is Fit.FITS


@pytest.mark.parametrize("key", LimitKey)
@pytest.mark.parametrize(("burst", "fit"), [(1, Fit.DOES_NOT_FIT), (3, Fit.DOES_NOT_FIT), (6, Fit.FITS)])
def test_a_bucket_must_hold_the_cost_of_a_job(key: LimitKey, burst: int, fit: Fit) -> None:
    types = [
        TypeDemand(f"t{number}", Schedule(interval_s=60 + 60 * number), 1, 3, limits=("points",), life_s=10)
        for number in range(2)
    ]
    points = Limit("points", key, 0.15, burst)
    assert judged(*types, limits=(points,), users=[UserDemand("ada", ("t0", "t1"))]).fit is fit


def test_a_job_waits_for_both_of_its_user_limits() -> None:
    second = replace(SHOP, name="second")
    types = [
        *(
            TypeDemand(f"t{number}", Schedule(interval_s=600), 1, limits=("second", "shop"), life_s=70)
            for number in (0, 1)
        ),
        *(
            TypeDemand(f"t{number}", Schedule(interval_s=600), 1, limits=("shop",), life_s=70)
            for number in range(2, 10)
        ),
    ]
    assert judged(*types, limits=(SHOP, second), users=[ALL]).fit is Fit.FITS
    hurried = [replace(demand, life_s=50) for demand in types]
    assert judged(*hurried, limits=(SHOP, second), users=[ALL]).late == ("t0", "t1")


def test_types_are_summed_at_a_limit_that_all_share() -> None:
    types = [replace(demand, limits=("app",)) for demand in TEN]  # 30/s
    assert judged(*types, limits=(replace(APP, per_second=31),)).fit is Fit.FITS
    users = [replace(ALL, users=30)]
    found = judged(*types, limits=(replace(APP, per_second=29),), users=users)
    assert (found.fit, found.limits[0].limit) == (Fit.DOES_NOT_FIT, "app")
    assert found.change == "lengthen the interval of t0 to 20s"
    assert (
        judged(
            *(replace(demand, subscriptions=28) for demand in types), limits=(replace(APP, per_second=29),)
        ).fit
        is Fit.FITS
    )


def test_demand_counts_up_the_path_to_the_global_limit() -> None:
    types = [
        TypeDemand("orders", EACH_10_S, 60, limits=("orders",)),  # 6/s
        TypeDemand("stock", EACH_10_S, 300, limits=("app",), cost=2),  # 60/s
        TypeDemand("mail", EACH_10_S, 200),  # 20/s
    ]
    found = judged(*types, limits=(APP, ORDERS), rate=200)
    use = {verdict.limit: verdict.use for verdict in found.limits}
    assert (found.fit, list(use)) == (Fit.FITS, ["orders", "app", "global"])
    assert use["app"] == pytest.approx(0.66 * OWN_STRETCH, rel=1e-2)
    assert use["global"] == pytest.approx(0.43 * STRETCH)
    assert judged(*types, limits=(replace(APP, per_second=66), ORDERS), rate=200).limits[0].limit == "app"
    assert judged(*types, limits=(APP, ORDERS), rate=86).limits[0].limit == "global"


def test_a_limit_of_its_own_uses_more_of_its_rate_than_one_within_another() -> None:
    full = TypeDemand("full", EACH_10_S, 1_000, limits=("app",))
    assert judged(full, limits=(replace(APP, per_second=100 * STRETCH + 0.01),)).fit is Fit.FITS
    within = replace(APP, per_second=100 * OWN_STRETCH - 0.01)
    assert judged(full, limits=(within,), rate=1_000).fit is Fit.DOES_NOT_FIT
    assert judged(full, limits=(within,)).fit is Fit.FITS


def test_a_limit_without_demand_says_nothing() -> None:
    assert judged(limits=(APP, ORDERS)).limits == ()
    assert [verdict.limit for verdict in judged(limits=(APP,), rate=5).limits] == ["global"]


def test_a_type_without_limits_always_fits() -> None:
    free = TypeDemand("free", EACH_10_S, 10_000, life_s=0)
    assert judged(free) == Feasibility(Fit.FITS, 0.0, (), (), (), "")


@pytest.mark.parametrize("names", [("lost",), ("orders",)], ids=["named", "around a named one"])
def test_jobs_of_an_unknown_limit_wait(names: tuple[str, ...]) -> None:
    types = [replace(demand, limits=names) for demand in TEN[:2]]
    found = judged(*types, limits=(replace(ORDERS, within="lost"),), rate=100)
    assert (found.fit, found.unknown) == (Fit.DOES_NOT_FIT, (("lost", ("t0", "t1")),))
    assert (found.late, found.change) == (("t0", "t1"), "declare the RateLimit lost")


def test_a_limit_of_a_type_is_its_innermost_one() -> None:
    steady = TypeDemand("steady", Schedule(interval_s=300), 15_000, per_second=40)  # 50/s
    found = judged(steady, rate=1_000)
    assert (found.fit, found.limits[0].limit) == (Fit.DOES_NOT_FIT, "type:steady")
    assert found.change == "lengthen the interval of steady to 10m"
    daily = replace(
        steady, schedule=Schedule(cron="0 2 * * *", window_s=23 * HOUR), subscriptions=86_400 * 50
    )
    assert judged(daily, rate=1_000).change.startswith("widen the window of steady to 24h, ") is False


def test_a_type_may_go_on_behind_its_window() -> None:
    night = TypeDemand("night", NIGHTLY, 36_000, per_second=6)  # 10/s for an hour, or 5/s for two
    found = judged(night)
    assert (found.fit, found.late) == (Fit.DELAYED, ())
    assert judged(replace(night, life_s=HOUR)).late == ()
    assert judged(replace(night, life_s=600)).late == ("night",)


def test_an_inner_limit_passes_its_delay_on() -> None:
    """At 2 h 40 min the nightly jobs still come at the rate of their limit, and meet those of three o'clock."""
    night = TypeDemand("night", NIGHTLY, 108_000, limits=("orders",), life_s=inf)  # 30/s for an hour
    early = TypeDemand(
        "early", Schedule(cron="0 3 * * *"), 342_000, limits=("app",), life_s=60
    )  # 95/s for an hour
    apart = judged(early, limits=(APP, ORDERS))
    assert apart.fit is Fit.FITS
    both = judged(night, early, limits=(replace(APP, per_second=103), ORDERS))
    assert (verdict_on("orders", both).fit, verdict_on("app", both).fit) == (Fit.DELAYED, Fit.DOES_NOT_FIT)
    assert both.late == ("early",)


def test_delays_of_a_path_add_up_across_midnight() -> None:
    late = TypeDemand(
        "late", Schedule(cron="0 23 * * *"), 72_000, limits=("orders",), life_s=4 * HOUR
    )  # 20/s
    rest = TypeDemand("rest", Schedule(cron="30 23 * * *"), 450_000, limits=("app",), life_s=inf)  # 125/s
    found = judged(late, rest, limits=(APP, ORDERS))
    delays = [verdict_on(name, found).delay_s for name in ("orders", "app")]
    assert delays == pytest.approx([1.04 * HOUR, 0.4 * HOUR], rel=0.1)
    assert found.fit is Fit.DELAYED
    assert judged(replace(late, life_s=1.2 * HOUR), rest, limits=(APP, ORDERS)).late == ("late",)


def test_an_overloaded_inner_limit_hides_no_outer_one() -> None:
    found = judged(TypeDemand("much", EACH_10_S, 2_000, limits=("orders",)), limits=(APP, ORDERS))
    assert {verdict.limit: verdict.fit for verdict in found.limits} == dict.fromkeys(
        ("app", "orders"), Fit.DOES_NOT_FIT
    )


def test_a_slow_outer_limit_costs_an_inner_one_its_starts() -> None:
    """A start of the other type within 15/s moves each start of 10/s by up to two thirds of its time."""
    types = [
        TypeDemand("inner", EACH_10_S, 90, limits=("orders",)),
        TypeDemand("other", EACH_10_S, 45, limits=("app",)),
    ]
    assert judged(*types, limits=(replace(APP, per_second=15), ORDERS)).fit is Fit.DOES_NOT_FIT
    assert judged(*types, limits=(APP, ORDERS)).fit is Fit.FITS
    few = [types[0], replace(types[1], subscriptions=1)]
    assert judged(*few, limits=(replace(APP, per_second=15), ORDERS)).fit is Fit.FITS


def test_a_slow_outer_limit_costs_a_user_limit_its_starts() -> None:
    """Jobs of other users take up to half a second before each start of a user, who has 0.9 of 1/s."""
    types = [
        TypeDemand("own", Schedule(interval_s=10), 1, cost=9, limits=("shop",)),
        TypeDemand("other", Schedule(interval_s=10), 10, limits=("app",), cost=9),
    ]
    shop, app = replace(SHOP, per_second=1, within="app"), replace(APP, per_second=11)
    users = [UserDemand("ada", ("own",)), UserDemand("bob", ("other",), users=10)]
    assert judged(*types, limits=(shop, app), users=users).limits[0].use == pytest.approx(
        0.9 * OWN_STRETCH + 0.08, 0.02
    )
    alone = judged(types[0], limits=(shop, app), users=users[:1])
    assert verdict_on("shop", alone).use == pytest.approx(0.9 * OWN_STRETCH)


def test_types_of_one_class_bunch_where_users_have_as_many_as_seconds() -> None:
    """With 60 types and a window of 60 s, all users of a type have the same second."""
    every_minute = Schedule(interval_s=60)
    types = [TypeDemand(f"t{number}", every_minute, 60, limits=("app",), life_s=10) for number in range(60)]
    limited = [types[0], *(replace(demand, limits=()) for demand in types[1:])]
    users = [UserDemand("ada", tuple(demand.type for demand in types), users=60)]
    slow = replace(APP, per_second=2)
    assert judged(*limited, limits=(slow,), users=users).late == ("t0",)
    assert judged(*limited[:2], limits=(slow,), users=[replace(users[0], types=("t0", "t1"))]).fit is Fit.FITS
    assert judged(*types, limits=(replace(APP, per_second=70),), users=users).fit is Fit.FITS


def test_a_wider_window_is_tried_without_the_places_of_the_old_one() -> None:
    types = [
        TypeDemand("packed", Schedule(interval_s=120, window_s=24), 300, limits=("app",), life_s=20),
        TypeDemand("like", Schedule(interval_s=120, window_s=24), 10),
    ]
    users = [UserDemand("ada", ("packed", "like"), users=10), UserDemand("bob", ("packed",), users=290)]
    found = judged(*types, limits=(replace(APP, per_second=4),), users=users)
    assert (found.fit, found.change) == (Fit.DOES_NOT_FIT, "widen the window of packed to 1m")


def test_jobs_of_several_lanes_may_wait_until_the_backlog_ends() -> None:
    night = TypeDemand("night", NIGHTLY, 540_000, limits=("app",), life_s=2 * HOUR)  # 150/s for an hour
    late = TypeDemand("late", Schedule(cron="30 2 * * *"), 36_000, limits=("app",), life_s=HOUR)
    assert judged(night, late, limits=(replace(APP, per_second=102),)).fit is Fit.DELAYED
    low = replace(late, priority=Priority.LOW)
    assert judged(night, low, limits=(replace(APP, per_second=102),)).late == ("late",)


def test_many_users_are_judged_quickly() -> None:
    types = [
        TypeDemand(f"t{number}", Schedule(interval_s=300), 1_000, limits=("shop",)) for number in range(30)
    ]
    pairs = product(range(30), range(30))
    users = [UserDemand(f"u{one}-{two}", tuple(sorted({f"t{one}", f"t{two}"}))) for one, two in pairs]
    found = judged(*types, limits=(SHOP,), users=users)
    verdict = found.limits[0]
    assert verdict.users is not None
    assert (found.fit, verdict.users.users, verdict.users.over) == (Fit.FITS, 900, 0)
