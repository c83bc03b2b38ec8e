"""The parts of a worker put together: started, kept alive, drained."""

import asyncio
import contextlib
import os
import socket
import uuid
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
import structlog
from prometheus_client import REGISTRY

from taskqueue.handlers.dispatch import Dispatcher
from taskqueue.handlers.http_call import HttpClient
from taskqueue.handlers.registry import Registry
from taskqueue.handlers.threads import Threads
from taskqueue.retention import RetentionWatch
from taskqueue.store.errors import StoreFailure
from taskqueue.store.lease import pass_wakeup_on, wait_for_wakeup
from taskqueue_worker.claimer import CHANNELS, Claimer
from taskqueue_worker.clock import ServerClock
from taskqueue_worker.closing import close_shared
from taskqueue_worker.heartbeat import Standby, keep_leases, stop_overdue
from taskqueue_worker.leased_job import LeasedJob
from taskqueue_worker.liveness.cancellation import absorb_cancellation, keep_running
from taskqueue_worker.liveness.watchdog import Watchdog
from taskqueue_worker.metrics import DURATION, LATENESS, WorkerCollector
from taskqueue_worker.outbox import Outbox
from taskqueue_worker.pace import Pace
from taskqueue_worker.permits import Permits
from taskqueue_worker.probes import Life
from taskqueue_worker.settings import WorkerSettings
from taskqueue_worker.slots import Slots
from taskqueue_worker.suspects import Suspects
from taskqueue_worker.task_types import TaskTypes

log = structlog.get_logger("taskqueue.worker")

#: Less than the time after which no answer of the store counts as a lost one.
_WAKEUP_TIMEOUT_S = 1.0
#: How long a cancelled handler may take to clean up, and the last results to be settled.
_CANCEL_S = 1.0
_FINAL_SETTLE_S = 5.0
#: The same for a worker that no call has brought a job: what one in flight may lease comes back when its lease ends.
_NOTHING_BEGAN_S = 1.0


class Worker:
    """One process' worker. Its name is new at every start: a lease of an earlier life is never mistaken for its own."""

    def __init__(self, settings: WorkerSettings, registry: Registry) -> None:
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._store = settings.open_store()
        self._wakeups = settings.open_store()
        self._lease_ms = int(settings.lease * 1000)
        self._registry = registry
        self._threads = Threads(settings.threads)
        self._http = HttpClient()
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self._types = TaskTypes(self._store, Dispatcher(registry, self._http, self._threads))
        self._ending = False
        self._pace = Pace()
        self._clock = ServerClock()
        self._suspects = Suspects(self._pace, lambda: self.slots.free == self.slots.size)
        results = Outbox(self._pace, self._types, self._clock)
        self.slots = Slots(
            settings.concurrency,
            lambda started: Permits(self._store, self._lease_ms, started),
            results.add,
            self._freed,
            self._observe,
            self._pace.reach,
        )
        self._life = Life(settings.live_within)
        self._retention = RetentionWatch(self._store)
        self._claimer = Claimer(
            self._store,
            self.name,
            self._lease_ms,
            self._types,
            self._clock,
            self._pace,
            results,
            self.slots,
            self._life,
            self._suspects,
        )
        standby = Standby(
            settings.open_store, self.name, self._lease_ms, self.slots, self._info, registry.names
        )
        self._watchdog = Watchdog(self.slots, standby.keep_leases, settings.lease / 3)
        self._collector = WorkerCollector(
            self._types, self.slots, self._claimer, self._clock, self._threads, self._watchdog.counts
        )

    async def run(self, stopping: asyncio.Event) -> None:
        """Works until `stopping` is set, then drains."""
        REGISTRY.register(self._collector)
        background = [
            self._kept("heartbeat", self._keep_leases),
            self._kept("timeouts", lambda: stop_overdue(self.slots)),
            self._kept("watchdog", self._watchdog.beat),
            self._kept("retention", self._retention.run),
            self._kept("wake-ups", self._listen),
        ]
        channels = [
            self._kept(f"claim {number}", partial(self._claimer.channel, number))
            for number in range(CHANNELS)
        ]
        stop = self._kept("stop", lambda: _until(stopping))
        try:
            await self._first_ended([stop, *background, *channels, self.slots.ended])
        finally:
            self._ending = True
            background[-1].cancel()
            await self._drain(channels)
            self._watchdog.stop()
            for task in (*background, stop):
                task.cancel()
            await asyncio.gather(*background, stop, return_exceptions=True)
            await self.slots.close()
            await close_shared(self._registry.closings)
            await self._http.close()
            self._threads.shutdown()
            await self._store.close()
            REGISTRY.unregister(self._collector)

    def _kept(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        return asyncio.create_task(keep_running(name, run, lambda: self._ending), name=f"taskqueue {name}")

    def _keep_leases(self) -> Coroutine[Any, Any, None]:
        names = self._registry.names()
        return keep_leases(self._store, self.name, self._lease_ms, self.slots, self._info, names)

    async def _first_ended(self, parts: Sequence[asyncio.Future[None]]) -> None:
        """Return when a part ends. Raises what it ended with."""
        while True:
            try:
                done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError:
                log.warning("worker cancelled by user code, going on", worker=self.name)
                await absorb_cancellation()
                continue
            for part in done:
                part.result()
            return

    def live(self) -> str | None:
        """What is wrong with this process."""
        ended = self.slots.size - self.slots.alive
        if ended:
            return f"{ended} of {self.slots.size} slots ended"
        return self._life.stuck(self.slots.free)

    def ready(self) -> str | None:
        """Why it takes no work, be it its own fault or not."""
        if self._claimer.draining:
            return "draining"
        return self.live() or self._life.unanswered() or self._without_threads() or self._watchdog.blocked()

    def _without_threads(self) -> str | None:
        if self._threads.stuck < self._threads.size:
            return None
        return f"all {self._threads.size} threads run handlers for longer than their jobs' timeouts"

    def note(self) -> str | None:
        """What is odd, though the worker is ready."""
        notes = [note for note in (self._closed(), self._retention.note) if note]
        return "; ".join(notes) or None

    def _closed(self) -> str | None:
        until_ms = self._claimer.closed_us / 1000
        if until_ms <= self._clock.to_server_ms(self._loop.time()):
            return None
        at = datetime.fromtimestamp(until_ms / 1000, UTC).isoformat(timespec="seconds")
        return f"a handler closed the global limit until {at}: `taskqueue limit get`, `taskqueue limit open`"

    async def _listen(self) -> None:
        """An ad hoc job wakes one idle worker at once; a full one passes the word on."""
        while True:
            try:
                if await wait_for_wakeup(self._wakeups, _WAKEUP_TIMEOUT_S):
                    if self.slots.free > 0 and not self._suspects.stands_aside:
                        self._pace.call()
                    else:
                        await pass_wakeup_on(self._store)
                        await asyncio.sleep(0.05)
            except StoreFailure:
                await asyncio.sleep(1.0)

    async def _drain(self, channels: list[asyncio.Task[None]]) -> None:
        """Claims no more, returns what has not begun, waits for the rest, then returns that too.

        Takes the grace period and 6 s at most, even if the store has fallen silent: a call in flight is waited for
        last, beside the final settle; what it brings is given back by the claimer.
        """
        self._claimer.draining = True
        self._pace.call()
        self.slots.give_back()
        await self.slots.emptied(self._loop.time() + self._settings.grace)
        for job in list(self.slots.running.values()):
            job.cancel("drain")
        await self.slots.emptied(self._loop.time() + _CANCEL_S)
        limit_s = _FINAL_SETTLE_S if self._life.began else _NOTHING_BEGAN_S
        until_s = self._loop.time() + limit_s
        await asyncio.wait(channels, timeout=limit_s)
        settled = await self._claimer.settle(until_s)
        self._claimer.ended = True
        for channel in channels:
            channel.cancel()
        await asyncio.gather(*channels, return_exceptions=True)
        with contextlib.suppress(StoreFailure):
            await self._wakeups.close()
        log.info("worker drained", worker=self.name, settled=settled)

    def _freed(self) -> None:
        self._pace.freed()
        self._suspects.freed()

    def _observe(self, started: LeasedJob, due_ms: int, ended_s: float) -> None:
        if started.attempt == 1:
            LATENESS.observe((self._clock.to_server_ms(started.began_s) - due_ms) / 1e3)
        DURATION.observe(ended_s - started.began_s)

    def _info(self) -> bytes:
        return msgspec.json.encode(
            {
                "pid": os.getpid(),
                "concurrency": self.slots.size,
                "free": self.slots.free,
                "calls": self._claimer.calls,
                "started": self._claimer.started,
            }
        )


async def _until(event: asyncio.Event) -> None:
    await event.wait()
