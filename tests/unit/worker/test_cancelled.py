"""Python 3.11's wait_for, which the client uses, may answer instead of being cancelled. No loop may go on then."""

import asyncio
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from taskqueue.models.values import Schedule, TaskType
from taskqueue.store.connection import Store
from taskqueue.store.keys import Keys
from taskqueue_worker import heartbeat, permits
from taskqueue_worker.claimer import Claimer
from taskqueue_worker.clock import StoreClock
from taskqueue_worker.leased_job import LeasedJob
from taskqueue_worker.task_types import BoundType


class Swallowing:
    """A client with a call in flight, which is answered although its task is cancelled; the next call waits."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.entered = asyncio.Event()

    async def execute_command(self, *_: Any) -> Any:
        first = not self.entered.is_set()
        self.entered.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            if not first:
                raise
        return self.answer


class Nothing:
    """Slots without a job."""

    free = 1

    def leases(self) -> list[str]:
        return []

    def drop(self, lost: set[str]) -> None: ...


@pytest.fixture
def client(request: pytest.FixtureRequest) -> Swallowing:
    return Swallowing(getattr(request, "param", None))


@pytest.fixture
def store(client: Any) -> Store:
    return Store(client, Keys("shop"))


async def ends(task: asyncio.Task[Any], entered: asyncio.Event) -> None:
    await asyncio.wait_for(entered.wait(), 30)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=30)
    task.cancel()
    assert done, "it went on"
    assert task.cancelled()


@pytest.mark.parametrize("client", [msgspec.msgpack.encode([])], indirect=True)
async def test_the_heartbeat_ends(client: Swallowing, store: Store) -> None:
    slots: Any = Nothing()
    beat = heartbeat.Heartbeat("w", 3, lambda: b"{}", list)
    # A lease of 3 ms: the sleep between two beats must not end it.
    task = asyncio.create_task(heartbeat.keep_leases(beat, store, slots))
    await ends(task, client.entered)


async def test_waiting_for_ad_hoc_jobs_ends(client: Swallowing, store: Store) -> None:
    unused: Any = None
    calls: Any = SimpleNamespace(draining=False)
    claimer = Claimer(calls, unused, unused, unused, unused)
    await ends(asyncio.create_task(claimer.listen(store)), client.entered)


@pytest.mark.parametrize("client", [(0, 0)], indirect=True)
async def test_a_timed_out_job_asks_for_no_further_permit(client: Swallowing, store: Store) -> None:
    bound = BoundType(TaskType("sync", Schedule(interval_s=60)), None)
    leased = LeasedJob("sync|u|60|0|0|w|1", bound, "", 0, 0, 0.0, 0.0)
    await ends(
        asyncio.create_task(permits.Permits(store, StoreClock(), 1_000, leased).take(1)), client.entered
    )
