"""The concurrency: long-lived tasks, each of which runs one job after another.

No task, timer or future is made per job unless the job needs one: a slot waits for its job's start if that lies ahead,
and awaits the handler itself. Timeouts are looked after by one sweep (heartbeat.py). An idle slot is woken only
when a job waits, and wakes the next one in turn, so a hundred quick jobs may all run in the first.

A slot ends when the worker closes and for no other reason: whatever happens to a job in it becomes the job's result.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable

import structlog

from taskqueue.handlers.job import Job
from taskqueue.printable import describe_error, type_name
from taskqueue.store.claim import Result
from taskqueue.store.job_name import JobName, parse
from taskqueue.store.users import decode_params
from taskqueue_worker import outbox
from taskqueue_worker.clock import reached
from taskqueue_worker.leased_job import LeasedJob
from taskqueue_worker.liveness.cancellation import absorb_cancellation
from taskqueue_worker.pace import Reach
from taskqueue_worker.permits import Permits
from taskqueue_worker.runner import judge_raised, run

log = structlog.get_logger("taskqueue.worker")


#: How long a cancelled handler may hold up the end of the worker.
_CLOSE_S = 1.0


class SlotEndedError(RuntimeError):
    """A slot ended though the worker goes on: what it held would stay leased and never run."""


class Slots:
    """`report` gets the result of each job; `freed` is called when a slot has become free."""

    def __init__(
        self,
        size: int,
        permits: Callable[[LeasedJob], Permits],
        report: Callable[[Result], None],
        freed: Callable[[], None],
        observe: Callable[[LeasedJob, int, float], None],
        reach: Reach | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._permits = permits
        self._report = report
        self._freed = freed
        self._observe = observe
        self._reach = reach or Reach()
        self._waiting: deque[LeasedJob] = deque()
        self._idle: deque[asyncio.Future[None]] = deque()
        self._waking = False
        self._empty = asyncio.Event()
        self.running: dict[int, LeasedJob] = {}
        self.size = size
        self.closing = False
        #: Resolved, with the reason, if a slot ends before the worker closes.
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self._tasks = [asyncio.create_task(self._slot(number)) for number in range(size)]
        for task in self._tasks:
            task.add_done_callback(self._slot_ended)

    @property
    def free(self) -> int:
        """Slots that neither run a job nor have one waiting for them."""
        return self.size - len(self.running) - len(self._waiting)

    @property
    def alive(self) -> int:
        """Slots that can run jobs."""
        return sum(not task.done() for task in self._tasks)

    def add(self, jobs: Iterable[LeasedJob]) -> None:
        self._waiting.extend(jobs)
        self._wake()

    def members(self) -> list[str]:
        """Every lease held."""
        return [job.member for job in (*self.running.values(), *self._waiting)]

    def snapshot(self) -> list[LeasedJob]:
        """Every job held, for another thread, which may come while this one changes something."""
        while True:
            with contextlib.suppress(RuntimeError):  # changed meanwhile
                return [*self.running.values(), *self._waiting]

    def drop(self, lost: set[str]) -> None:
        """Forgets and cancels jobs whose lease is gone."""
        self._waiting = deque(job for job in self._waiting if job.member not in lost)
        for job in list(self.running.values()):
            if job.member in lost:
                job.cancel("lost")

    def give_back(self) -> None:
        """Returns every job whose handler has not begun."""
        while self._waiting:
            self._report(outbox.returned(self._waiting.popleft().member))
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
        """End every slot. A handler that goes on although it is cancelled is left."""
        self.closing = True
        for job in list(self.running.values()):
            job.cancel("drain")
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
            job = self._waiting.popleft()
            job.task = task
            self.running[number] = job
            self._wake()
            try:
                result = await self._one(job)
            except BaseException as error:  # noqa: BLE001 - the slot goes on, whatever it was
                result = await self._broken(job, error)
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

    async def _broken(self, job: LeasedJob, error: BaseException) -> Result | None:
        """What becomes of a job whose slot met an error outside its handler."""
        if self.closing:
            raise error
        if isinstance(error, GeneratorExit):
            if not _in_loop():
                raise error  # not the handler's: the loop is gone, and Python closes what was left in it
            return judge_raised(job, BaseException.with_traceback(error, None))
        if isinstance(error, asyncio.CancelledError):
            await absorb_cancellation()
            return None if job.stop == "lost" else outbox.returned(job.member)
        log.error("job failed outside its handler", job=job.name, error=type_name(error))
        return outbox.failed(job, f"the worker failed: {describe_error(error)}", logged=type_name(error))

    def _slot_ended(self, task: asyncio.Task[None]) -> None:
        if self.closing or self.ended.done():
            return
        error = None if task.cancelled() else task.exception()
        said = "cancelled" if error is None else describe_error(error)
        self.ended.set_exception(SlotEndedError(f"a slot ended: {said}"))

    async def _one(self, started: LeasedJob) -> Result | None:
        try:
            name, job = self._job(started)
        except Exception as error:  # noqa: BLE001 - whatever the store held
            return outbox.dead(started, f"the stored job cannot be read: {describe_error(error)}")
        managed = started.type.managed
        in_time = await reached(started.start_s, managed.ahead_s if managed else 0.0)
        self._reach.saw(in_time=in_time)
        if not in_time:
            return outbox.late(started)
        called_s = self._loop.time()
        result = await run(started, job, called_s)
        if not started.began_s:
            return result
        ended_s = self._loop.time()
        self._observe(started, name.due_ms, ended_s)
        if result is None or result.verb == "l":  # cut short: not what a job of this type takes
            return result
        # A wait for a thread counts: the slot is held meanwhile. A wait for the start, with a connection, does not.
        held_s = ended_s - max(called_s, started.start_s)
        return result._replace(ran_us=max(1, int(held_s * 1e6)))

    def _job(self, started: LeasedJob) -> tuple[JobName, Job]:
        """Make the job that a handler gets. Raises whatever a stored value that cannot be read makes it raise."""
        name = parse(started.member)
        params = started.type.params(decode_params(started.params))
        permits, ad_hoc_id = self._permits(started).take, name.id or None
        return name, Job(
            *(
                name.type,
                name.user,
                name.occurrence,
                name.due_ms,
                params,
                started.attempt,
                permits,
                ad_hoc_id,
                started,
            )
        )


def _in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
