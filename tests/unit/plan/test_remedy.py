"""The cheapest change, where none helps, and rates as people write them."""

from dataclasses import replace

import pytest

from taskqueue.models.values import Limit, LimitKey, Schedule, TaskType
from taskqueue.plan.feasibility import check
from taskqueue.plan.rate_grid import grid_of
from taskqueue.plan.remedy import cheapest_change
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.plan.user_demand import UserDemand
from taskqueue.plan.user_jobs import UserJob, UserService, summed
from taskqueue.plan.user_remedy import cheapest_user_change
from taskqueue.plan.verdict import Fit

FAST = TaskType("sync", Schedule(interval_s=600, intervals_s=(10,)), limits=("app",))
SLOW = TaskType("sync", Schedule(interval_s=60, window_s=10, intervals_s=(3600,)), limits=("app",))
#: Two nights that overlap by 45 minutes.
NEAR = (("Asia/Kolkata", 15_000), ("Asia/Kathmandu", 15_000))
DAILY = TypeDemand("daily", Schedule(cron="0 2 * * *"), 1)


def test_a_user_limit_has_no_change_where_the_wait_for_others_is_too_long() -> None:
    job = UserJob(DAILY, 86_400, 86_400, work_s=1, others_s=1e6)
    service = summed(UserService("shop", UserDemand("ada", ("daily",)), (), 1, 1, 1), [job])
    assert cheapest_user_change(service, [service]) == ""


def test_a_limit_has_no_change_that_is_never_accepted() -> None:
    assert cheapest_change("app", [DAILY], [], 1, 0, lambda *_: False) == ""


@pytest.mark.parametrize(
    ("name", "rate", "steps", "text"),
    [
        ("global", 5, 6, "6/s"),
        ("type:sync", 5, 6_001, "6.001"),
        ("app", 12.5, 13, "13 per 1s"),
        ("app", 2, 121, "121 per 1m"),
        ("app", 0.01, 37, "37 per 1h"),
        ("app", 1 / 3600, 25, "25 per 24h"),
        ("app", 1 / 86_400, 2, "2 per 24h"),
    ],
)
def test_a_rate_is_written_as_its_limit_has_it(name: str, rate: float, steps: int, text: str) -> None:
    grid = grid_of(name, rate)
    assert grid.text(steps) == text
    assert steps * grid.step_per_s > rate


@pytest.mark.parametrize(
    ("types", "change"),
    [
        (
            [TypeDemand("often", Schedule(interval_s=10), 60, limits=("app",))],
            "lengthen the interval of often to 15s",
        ),
        (
            [TypeDemand(f"t{number}", Schedule(interval_s=10), 6, limits=("app",)) for number in range(10)],
            "raise app to 366 per 1m, or have at most 4 of its 6 users",
        ),
        (
            [TypeDemand("daily", Schedule(cron="0 2 * * *"), 21_600, limits=("app",), life_s=60)],
            "widen the window of daily to 2h",
        ),
        (
            [TypeDemand("own", Schedule(cron="0 * * * *"), 21_600, per_second=5)],
            "raise rateLimit.perSecond of own to 6.09, or have at most 4 of its 6 users",
        ),
        (TypeDemand.of(FAST, {"": 6, "10": 60}), "lengthen the interval 10s of sync to 15s"),
        (
            [replace(one, life_s=10) for one in TypeDemand.of(SLOW, {"": 6, "3600": 240})],
            "widen the window of sync to 1m",
        ),
        (
            [replace(one, life_s=10) for one in TypeDemand.of(SLOW, {"": 6, "3600": 400})],
            "raise app to 1249 per 1m",
        ),
        (
            [TypeDemand("daily", Schedule(cron="0 2 * * *"), 30_000, limits=("app",), life_s=60, zones=NEAR)],
            "widen the window of daily to 2h",
        ),
    ],
    ids=[
        "interval",
        "rate or users",
        "window",
        "own limit",
        "chosen interval",
        "shared window",
        "its longest",
        "zones",
    ],
)
def test_the_change_of_a_limit_makes_its_plan_fit(types: list[TypeDemand], change: str) -> None:
    users = [UserDemand("ada", tuple(demand.name for demand in types), users=6)]
    verdict = check(types, None, 0, limits={"app": Limit("app", LimitKey.RELEASE, 5)}, users=users)
    assert (verdict.fit, verdict.change) == (Fit.DOES_NOT_FIT, change)
