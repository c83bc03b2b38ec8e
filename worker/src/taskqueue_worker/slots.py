"""The concurrency: long-lived tasks, each of which runs one job after another.

No task, timer or future is made per job unless the job needs one: a slot waits for its job's start if that lies ahead,
and awaits the handler itself. Timeouts are looked after by one sweep (heartbeat.py). An idle slot is woken only
when a job waits, and wakes the next one in turn, so a hundred quick jobs may all run in the first.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable

from taskqueue.handlers.job import Job
from taskqueue.store.claim import Result
from taskqueue.store.job_name import parse
from taskqueue.store.users import decode_params
from taskqueue_worker.permits import Permits
from taskqueue_worker.runner import run
from taskqueue_worker.slot_time import reached
from taskqueue_worker.started import Started


class Slots:
    """`report` gets the result of each job; `freed` is called when a slot has become free."""

    def __init__(
        self,
        size: int,
        permits: Callable[[Started], Permits],
        report: Callable[[Result], None],
        freed: Callable[[], None],
        observe: Callable[[Started, int, float], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._permits = permits
        self._report = report
        self._freed = freed
        self._observe = observe
        self._waiting: deque[Started] = deque()
        self._idle: deque[asyncio.Future[None]] = deque()
        self._waking = False
        self._empty = asyncio.Event()
        self.running: dict[int, Started] = {}
        self.size = size
        self._tasks = [asyncio.create_task(self._slot(number)) for number in range(size)]

    @property
    def free(self) -> int:
        """Slots that neither run a job nor have one waiting for them."""
        return self.size - len(self.running) - len(self._waiting)

    def add(self, jobs: Iterable[Started]) -> None:
        self._waiting.extend(jobs)
        self._wake()

    def members(self) -> list[str]:
        """Every lease held."""
        return [job.member for job in (*self.running.values(), *self._waiting)]

    def drop(self, lost: set[str]) -> None:
        """Forgets and cancels jobs whose lease is gone."""
        self._waiting = deque(job for job in self._waiting if job.member not in lost)
        for job in list(self.running.values()):
            if job.member in lost:
                job.cancel("lost")

    def give_back(self) -> None:
        """Returns every job whose handler has not begun."""
        while self._waiting:
            self._report(Result(self._waiting.popleft().member, "l"))
        for job in list(self.running.values()):
            if not job.began_s:
                job.cancel("drain")

    async def emptied(self, until_s: float) -> None:
        """Return once no job runs, or at until_s."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until_s):
                while self.running:
                    self._empty.clear()
                    await self._empty.wait()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

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
        running = self.running
        while True:
            waiting = self._waiting
            if not waiting:
                future = self._loop.create_future()
                self._idle.append(future)
                await future
                self._waking = False
                continue
            job = waiting.popleft()
            job.task = task
            running[number] = job
            self._wake()
            try:
                result = await self._one(job)
            finally:
                del running[number]
                if not running:
                    self._empty.set()
            if result is not None:
                self._report(result)
            self._freed()

    async def _one(self, started: Started) -> Result | None:
        name = parse(started.member)
        params = started.kind.spec.params
        if started.params:
            params = {**params, **decode_params(started.params)}
        job = Job(
            name.type,
            name.user,
            name.occurrence,
            name.due_ms,
            params,
            started.attempt,
            self._permits(started).take,
            name.id or None,
        )
        try:
            in_time = await reached(started.start_s)
        except asyncio.CancelledError:
            if started.stop is None:
                raise
            asyncio.current_task().uncancel()  # type: ignore[union-attr]
            return None if started.stop == "lost" else Result(started.member, "l")
        if not in_time:
            started.kind.counts["late"] += 1
            return Result(started.member, "l")
        result = await run(started, job, self._loop.time)
        ended_s = self._loop.time()
        self._observe(started, name.due_ms, ended_s)
        if result is None or result.verb == "l":  # cut short: not what a job of this type takes
            return result
        return result._replace(ran_us=max(1, int((ended_s - started.began_s) * 1e6)))
