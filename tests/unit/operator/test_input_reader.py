"""The inputs of a status: handlers of running workers, and why a day does not fit."""

from math import inf

import pytest

from taskqueue.models.values import RateLimit, Schedule, Subscription, TaskType, UserSubscription
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
    ("rate", "own", "why"),
    [
        (None, None, ""),
        (10, None, ""),
        (0.01, None, "9504 starts are due in 86400 s, and the limit allows 851; most of them are of sync: "),
        (inf, None, ""),
        (
            inf,
            0.01,
            "the limit of a task type or of its users is too low for it: raise rateLimit.perSecond of sync",
        ),
    ],
    ids=["unknown", "fits", "the global limit", "none", "none, but the type's"],
)
def test_the_limit_that_a_day_does_not_fit_is_named(rate: float | None, own: float | None, why: str) -> None:
    sync = TaskType("sync", Schedule(interval_s=300), rate_limit=RateLimit(per_second=own))
    users = {f"u-{n}": UserSubscription(f"u-{n}", (Subscription("sync"),)) for n in range(30)}
    said = infeasible(Desired({"sync": sync}, users, (), (), ()), rate)
    assert said.startswith(why)
    assert bool(said) is bool(why)
