"""The simulation that judges verdicts, by hand: starts under one limit, under two, in lanes, and too late."""

from collections import Counter

from taskqueue.models.values import Limit, LimitKey, Priority, Schedule
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.plan.user_demand import UserDemand
from tests.support.plan.random_plan import RandomPlan
from tests.support.plan.simulation import simulate

#: Periods begin at 0; a window of a second puts all jobs into second 0.
AT_ONCE = Schedule(interval_s=100, window_s=1)
APP = Limit("app", LimitKey.RELEASE, 10)
SHOP = Limit("shop", LimitKey.USER, 1)


def expired(
    types: list[TypeDemand], *limits: Limit, users: int = 1, rate: float | None = None
) -> Counter[str]:
    everybody = tuple(UserDemand(f"u{number}", tuple(one.type for one in types)) for number in range(users))
    plan = RandomPlan(tuple(types), everybody, {limit.name: limit for limit in limits}, rate)
    outcome = simulate(plan, 0, 100)
    assert outcome.started.total() + outcome.expired.total() == users * len(types)
    return outcome.expired


def test_the_eleventh_start_of_ten_a_second_is_late() -> None:
    """Places are 0, 618, 236, 854 ms ... of a second; start n is at n * 1.015 / 10 s."""
    sync = TypeDemand("sync", AT_ONCE, 0, life_s=0.5, limits=("app",))
    assert expired([sync], APP, users=10) == Counter()
    assert expired([sync], APP, users=40)["sync"] > 20
    assert expired([sync], Limit("app", LimitKey.RELEASE, 10, burst=40), users=40) == Counter()
    assert expired([sync], APP, users=40, rate=1_000)["sync"] > 20


def test_types_of_a_user_share_a_user_limit() -> None:
    types = [TypeDemand(f"t{number}", AT_ONCE, 0, life_s=3, limits=("shop",)) for number in range(6)]
    assert expired(types, SHOP, users=5).total() == 5 * 2, (
        "starts at 0, 1.015, 2.03 and 3.045 s, after places up to 1 s"
    )
    assert expired(types, Limit("shop", LimitKey.USER, 2), users=5) == Counter()


def test_a_higher_lane_has_more_starts() -> None:
    high = TypeDemand("high", AT_ONCE, 0, life_s=3, limits=("app",), priority=Priority.HIGH)
    low = TypeDemand("low", AT_ONCE, 0, life_s=3, limits=("app",), priority=Priority.LOW)
    found = expired([high, low], APP, users=30)
    assert found["high"] < found["low"]
