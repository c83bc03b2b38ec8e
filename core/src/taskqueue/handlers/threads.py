"""The threads of handlers that are not async. A thread cannot be stopped, only left.

A job gets a thread when one is free, and not before: a job that is cancelled while it waits never runs, and threads
that hang are counted.
"""

import asyncio
import inspect
import os
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import Self

from taskqueue.handlers.errors import BadHandler, NoFreeThread
from taskqueue.handlers.job import Job
from taskqueue.handlers.managed import ManagedHandler

Call = Callable[[Job], object]

#: Exit code of a forked process that comes back from the handler.
_FORK_RETURNED = 70


class Threads:
    """A pool of threads. size: handlers that may run at a time."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._pool = ThreadPoolExecutor(size, thread_name_prefix="taskqueue-handler")
        #: Running job -> end of its timeout (monotonic clock).
        self._busy: dict[Future[None], float] = {}
        self._granted = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    @property
    def busy(self) -> int:
        """Threads that run a handler, including handlers of jobs that were given up."""
        return len(self._busy)

    @property
    def stuck(self) -> int:
        """Threads whose handler has run for longer than its job's timeout."""
        now_s = time.monotonic()
        return sum(now_s > until_s for until_s in list(self._busy.values()))

    async def reserve(self) -> bool:
        """Reserve a thread for `run`. Returns True if one was free at once.

        Raises NoFreeThread if the wait is cancelled.
        """
        if self.busy + self._granted < self.size and not self._waiting:
            self._granted += 1
            return True
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # granted at the same moment
                self.release()
            else:
                self._waiting.remove(turn)
            raise NoFreeThread(self.size, self.stuck) from None
        return False

    def release(self) -> None:
        """Give up a reserved thread."""
        self._granted -= 1
        self._grant()

    async def run(self, function: Call, job: Job, timeout_s: float) -> None:
        """Run a handler in a reserved thread with the caller's contextvars. Cancelling stops the wait alone."""
        loop = asyncio.get_running_loop()
        self._granted -= 1
        future = self._pool.submit(copy_context().run, _call, function, job)
        self._busy[future] = time.monotonic() + timeout_s

        def ended(future: Future[None]) -> None:
            with suppress(RuntimeError):  # the loop is gone
                loop.call_soon_threadsafe(self._ended, future)

        future.add_done_callback(ended)
        await asyncio.wrap_future(future)

    def shutdown(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ended(self, future: Future[None]) -> None:
        self._busy.pop(future, None)
        self._grant()

    def _grant(self) -> None:
        while self._waiting and self.busy + self._granted < self.size:
            turn = self._waiting.popleft()
            if not turn.done():
                self._granted += 1
                turn.set_result(None)


class ThreadHandler(ManagedHandler):
    """The handler around a function that is not async."""

    def __init__(self, function: Call, threads: Threads, timeout_s: float) -> None:
        self._function = function
        self._threads = threads
        self._timeout_s = timeout_s

    async def __call__(self, job: Job) -> None:
        if not await self._threads.reserve():
            # Its slot has passed: jobs that start whenever a thread becomes free would exceed the limit.
            try:
                await job.permit()
            except BaseException:
                self._threads.release()
                raise
        job.slot.begin()
        await self._threads.run(self._function, job, self._timeout_s)


def _call(function: Call, job: Job) -> None:
    worker = os.getpid()
    try:
        result = function(job)
    except StopIteration as error:
        # A future cannot carry StopIteration: Python 3.11 would leave the job waiting for ever.
        raise RuntimeError("the handler raised StopIteration") from error
    finally:
        if os.getpid() != worker:
            os._exit(_FORK_RETURNED)  # the handler forked: the child would wait for jobs without a worker
    if inspect.iscoroutine(result):
        result.close()
        raise BadHandler(
            "the handler is not an async function but returned a coroutine, which did not run: "
            "a decorator around it must be async too"
        )
