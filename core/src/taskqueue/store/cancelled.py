"""Cancellations that the client swallowed.

Before Python 3.12, `asyncio.wait_for`, through which redis-py sends with a timeout, answers with a result
that came at the same moment instead of raising CancelledError. A loop that calls the store might never end.
"""

import asyncio


def raise_if_cancelled() -> None:
    """Raise CancelledError if the running task was cancelled. Loops that call the store ask every time."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
