"""Tasks of the worker that go on when user code cancels them, or when they fail.

A handler may cancel its own task or every task in the loop, and a task left behind by a handler may do so at any time.
The worker's tasks end when the worker ends them and at no other time.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from taskqueue.process.cancellation import absorb_cancellation
from taskqueue.text.printable import describe_error

log = structlog.get_logger("taskqueue.worker")

#: Pause before a failed task is started again.
_RESTART_S = 1.0


async def keep_running(
    name: str, run: Callable[[], Coroutine[Any, Any, None]], ending: Callable[[], bool]
) -> None:
    """Run a part until the worker ends. A part that fails, or that user code cancels, is started again."""
    failed = False
    while True:
        try:
            if failed:
                await asyncio.sleep(_RESTART_S)
            failed = False
            await run()
        except asyncio.CancelledError:
            if ending():
                raise
            log.warning("background task cancelled by user code, restarted", task=name)
            await absorb_cancellation()
        except Exception as error:
            if ending():
                raise
            log.exception("background task failed, restarted", task=name, error=describe_error(error))
            failed = True
        else:
            return
