"""Python 3.11's wait_for, which the client uses, may answer instead of being cancelled. No loop may go on then."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from taskqueue_worker import heartbeat, permits, worker


def swallowing(answer: Any, entered: asyncio.Event) -> Callable[..., Awaitable[Any]]:
    """A call of the store that is under way when its task is cancelled, and answers; the next one waits."""

    async def call(*_: Any, **__: Any) -> Any:
        first = not entered.is_set()
        entered.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            if not first:
                raise
        return answer

    return call


class Nothing:
    """Slots without a job, and a worker without a store."""

    free = 1

    def members(self) -> list[str]:
        return []

    def drop(self, lost: set[str]) -> None: ...


async def ends(task: asyncio.Task[Any], entered: asyncio.Event) -> None:
    await asyncio.wait_for(entered.wait(), 5)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=1)
    task.cancel()
    assert done, "it went on"
    assert task.cancelled()


async def test_the_heartbeat_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    entered = asyncio.Event()
    monkeypatch.setattr(heartbeat, "heartbeat", swallowing([], entered))
    store: Any = None
    slots: Any = Nothing()
    # A lease of 3 ms: the sleep between two beats must not be what ends it.
    task = asyncio.create_task(heartbeat.keep_leases(store, "w", 3, slots, lambda: b"{}", []))
    await ends(task, entered)


async def test_waiting_for_ad_hoc_jobs_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    entered = asyncio.Event()
    monkeypatch.setattr(worker, "wait_for_wakeup", swallowing(False, entered))
    idle: Any = object.__new__(worker.Worker)
    idle._wakeups = None
    await ends(asyncio.create_task(idle._listen()), entered)


async def test_a_job_that_timed_out_asks_for_no_further_permit(monkeypatch: pytest.MonkeyPatch) -> None:
    entered = asyncio.Event()
    monkeypatch.setattr(permits, "permit", swallowing((False, 0.0), entered))
    store: Any = None
    started: Any = type("Started", (), {"kind": type("Kind", (), {"spec": type("Spec", (), {"cost": 1})})})
    await ends(asyncio.create_task(permits.Permits(store, 1_000, started).take(1)), entered)
