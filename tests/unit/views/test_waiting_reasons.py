"""Reasons why a job waits: the nearest obstacle, and when the job expires."""

import pytest

from taskqueue.models.values import Schedule, TaskType
from taskqueue.store.limit_times import LimitTimes
from taskqueue.store.listing import WaitingJob, WorkerSeen
from taskqueue.store.type_record import TypeRecord
from taskqueue.store.types import Catalog
from taskqueue.views.waiting_reasons import Conditions, waiting_reason

SYNC = TypeRecord(TaskType("sync", Schedule(interval_s=3_600), function="sync"), ())
NOW_MS = 1_764_000_000_000  # 2025-11-24 16:00:00
TURN = "waits its turn in lane normal for the global limit, 1/s, free in 1 d 28 min"
PASSED = "; its deadline has passed: it is dropped when its turn comes"


def reason(
    life_ms: int, *, due_in_s: int = -600, where: str = "normal", retried_in_s: int = 0, paused: bool = False
) -> str:
    """Return the reason why a job of `sync` waits for a limit that is free in a day."""
    due_ms = NOW_MS + due_in_s * 1_000
    score_ms = NOW_MS + retried_in_s * 1_000 if retried_in_s else due_ms
    catalog = Catalog(1, {"sync": SYNC}, {"sync": 0} if paused else {}, rate=1.0)
    times = {"global": LimitTimes(1.0, 1, NOW_MS + 88_109_300, 0)}
    job = WaitingJob(f"sync|ada|{due_ms // 1_000}|0|{life_ms}", where, score_ms, "global")
    return waiting_reason(job, Conditions(catalog, [WorkerSeen("w", NOW_MS, {})], NOW_MS, times))


DEADLINES = [
    (0, TURN),
    (600_000, f"{TURN}; expires at 16:00:00 UTC"),
    (86_400_000, f"{TURN}; expires at 2025-11-25 15:50:00 UTC"),
    (599_999, f"{TURN}{PASSED}"),
]


@pytest.mark.parametrize(("life_ms", "expected"), DEADLINES)
def test_a_job_expires_after_its_deadline(life_ms: int, expected: str) -> None:
    assert reason(life_ms) == expected


def test_parked_jobs_and_suspects_expire() -> None:
    for where in ("parked:global", "suspects"):
        assert reason(900_000, where=where).endswith("; expires at 16:05:00 UTC"), where
        assert reason(1, where=where).endswith(PASSED), where


def test_a_job_that_is_dropped_or_runs_names_no_deadline() -> None:
    assert reason(900_000, paused=True) == "is dropped, as its type is paused: `taskqueue resume sync`"
    assert reason(900_000, where="leased:w-1") == "runs on w-1"


def test_a_due_is_named_in_words() -> None:
    assert reason(0, due_in_s=3_587) == "is due in 59 min 47 s"
    assert reason(0, retried_in_s=42) == "is retried in 42 s"
    assert reason(900_000, retried_in_s=42) == "is retried in 42 s; expires at 16:05:00 UTC"
