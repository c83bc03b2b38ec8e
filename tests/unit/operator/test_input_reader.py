"""The handlers of running workers, from the times of their reports."""

import pytest

from taskqueue.store.listing import WorkerSeen
from taskqueue_operator.input_reader import running

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
