"""The demand of a type whose subscriptions differ: by zone, and by the interval that they chose."""

import pytest

from taskqueue.models.values import Exclusion, Schedule, Subscription, TaskType, UserSubscription
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.sources.desired import Desired

NIGHTLY = TaskType("nightly", Schedule(cron="0 2 * * *"))
BERLIN = TaskType("berlin", Schedule(cron="0 2 * * *", time_zone="Europe/Berlin"))
SYNC = TaskType("sync", Schedule(interval_s=3_600, intervals_s=(60, 300)), exclude=(Exclusion(weekdays=()),))


def test_zones_are_one_demand_and_each_interval_is_its_own() -> None:
    (nightly,) = TypeDemand.of(NIGHTLY, {"Asia/Tokyo": 1, "": 2, "Asia/Kolkata": 0})
    assert (nightly.name, nightly.subscriptions) == ("nightly", 3)
    assert nightly.zones == (("UTC", 2), ("Asia/Tokyo", 1))
    assert [(one.time_zone, slots) for one, slots in nightly.by_zone()] == [("UTC", 2), ("Asia/Tokyo", 1)]
    own, often = TypeDemand.of(SYNC, {"": 4, "60": 3})
    assert (own.name, own.schedule, own.subscriptions) == ("sync", Schedule(interval_s=3_600), 4)
    assert (often.name, often.schedule, often.subscriptions) == ("sync every 1m", Schedule(interval_s=60), 3)
    assert (own.exclude, often.exclude) == (SYNC.exclude, SYNC.exclude)
    assert (own.zones, often.zones) == ((), ())


@pytest.mark.parametrize(
    ("zone", "interval_s", "expected"),
    [
        ("UTC", None, {"nightly": 1, "berlin": 1, "sync": 1}),
        ("Asia/Tokyo", 60, {"nightly": 1, "berlin": 1, "sync": 0, "sync every 1m": 1}),
        ("UTC", 3_600, {"nightly": 1, "berlin": 1, "sync": 1}),
        ("UTC", 77, {"nightly": 1, "berlin": 1, "sync": 1}),
    ],
    ids=["none chosen", "one chosen", "the type's own", "one that is not offered"],
)
def test_manifests_are_counted_by_zone_and_interval(
    zone: str, interval_s: int | None, expected: dict[str, int]
) -> None:
    types = {one.name: one for one in (NIGHTLY, BERLIN, SYNC)}
    tasks = tuple(Subscription(name, interval_s=interval_s) for name in (*types, "gone"))
    users = {"ada": UserSubscription("ada", tasks, time_zone=zone)}
    desired = Desired(types, users, (), (), ())
    assert {one.name: one.subscriptions for one in desired.demands()} == expected
    assert [one.zones for one in desired.demands()][:2] == [((zone, 1),), ()]
    (user,) = desired.user_demands()
    assert {*user.types} == {name for name, count in expected.items() if count} | {"gone"}
