"""The plan of a day: each limit has the starts of all types that take from it."""

from taskqueue.models.values import Limit, LimitKey, Schedule, TaskType
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.views.demands import Plan
from taskqueue.views.plan import plan_day

HOUR = Schedule(interval_s=3600)
LIMITS = {
    limit.name: limit
    for limit in (
        Limit("app", LimitKey.RELEASE, 10.0),
        Limit("orders", LimitKey.RELEASE, 2.0, within="app"),
        Limit("shop", LimitKey.USER, 1.0),
        Limit("unused", LimitKey.RELEASE, 5.0),
    )
}


def demand(name: str, users: int, *limits: str, cost: int = 1) -> TypeDemand:
    (found,) = TypeDemand.of(TaskType(name, HOUR, limits=limits, cost=cost), {"": users})
    return found


def test_a_limit_has_the_starts_of_the_limits_within_it() -> None:
    demands = [
        demand("free", 60),
        demand("read", 120, "app", cost=2),
        demand("write", 60, "orders", "shop"),
        demand("lost", 60, "undeclared"),
    ]
    found = plan_day(Plan(demands, LIMITS, None, 7.5), 0)
    assert found.starts == [1.0 + 4.0 + 1.0 + 1.0] * 1_440
    assert {one.limit: (one.rate_per_second, set(one.starts)) for one in found.limits} == {
        "app": (10.0, {5.0}),
        "orders": (2.0, {1.0}),
        "unused": (5.0, {0.0}),
    }
    assert [row.slots_per_day for row in found.types] == [5_760, 1_440, 1_440, 1_440]


def test_a_plan_as_json_has_camel_case_names_and_instants_as_text() -> None:
    found = plan_day(Plan([demand("read", 60)], {}, None, float("inf")), 86_400).to_json()
    assert (found["dayStart"], found["stepSeconds"]) == ("1970-01-02T00:00:00.000Z", 60)
    assert (found["ratePerSecond"], found["limits"]) == ("none", [])
    assert found["types"] == [
        {
            "type": "read",
            "schedule": "every 1h",
            "subscriptions": 60,
            "zones": {},
            "cost": 1,
            "slotsPerDay": 1_440,
        }
    ]
