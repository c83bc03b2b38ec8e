"""The worker's own tasks end when the worker says so: not when user code cancels them, and not when they fail."""

import asyncio

import pytest
from structlog.testing import capture_logs

from taskqueue_worker.liveness import kept_task
from taskqueue_worker.liveness.kept_task import keep_running


async def test_a_cancelled_or_failed_task_runs_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_task, "_RESTART_S", 0)
    ending = False
    begun: asyncio.Queue[int] = asyncio.Queue()

    async def run() -> None:
        begun.put_nowait(len(faults))
        await asyncio.sleep(0)
        if faults:
            raise faults.pop()
        await asyncio.Event().wait()

    faults: list[BaseException] = [RuntimeError("a bug"), asyncio.CancelledError()]
    task = asyncio.create_task(keep_running("part", run, lambda: ending))
    with capture_logs() as logs:
        for left in (2, 1, 0):
            assert await asyncio.wait_for(begun.get(), 30) == left
        await asyncio.sleep(0)
        task.cancel()  # as user code might
        assert await asyncio.wait_for(begun.get(), 30) == 0
        ending = True
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert [entry["log_level"] for entry in logs] == ["warning", "error", "warning"]
