"""The concurrency slots of a worker: long-lived tasks, each of which runs one job after another.

No task, timer or future is made per job unless the job needs one: a slot waits for its job's start if that lies ahead,
and awaits the handler itself. One sweep (heartbeat.py) looks after all timeouts. An idle slot is woken only when a job
waits, and wakes the next one in turn, so a hundred quick jobs may all run in the first.

A slot ends when the worker closes and at no other time: every fault of a job in it becomes the job's result.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from taskqueue.process.cancellation import absorb_cancellation
from taskqueue.store.claim import Result
from taskqueue.text.printable import describe_error
from taskqueue_worker import results
from taskqueue_worker.attempts import judge_fault
from taskqueue_worker.leased_job import LeasedJob

#: How long a cancelled handler may delay the end of the worker.
_CLOSE_S = 1.0


class ConcurrencySlotEndedError(RuntimeError):
    """A concurrency slot ended although the worker goes on: its job would stay leased and never run."""


class ConcurrencySlots:
    """The concurrency slots, and the leased jobs that wait for one.

    run: makes an attempt at a job; None after a lost lease.   report: takes the result of each job.
    freed: called when a slot is free.
    running: slot number -> job.   ended: resolved, with the reason, if a slot ends before the worker closes.
    """

    def __init__(
        self,
        size: int,
        run: Callable[[LeasedJob], Awaitable[Result | None]],
        report: Callable[[Result], None],
        freed: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._run = run
        self._report = report
        self._freed = freed
        self._waiting: deque[LeasedJob] = deque()
        self._idle: deque[asyncio.Future[None]] = deque()
        self._waking = False
        self._empty = asyncio.Event()
        self.running: dict[int, LeasedJob] = {}
        self.size = size
        self.closing = False
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self._tasks = [asyncio.create_task(self._slot(number)) for number in range(size)]
        for task in self._tasks:
            task.add_done_callback(self._slot_ended)

    @property
    def free(self) -> int:
        """Slots without a job, less the jobs that wait for one."""
        return self.size - len(self.running) - len(self._waiting)

    @property
    def alive(self) -> int:
        """Slots that can run jobs."""
        return sum(not task.done() for task in self._tasks)

    def add(self, jobs: Iterable[LeasedJob]) -> None:
        self._waiting.extend(jobs)
        self._wake()

    def leases(self) -> list[str]:
        """Return the leases of all jobs held."""
        return [leased.lease for leased in (*self.running.values(), *self._waiting)]

    def snapshot(self) -> list[LeasedJob]:
        """Return all jobs held. Safe in another thread, while this one adds and removes jobs."""
        while True:
            with contextlib.suppress(RuntimeError):  # a job came or went meanwhile
                return [*self.running.values(), *self._waiting]

    def type_of(self, task: asyncio.Task[object]) -> str | None:
        """Return the type whose handler runs in a task, if that is a slot's. Safe in another thread."""
        for leased in self.snapshot():
            if leased.task is task and leased.called_s:
                return leased.type.definition.name
        return None

    def drop(self, lost: set[str]) -> None:
        """Forget waiting jobs and cancel running ones, by lease."""
        self._waiting = deque(leased for leased in self._waiting if leased.lease not in lost)
        for leased in list(self.running.values()):
            if leased.lease in lost:
                leased.cancel("lost")

    def give_back(self) -> None:
        """Return every job whose handler has not begun."""
        while self._waiting:
            self._report(results.returned(self._waiting.popleft()))
        for leased in list(self.running.values()):
            if not leased.began_s:
                leased.cancel("drain")

    async def emptied(self, until_s: float) -> None:
        """Wait until no job runs, or until until_s."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until_s):
                while self.running:
                    self._empty.clear()
                    await self._empty.wait()

    def cancel_all(self) -> None:
        """Cancel every handler, as the worker ends."""
        for leased in list(self.running.values()):
            leased.cancel("drain")

    async def close(self) -> None:
        """End every slot. A handler that goes on although it is cancelled is left."""
        self.closing = True
        self.cancel_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks, timeout=_CLOSE_S)
        self.ended.cancel()

    def _wake(self) -> None:
        if self._waiting and not self._waking:
            while self._idle:
                future = self._idle.popleft()
                if not future.done():
                    self._waking = True
                    future.set_result(None)
                    return

    async def _slot(self, number: int) -> None:
        task = asyncio.current_task()
        while not self.closing:
            if not self._waiting:
                await self._idle_until_woken()
                continue
            leased = self._waiting.popleft()
            leased.task = task
            self.running[number] = leased
            self._wake()
            try:
                result = await self._run(leased)
            except BaseException as error:  # the slot goes on after every error
                if self.closing:
                    raise
                result = await judge_fault(leased, error)
            finally:
                del self.running[number]
                if not self.running:
                    self._empty.set()
            if result is not None:
                self._report(result)
            self._freed()

    async def _idle_until_woken(self) -> None:
        future = self._loop.create_future()
        self._idle.append(future)
        try:
            await future
        except asyncio.CancelledError:
            if self.closing:
                raise
            await absorb_cancellation()
            self._waking = False
            self._wake()
        self._waking = False

    def _slot_ended(self, task: asyncio.Task[None]) -> None:
        if self.closing or self.ended.done():
            return
        error = None if task.cancelled() else task.exception()
        reason = "cancelled" if error is None else describe_error(error)
        self.ended.set_exception(ConcurrencySlotEndedError(f"a concurrency slot ended: {reason}"))
