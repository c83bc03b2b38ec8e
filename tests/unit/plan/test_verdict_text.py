"""The reason of a verdict, as the Feasible condition has it."""

from math import inf

import pytest

from taskqueue.models.values import Limit, LimitKey, Schedule, TaskType
from taskqueue.plan.feasibility import check
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.plan.user_demand import UserDemand
from taskqueue.plan.verdict_text import explain

OFTEN = TypeDemand("often", Schedule(interval_s=10), 60, limits=("app",))
SHOP = Limit("shop", LimitKey.USER, 0.01)


@pytest.mark.parametrize(
    ("limits", "demand", "sentence"),
    [
        (
            [Limit("app", LimitKey.RELEASE, 5)],
            OFTEN,
            (
                "518400 starts are due in 86400 s, and the limit app allows 425616; most of them are of often; "
                "jobs of often expire: lengthen the interval of often to 15s"
            ),
        ),
        (
            [SHOP],
            TypeDemand("often", Schedule(interval_s=10), 60, limits=("shop",)),
            (
                "shop is too slow for 60 of 60 users: ada needs 0.1015/s and has 0.01/s, most of it for often; "
                "jobs of often expire: raise shop to 366 per 1h"
            ),
        ),
        (
            [],
            OFTEN,
            (
                "jobs of often wait for the limit app, which no RateLimit declares; jobs of often expire: "
                "declare the RateLimit app"
            ),
        ),
    ],
    ids=["shared", "of users", "unknown"],
)
def test_a_reason_names_limit_demand_and_change(
    limits: list[Limit], demand: TypeDemand, sentence: str
) -> None:
    users = [UserDemand("ada", ("often",), users=60)]
    verdict = check([demand], None, 0, limits={limit.name: limit for limit in limits}, users=users)
    assert explain(verdict) == sentence


def test_a_reason_names_a_few_of_many_types() -> None:
    types = [TypeDemand(f"t{number}", Schedule(interval_s=10), 1, limits=("lost",)) for number in range(7)]
    assert explain(check(types, None)).startswith(
        "jobs of t0, t1, t2, t3, t4 and 2 more wait for the limit lost"
    )


def test_a_reason_without_a_change_ends_with_the_demand() -> None:
    late = TypeDemand("late", Schedule(interval_s=10), 2, limits=("app",), life_s=0)
    verdict = check([late], 1, 0, limits={"app": Limit("app", LimitKey.RELEASE, 1)})
    assert explain(verdict).endswith("jobs of late expire")


def test_a_reason_names_no_jobs_that_wait_without_a_deadline() -> None:
    patient = TypeDemand("patient", Schedule(interval_s=10), 20, limits=("app",), life_s=inf)
    verdict = check([patient], None, 0, limits={"app": Limit("app", LimitKey.RELEASE, 1)})
    assert "expire" not in explain(verdict)


def test_a_reason_names_the_zone_of_the_users_who_ask_for_most() -> None:
    zones = (("Asia/Tokyo", 36_000), ("UTC", 3_600))
    nightly = TypeDemand("nightly", Schedule(cron="0 2 * * *"), 39_600, life_s=60, zones=zones)
    sync, often = TypeDemand.of(
        TaskType("sync", Schedule(interval_s=3_600, intervals_s=(600,))), {"": 3_600, "600": 1_200}
    )
    assert explain(check([nightly, sync, often], 5, 0)) == (
        "46800 starts are due in 3600 s, and the limit global allows 17734; most of them are of nightly in Asia/Tokyo"
        ", sync every 10m, sync; jobs of nightly, sync, sync every 10m expire: widen the window of nightly to 6h"
    )
