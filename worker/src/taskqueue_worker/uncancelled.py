"""Keeps the worker's own tasks alive when user code cancels them.

A handler may cancel the task it runs in, or all tasks it finds; one that it left behind may do so at any time. The
worker's tasks end when the worker says so and at no other time.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

log = structlog.get_logger("taskqueue.worker")


async def absorb_cancellation() -> None:
    """Forget every cancellation of the running task, one that is still to be delivered too."""
    task = asyncio.current_task()
    assert task is not None
    while task.cancelling():
        task.uncancel()
    try:  # before Python 3.13, uncancel() leaves an exception that was not delivered yet
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        while task.cancelling():
            task.uncancel()


async def keep_running(
    name: str, run: Callable[[], Coroutine[Any, Any, None]], ending: Callable[[], bool]
) -> None:
    """Run a task that lasts until the worker ends it; start it again if anything else cancels it."""
    while True:
        try:
            await run()
        except asyncio.CancelledError:
            if ending():
                raise
            log.warning("background task cancelled by user code, restarted", task=name)
            await absorb_cancellation()
        else:
            return
