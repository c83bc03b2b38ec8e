"""An event loop that user code cannot end.

asyncio lets SystemExit and KeyboardInterrupt of a task or a callback out of `run_forever`, and `loop.stop()` returns
from it. A task that a handler left behind may do either. The loop is then run again, with all that was ready in it.
"""

import asyncio
import os
import threading
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import structlog

from taskqueue.text.printable import describe_error

log = structlog.get_logger("taskqueue.worker")

#: How long tasks that handlers left behind may take to end.
_LEFTOVERS_S = 0.5
#: Exit code of a forked process that comes back to the loop.
_FORK_RETURNED = 70
#: Interruptions are logged at most this often: a leftover may repeat itself.
_LOG_EACH_S = 1.0


def run_to_end(main: Coroutine[Any, Any, None]) -> None:
    """Run `main` in a loop of its own. Raises the exceptions of `main`, and of no other task in the loop."""
    loop = _new_loop()
    asyncio.set_event_loop(loop)
    _end_forks(loop)
    try:
        _run(loop, loop.create_task(main, name="taskqueue worker"))
    finally:
        with suppress(BaseException):
            _end_leftovers(loop)
        asyncio.set_event_loop(None)
        loop.close()


def _end_forks(loop: asyncio.AbstractEventLoop) -> None:
    """Have a process that a handler forks exit when it comes back to the loop.

    Otherwise it would be a second worker on the connections, leases and slots of this one.
    """
    thread = threading.get_ident()

    def forked() -> None:
        if threading.get_ident() == thread and not loop.is_closed():
            loop.call_soon(os._exit, _FORK_RETURNED)

    os.register_at_fork(after_in_child=forked)


def _run(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    logged_s, times = float("-inf"), 0
    while not task.done():
        try:
            loop.run_until_complete(task)
        except BaseException as error:  # noqa: BLE001 - an error of `task` itself is raised below
            if task.done():
                break
            times += 1
            if time.monotonic() - logged_s >= _LOG_EACH_S:
                logged_s = time.monotonic()
                log.error(  # noqa: TRY400 - the traceback shows the loop alone
                    "event loop interrupted by user code, going on", error=describe_error(error), times=times
                )
    task.result()


def _end_leftovers(loop: asyncio.AbstractEventLoop) -> None:
    leftovers = asyncio.all_tasks(loop)
    for task in leftovers:
        task.cancel()
    if leftovers:
        _run(loop, loop.create_task(_wait(leftovers)))
    _run(loop, loop.create_task(_end_generators(loop)))


async def _wait(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.wait(tasks, timeout=_LEFTOVERS_S)


async def _end_generators(loop: asyncio.AbstractEventLoop) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_LEFTOVERS_S):
            await loop.shutdown_asyncgens()


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
