"""An event loop that runs its main task to the end, whatever user code does in the loop.

asyncio lets SystemExit and KeyboardInterrupt of a task or a callback out of `run_forever`, and `loop.stop()` returns
from it. Tasks that a handler left behind may do either. The loop is then run again: its ready callbacks are still in
it.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import structlog

from taskqueue.text.printable import describe_error

try:
    from uvloop import new_event_loop as new_uvloop
except ImportError:  # not on every platform
    from asyncio import new_event_loop as new_uvloop  # type: ignore[assignment]

__all__ = ["NewLoop", "new_uvloop", "run_to_end"]

NewLoop = Callable[[], asyncio.AbstractEventLoop]

log = structlog.get_logger("taskqueue.process")

#: Seconds for remaining tasks to end.
_LEFTOVERS_S = 0.5
#: Exit code of a process that a handler forked and that came back to the loop.
_FORK_RETURNED = 70
#: Seconds between two log lines about interruptions: a leftover may repeat itself.
_LOG_EACH_S = 1.0


def run_to_end(main: Coroutine[Any, Any, None], new_loop: NewLoop = asyncio.new_event_loop) -> None:
    """Run `main` in a new loop. Raises the exception of `main`, and no exception of other code in the loop."""
    loop = new_loop()
    asyncio.set_event_loop(loop)
    _end_forks(loop)
    threads = ThreadPoolExecutor(thread_name_prefix="taskqueue")
    loop.set_default_executor(threads)
    try:
        _run(loop, loop.create_task(main, name="taskqueue main"))
    finally:
        with suppress(BaseException):
            _end_leftovers(loop)
        threads.shutdown(wait=False, cancel_futures=True)
        asyncio.set_event_loop(None)
        loop.close()


def _end_forks(loop: asyncio.AbstractEventLoop) -> None:
    """Let a process that a handler forks end when it comes back to the loop.

    Such a child would work a second time on the connections and leases of its parent.
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
        except BaseException as error:  # noqa: BLE001 - the task's own is raised below
            if task.done():
                break
            times += 1
            if time.monotonic() - logged_s >= _LOG_EACH_S:
                logged_s = time.monotonic()
                log.error(  # noqa: TRY400 - where the loop was says nothing
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
