"""The handlers of running workers, from the times of their reports; why a day does not fit."""

import math

import pytest

from taskqueue.models.values import (
    Limit,
    LimitKey,
    Schedule,
    Subscription,
    TaskType,
    UserLimit,
    UserSubscription,
)
from taskqueue.sources.desired import Desired
from taskqueue.store.listing import WorkerSeen
from taskqueue_operator.input_reader import infeasible, running

NOW_MS = 1_795_543_365_711


@pytest.mark.parametrize(
    ("said_ms", "heartbeats_ms", "there"),
    [
        ({"f": 0, "g": -4_000}, [0, -4_000], {"f", "g"}),
        ({"f": 0, "old": -60_001}, [0], {"f"}),
        ({"f": 0, "old": -60_001}, [0, -60_001], {"f"}),
        ({"f": -3_600_000, "g": -3_604_000}, [-3_600_000], {"f", "g"}),
        ({"f": -7_200_000}, [], {"f"}),
        ({"old": -60_001}, [0], set()),
    ],
    ids=[
        "of two workers",
        "its worker is gone",
        "its worker is gone and still listed",
        "no worker runs, the last ones count",
        "no worker is listed",
        "running workers without handlers",
    ],
)
def test_a_handler_exists_while_a_running_worker_has_it(
    said_ms: dict[str, int], heartbeats_ms: list[int], there: set[str]
) -> None:
    workers = [WorkerSeen(f"w-{n}", NOW_MS + ago_ms, {}) for n, ago_ms in enumerate(heartbeats_ms)]
    assert running({name: NOW_MS + ago_ms for name, ago_ms in said_ms.items()}, workers) == there


@pytest.mark.parametrize(
    ("rate", "own", "reason"),
    [
        (None, (), ""),
        (
            100,
            (),
            "shop is too slow for 1 of 1 users: ada needs 0.2244/s and has 0.05/s, most of it for t1, t0; ",
        ),
        (100, (UserLimit("shop", 1),), ""),
        (0.1, (UserLimit("shop", 1),), "19008 starts are due in 86400 s, and the limit global allows 8512; "),
        (math.inf, (UserLimit("shop", 1),), ""),
    ],
    ids=["no rate", "a user's types together", "a user's own rate", "the global limit", "none"],
)
def test_a_day_that_does_not_fit_has_a_reason(
    rate: float | None, own: tuple[UserLimit, ...], reason: str
) -> None:
    types = {name: TaskType(name, Schedule(interval_s=10), limits=("shop",)) for name in ("t0", "t1")}
    user = UserSubscription("ada", tuple(Subscription(name) for name in types), limits=own)
    limits = {"shop": Limit("shop", LimitKey.USER, 0.05)}
    desired = Desired(types, {"ada": user}, (), (), (), limits=limits)
    found = infeasible(desired, rate)
    assert found.startswith(reason)
    assert bool(found) is bool(reason)
    assert infeasible(None, rate) == ""
