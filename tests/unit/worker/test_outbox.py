"""Results that are worth a call of their own: another job of the subscription may soon wait for them."""

import asyncio
from collections.abc import Callable

import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Schedule, TaskType
from taskqueue.store.claim import Result
from taskqueue_worker.clock import StoreClock
from taskqueue_worker.outbox import Outbox
from taskqueue_worker.task_types import BoundType

EVERY_MINUTE = TaskType("sync", Schedule(interval_s=60))
EVERY_NIGHT = TaskType("sync", Schedule(cron="0 2 * * *"))
NOW_S = 1_764_000_000


def one_type(definition: TaskType) -> Callable[[str], BoundType | None]:
    return {definition.name: BoundType(definition, None)}.get


class RecordedPace:
    """A pace that records its last report."""

    hungry = True
    soon: bool | None = None

    def reported(self, *, soon: bool) -> None:
        self.soon = soon


def scheduled(due_ago_s: float) -> str:
    return f"sync|ada|{NOW_S - 600}|{(600 - due_ago_s) * 1000:.0f}|0|w|7"


@pytest.mark.parametrize(
    ("definition", "lease", "outcome", "soon"),
    [
        (EVERY_MINUTE, scheduled(1), Outcome.DONE, False),
        (EVERY_MINUTE, scheduled(1) + "x", Outcome.DONE, False),
        (EVERY_MINUTE, scheduled(57.5) + "x", Outcome.DONE, False),
        (EVERY_MINUTE, scheduled(58.5) + "x", Outcome.DONE, True),
        (EVERY_MINUTE, scheduled(2 * 60 + 58.5) + "x", Outcome.DONE, True),
        (EVERY_NIGHT, scheduled(1) + "x", Outcome.DONE, False),
        (EVERY_NIGHT, scheduled(59) + "x", Outcome.DONE, True),
        (EVERY_MINUTE, f"sync|ada|~a1|{NOW_S * 1000}|0|w|7x", Outcome.DONE, True),
        (EVERY_MINUTE, scheduled(1).replace("sync", "gone") + "x", Outcome.DONE, True),
        (EVERY_MINUTE, scheduled(1), Outcome.RETRIED, True),
    ],
    ids=[
        *("Allow", "far", "not yet near", "near", "near, periods later", "cron, far", "cron, near"),
        *("ad hoc", "unknown type", "a retry waits for it"),
    ],
)
async def test_a_result_with_a_dependent_is_settled_soon(
    definition: TaskType, lease: str, outcome: Outcome, soon: bool
) -> None:
    loop_s, clock, pace = asyncio.get_running_loop().time(), StoreClock(), RecordedPace()
    clock.observe(loop_s, loop_s, NOW_S * 1_000_000)
    pace.hungry = False
    results = Outbox(pace, one_type(definition), clock)
    results.add(Result(lease, outcome))
    assert pace.soon is soon
    pace.hungry = True
    results.add(Result(lease, outcome))
    assert pace.soon is (outcome is not Outcome.DONE), "the next claim of a hungry worker is a moment away"


async def test_undelivered_results_come_first() -> None:
    results = Outbox(RecordedPace(), one_type(EVERY_MINUTE), StoreClock())
    for n in range(700):
        results.add(Result(f"sync|u-{n}|1|0|0|w|1", Outcome.DONE))
    first = results.take()
    assert len(first) == 500, "a call is bounded"
    results.put_back(first)
    assert len(results) == 700
    assert results.take() == first
