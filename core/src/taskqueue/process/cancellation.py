"""Cancellation that user code asks for: a handler may cancel its own task, or every task it finds."""

import asyncio


async def absorb_cancellation() -> None:
    """Forget every cancellation of the running task, including one that asyncio has still to deliver."""
    task = asyncio.current_task()
    assert task is not None
    while task.cancelling():
        task.uncancel()
    try:  # before Python 3.13, uncancel() leaves an exception that was not delivered yet
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        while task.cancelling():
            task.uncancel()
