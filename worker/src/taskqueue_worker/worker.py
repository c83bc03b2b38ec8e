"""The worker: its parts put together, kept running, and drained."""

import asyncio
import contextlib
import os
import socket
import uuid
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Self

import msgspec
import structlog
from prometheus_client import REGISTRY

from taskqueue.handlers.dispatch import Dispatcher
from taskqueue.handlers.http_call import HttpClient
from taskqueue.handlers.registry import Registry
from taskqueue.handlers.threads import Threads
from taskqueue.process.cancellation import absorb_cancellation
from taskqueue.process.frame import ExitError, Work
from taskqueue.process.retention import RetentionWatch
from taskqueue.store.errors import StoreFailure
from taskqueue.text.printable import describe_error
from taskqueue_worker.attempts import Attempts
from taskqueue_worker.calls import Calls, StoreContact
from taskqueue_worker.claimer import CHANNELS, Claimer
from taskqueue_worker.clock import StoreClock
from taskqueue_worker.heartbeat import Heartbeat, Standby, keep_leases, stop_timed_out
from taskqueue_worker.history import History
from taskqueue_worker.liveness.kept_task import keep_running
from taskqueue_worker.liveness.watchdog import Watchdog
from taskqueue_worker.metrics import DURATION, WorkerCollector
from taskqueue_worker.outbox import Outbox
from taskqueue_worker.pace import Pace
from taskqueue_worker.permits import Permits
from taskqueue_worker.probes import Probes
from taskqueue_worker.settings import WorkerSettings
from taskqueue_worker.slots import ConcurrencySlotEndedError, ConcurrencySlots
from taskqueue_worker.suspects import Suspects
from taskqueue_worker.task_types import TaskTypes

log = structlog.get_logger("taskqueue.worker")

#: How long a cancelled handler may clean up, and how long the last results may take to be settled.
_CANCEL_S = 1.0
_FINAL_SETTLE_S = 5.0
#: The same for a worker whose calls were never answered: jobs of a call in flight come back when their leases end.
_NOTHING_BEGAN_S = 1.0


class Worker:
    """The worker of one process. Its name is new at every start, so a lease of an earlier process is never its own."""

    def __init__(self, settings: WorkerSettings, registry: Registry) -> None:
        self._settings = settings
        self._registry = registry
        self._loop = asyncio.get_running_loop()
        self._ending = False
        self._channels: list[asyncio.Task[None]] = []
        self._background: list[asyncio.Task[None]] = []
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self._store = settings.open_store()
        self._wakeups = settings.open_store()
        self._threads = Threads(settings.threads)
        self._http = HttpClient()
        lease_ms = int(settings.lease * 1000)
        types = TaskTypes(self._store, Dispatcher(registry, self._http, self._threads))
        clock, self._pace = StoreClock(), Pace()
        outbox = Outbox(self._pace, types.get, clock)
        attempts = Attempts(
            lambda leased: Permits(self._store, clock, lease_ms, leased).take,
            clock.to_loop,
            DURATION.observe,
            self._pace.reach,
        )
        self._slots = ConcurrencySlots(settings.concurrency, attempts.run, outbox.add, self._freed)
        self._suspects = Suspects(self._pace, lambda: self._slots.free == self._slots.size, self._loop.time)
        contact = StoreContact(settings.live_within)
        self._calls = Calls(self._store, self.name, lease_ms, clock, outbox, contact, self._pace.has_time)
        self._claimer = Claimer(self._calls, types, self._pace, self._suspects, self._slots)
        self._heartbeat = Heartbeat(self.name, lease_ms, self._info, registry.names)
        standby = Standby(settings.open_store, self._heartbeat, self._slots)
        self._history = (
            History(self._store, self.name, types, self._slots.snapshot, clock) if settings.history else None
        )
        self._watchdog = Watchdog(self._slots.type_of, standby.keep_leases, settings.lease / 3)
        self._retention = RetentionWatch(self._store)
        self._collector = WorkerCollector(
            types, self._slots, self._claimer, self._calls, clock, self._threads, self._watchdog.counts
        )

    async def __aenter__(self) -> Self:
        REGISTRY.register(self._collector)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ending = True
        self._watchdog.stop()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        with contextlib.suppress(StoreFailure):
            await self._wakeups.close()
        await self._slots.close()
        await self._registry.close()
        await self._http.close()
        self._threads.shutdown()
        await self._store.close()
        REGISTRY.unregister(self._collector)

    def work(self) -> Work:
        """Return the work of the process."""
        probes = Probes(self._calls, self._slots, self._threads, self._watchdog, self._retention)
        return Work(
            tasks=[self._run],
            drain=self._drain,
            live=probes.live,
            ready=probes.ready,
            note=probes.note,
            fields={"worker": self.name},
        )

    async def _run(self) -> None:
        """Run all parts until the worker drains. Raises ExitError if a concurrency slot ends before."""
        self._channels = [
            self._kept(f"claim {number}", partial(self._claimer.channel, number))
            for number in range(CHANNELS)
        ]
        self._background = [
            self._kept("heartbeat", lambda: keep_leases(self._heartbeat, self._store, self._slots)),
            self._kept("timeouts", lambda: stop_timed_out(self._slots)),
            self._kept("watchdog", self._watchdog.beat),
            self._kept("retention", self._retention.run),
            self._kept("wake-ups", lambda: self._claimer.listen(self._wakeups)),
            *([self._kept("history", self._history.run)] if self._history else ()),
        ]
        try:
            await self._first_ended([*self._channels, *self._background, self._slots.ended])
        except ConcurrencySlotEndedError as error:
            raise ExitError(
                "worker ends, other workers take its jobs", error=describe_error(error)
            ) from error

    def _kept(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        return asyncio.create_task(keep_running(name, run, lambda: self._ending), name=f"taskqueue {name}")

    async def _first_ended(self, parts: Sequence[asyncio.Future[None]]) -> None:
        """Return when a part ends, or the worker drains. Raises the exception of a part that failed."""
        while not self._ending:
            try:
                done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError:
                if self._ending:
                    raise
                log.warning("worker cancelled by user code, going on", worker=self.name)
                await absorb_cancellation()
                continue
            if not self._ending:
                for part in done:
                    part.result()
                return

    async def _drain(self) -> None:
        """Claim no more, return jobs that have not begun, wait for the others, then return these too.

        Takes at most the grace period and 6 s, even if the store is silent. A call in flight is waited for last, with
        the final settle; the claimer gives back the jobs it brings.
        """
        self._ending = self._calls.draining = True
        self._pace.call()
        self._slots.give_back()
        await self._slots.emptied(self._loop.time() + self._settings.grace)
        self._slots.cancel_all()
        await self._slots.emptied(self._loop.time() + _CANCEL_S)
        limit_s = _FINAL_SETTLE_S if self._calls.contact.began else _NOTHING_BEGAN_S
        until_s = self._loop.time() + limit_s
        if self._channels:
            await asyncio.wait(self._channels, timeout=limit_s)
        settled = await self._calls.settle(until_s)
        if self._history:
            await self._history.close(until_s)
        self._calls.ended = True
        for channel in self._channels:
            channel.cancel()
        await asyncio.gather(*self._channels, return_exceptions=True)
        log.info("worker drained", worker=self.name, settled=settled)

    def _freed(self) -> None:
        self._pace.freed()
        self._suspects.freed()

    def _info(self) -> bytes:
        return msgspec.json.encode(
            {
                "pid": os.getpid(),
                "concurrency": self._slots.size,
                "free": self._slots.free,
                "calls": self._calls.sent,
                "leased": self._claimer.leased,
            }
        )
