"""The history of a worker: each count belongs to its minute, and reaches the store once, whatever fails."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Schedule, TaskType
from taskqueue.store.errors import StoreUnavailable
from taskqueue.store.history import LATENESS_BOUNDS_MS, MAX_MINUTES, STARTS, Counted, to_counts
from taskqueue_worker import history
from taskqueue_worker.clock import StoreClock
from taskqueue_worker.history import History
from taskqueue_worker.leased_job import LeasedJob
from taskqueue_worker.metrics import WorkerCollector
from taskqueue_worker.tally import BOUNDS_S, Lateness, Tally
from taskqueue_worker.task_types import BoundType
from tests.support.process.virtual_time import virtual_time

#: 50 s into a minute.
BEGIN_MS = 1_800_000_000_000 + 50_000
MINUTE = BEGIN_MS // 60_000


def bound(name: str) -> BoundType:
    return BoundType(TaskType(name, Schedule(interval_s=60)), None)


class Bench:
    """A history whose store counts calls by number, and may lose requests or answers."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.types = [bound("sync")]
        self.held: list[LeasedJob] = []
        self.counted: Counter[tuple[str, int]] = Counter()
        self.numbers: set[int] = set()
        self.calls: list[int] = []
        self.lose: list[str] = []
        clock, now_s = StoreClock(), asyncio.get_running_loop().time()
        clock.observe(now_s, now_s, BEGIN_MS * 1_000)
        patch.setattr(history, "count_once", self._count)
        known: Any = self
        self.history = History(cast("Any", None), "w", known, lambda: self.held, clock)

    def all(self) -> list[BoundType]:
        return self.types

    def end(self, name: str = "sync", jobs: int = 1) -> None:
        for one in self.types:
            if one.definition.name == name:
                one.counts[Outcome.DONE] += jobs

    async def _count(self, _store: object, _worker: str, number: int, counted: Sequence[Counted]) -> bool:
        fate = self.lose.pop() if self.lose else ""
        self.calls.append(len(counted))
        if fate == "request":
            raise StoreUnavailable("away")
        if number not in self.numbers:
            self.numbers.add(number)
            for name, minute, counters in counted:
                self.counted[name, minute] += counters[0]
        if fate == "answer":
            raise StoreUnavailable("away")
        return True

    async def run(self, seconds: float) -> None:
        running = asyncio.create_task(self.history.run())
        await asyncio.sleep(seconds)
        running.cancel()


@pytest.fixture
def patch(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    return monkeypatch


@virtual_time
async def test_counts_belong_to_the_minute_in_which_they_were_made(patch: pytest.MonkeyPatch) -> None:
    bench = Bench(patch)
    running = asyncio.create_task(bench.history.run())
    loop = asyncio.get_running_loop()
    for at_s in (1, 9.9, 10.1, 30, 69.9, 70.1):
        loop.call_later(at_s, bench.end)
    await asyncio.sleep(75)
    running.cancel()
    assert bench.counted == {("sync", MINUTE): 2, ("sync", MINUTE + 1): 3, ("sync", MINUTE + 2): 1}


@virtual_time
async def test_no_count_waits_for_more_than_five_seconds(patch: pytest.MonkeyPatch) -> None:
    bench = Bench(patch)
    running = asyncio.create_task(bench.history.run())
    for jobs in range(1, 30):
        bench.end()
        await asyncio.sleep(4.99)
        assert bench.counted.total() == jobs
    running.cancel()


@virtual_time
async def test_nothing_is_sent_where_nothing_was_counted(patch: pytest.MonkeyPatch) -> None:
    bench = Bench(patch)
    await bench.run(300)
    assert bench.calls == []


@pytest.mark.parametrize("fate", ["request", "answer"])
@pytest.mark.parametrize("times", [1, 5])
def test_each_count_reaches_the_store_once(patch: pytest.MonkeyPatch, fate: str, times: int) -> None:
    @virtual_time
    async def check() -> None:
        bench = Bench(patch)
        bench.lose = [fate] * times
        running = asyncio.create_task(bench.history.run())
        for _ in range(50):
            bench.end()
            await asyncio.sleep(1)
        running.cancel()
        await bench.history.close(asyncio.get_running_loop().time() + 1)
        assert bench.counted.total() == 50

    check()


@virtual_time
async def test_calls_are_bounded(patch: pytest.MonkeyPatch) -> None:
    bench = Bench(patch)
    bench.types = [bound(f"t-{number}") for number in range(250)]
    for one in bench.types:
        one.counts[Outcome.DONE] += 1
    await bench.run(5)
    assert bench.calls == [MAX_MINUTES] * 5
    assert bench.counted.total() == 250


@virtual_time
async def test_removed_type_is_counted_until_its_last_job_ended(patch: pytest.MonkeyPatch) -> None:
    bench = Bench(patch)
    (gone,) = bench.types
    bench.held = [LeasedJob("sync|u|60|0|0|w|1", gone, "", 0, 0, 0.0, None)]
    bench.end()
    bench.types = []
    await bench.run(20)
    gone.counts[Outcome.DONE] += 1
    bench.held = []
    bench.types = [bound("sync")]  # a new one of this name counts from 0
    bench.end()
    await bench.history.close(asyncio.get_running_loop().time() + 1)
    assert bench.counted.total() == 3


@virtual_time
async def test_last_counts_are_sent_until_the_store_answers(patch: pytest.MonkeyPatch) -> None:
    bench = Bench(patch)
    bench.lose = ["request", "answer", "request"]
    bench.end(jobs=3)
    await bench.history.close(asyncio.get_running_loop().time() + 5)
    assert bench.counted.total() == 3


@virtual_time
async def test_last_counts_are_given_up_where_the_store_is_silent(patch: pytest.MonkeyPatch) -> None:
    bench = Bench(patch)

    async def silent(*_: object) -> bool:
        await asyncio.sleep(3_600)
        return True

    patch.setattr(history, "count_once", silent)
    bench.end()
    loop = asyncio.get_running_loop()
    before_s = loop.time()
    await bench.history.close(before_s + 5)
    assert loop.time() == before_s + 5


@pytest.mark.parametrize(
    ("late_s", "at"),
    [(-0.1, 0), (0, 0), (0.01, 0), (0.011, 1), (0.2, 2), (0.9, 3), (1.5, 4), (60, 5), (600, 6), (601, 7)],
)
def test_starts_are_counted_by_lateness(late_s: float, at: int) -> None:
    lateness = Lateness()
    tally = Tally(lateness)
    tally.start(late_s)
    tally.start_again()
    expected = [0] * STARTS
    expected[at] = expected[-1] = 1
    assert tally.starts == expected
    assert list(to_counts(tally.take()).starts) == expected
    assert not tally.take()
    assert (sum(lateness.starts), lateness.sum_s) == (1, late_s)


def test_bounds_of_the_history_are_bounds_of_the_metric() -> None:
    assert {bound_ms / 1000 for bound_ms in LATENESS_BOUNDS_MS} <= set(BOUNDS_S)


def test_metric_has_the_lateness_of_all_types() -> None:
    lateness, parts = Lateness(), SimpleNamespace(size=0, free=0, sent=0, leased=0, steps=0, busy=0, stuck=0)
    first, second = Tally(lateness), Tally(lateness)
    for tally, late_s in ((first, 0.004), (second, 0.004), (second, 700.0)):
        tally.start(late_s)
    second.start_again()
    types, other = SimpleNamespace(lateness=lateness, all=lambda: ()), cast("Any", parts)
    collector = WorkerCollector(cast("Any", types), other, other, other, other, other, {})
    (found,) = [one for one in collector.collect() if one.name == "taskqueue_start_lateness_seconds"]
    values = {one.labels.get("le", one.name.rpartition("_")[2]): one.value for one in found.samples}
    assert (values["0.003"], values["0.005"], values["600.0"], values["+Inf"]) == (0, 2, 2, 3)
    assert values["count"] == 3
    assert values["sum"] == pytest.approx(700.008)
