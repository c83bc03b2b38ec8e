"""The parts of a worker put together: started, kept alive, drained."""

import asyncio
import contextlib
import os
import socket
import uuid
from concurrent.futures import ThreadPoolExecutor

import msgspec
import structlog
from prometheus_client import REGISTRY

from taskqueue.handlers.dispatch import Dispatcher
from taskqueue.handlers.http_call import HttpClient
from taskqueue.handlers.registry import Registry
from taskqueue.retention import RetentionWatch
from taskqueue.store.errors import StoreFailure
from taskqueue.store.lease import pass_wakeup_on, wait_for_wakeup
from taskqueue_worker.claimer import CHANNELS, Claimer
from taskqueue_worker.clock import ServerClock
from taskqueue_worker.closing import close_shared
from taskqueue_worker.heartbeat import keep_leases, stop_overdue
from taskqueue_worker.kinds import Kinds
from taskqueue_worker.life import Life
from taskqueue_worker.metrics import DURATION, LATENESS, WorkerCollector
from taskqueue_worker.pace import Pace
from taskqueue_worker.permits import Permits
from taskqueue_worker.results import Results
from taskqueue_worker.settings import WorkerSettings
from taskqueue_worker.slots import Slots
from taskqueue_worker.started import Started

log = structlog.get_logger("taskqueue.worker")

#: Less than the time after which no answer of the store counts as a lost one.
_WAKEUP_TIMEOUT_S = 1.0
#: How long a cancelled handler may take to clean up, and the last results to be settled.
_CANCEL_S = 1.0
_FINAL_SETTLE_S = 5.0


class Worker:
    """One process' worker. Its name is new at every start: a lease of an earlier life is never mistaken for its own."""

    def __init__(self, settings: WorkerSettings, registry: Registry) -> None:
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._store = settings.open_store()
        self._wakeups = settings.open_store()
        self._lease_ms = int(settings.lease * 1000)
        self._registry = registry
        self._threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="taskqueue-handler")
        self._http = HttpClient()
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self._kinds = Kinds(self._store, Dispatcher(registry, self._http, self._threads))
        self._pace = Pace()
        self._clock = ServerClock()
        results = Results(self._pace, self._kinds, self._clock)
        self.slots = Slots(
            settings.concurrency,
            lambda started: Permits(self._store, self._lease_ms, started),
            results.add,
            self._pace.freed,
            self._observe,
        )
        self._life = Life(settings.live_within)
        self._retention = RetentionWatch(self._store)
        self._claimer = Claimer(
            self._store,
            self.name,
            self._lease_ms,
            self._kinds,
            self._clock,
            self._pace,
            results,
            self.slots,
            self._life,
        )
        self._collector = WorkerCollector(self._kinds, self.slots, self._claimer)

    async def run(self, stopping: asyncio.Event) -> None:
        """Works until `stopping` is set, then drains."""
        REGISTRY.register(self._collector)
        background = [
            asyncio.create_task(
                keep_leases(
                    self._store, self.name, self._lease_ms, self.slots, self._info, self._registry.names()
                )
            ),
            asyncio.create_task(stop_overdue(self.slots)),
            asyncio.create_task(self._retention.run()),
        ]
        listener = asyncio.create_task(self._listen())
        channels = [asyncio.create_task(self._claimer.channel(number)) for number in range(CHANNELS)]
        stop = asyncio.create_task(stopping.wait())
        try:
            parts = [stop, listener, *background, *channels]
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in done:
                part.result()
        finally:
            await self._drain(channels, listener)
            for task in (*background, stop):
                task.cancel()
            await asyncio.gather(*background, stop, return_exceptions=True)
            await self.slots.close()
            await close_shared(self._registry.closings)
            await self._http.close()
            self._threads.shutdown(wait=False, cancel_futures=True)
            await self._store.close()
            REGISTRY.unregister(self._collector)

    def live(self) -> str | None:
        """What is wrong with this process."""
        return self._life.stuck(self.slots.free)

    def ready(self) -> str | None:
        """Why it takes no work, be it its own fault or not."""
        return "draining" if self._claimer.draining else self.live() or self._life.unanswered()

    def note(self) -> str | None:
        """What a person should know of the store, though work goes on."""
        return self._retention.note

    async def _listen(self) -> None:
        """An ad hoc job wakes one idle worker at once; a full one passes the word on."""
        while True:
            try:
                if await wait_for_wakeup(self._wakeups, _WAKEUP_TIMEOUT_S):
                    if self.slots.free > 0:
                        self._pace.call()
                    else:
                        await pass_wakeup_on(self._store)
                        await asyncio.sleep(0.05)
            except StoreFailure:
                await asyncio.sleep(1.0)

    async def _drain(self, channels: list[asyncio.Task[None]], listener: asyncio.Task[None]) -> None:
        """Claims no more, returns what has not begun, waits for the rest, then returns that too.

        Takes the grace period and 6 s at most, even if the store has fallen silent: a call in flight is waited for
        last, beside the final settle; what it brings is given back by the claimer.
        """
        self._claimer.draining = True
        listener.cancel()
        self._pace.call()
        self.slots.give_back()
        await self.slots.emptied(self._loop.time() + self._settings.grace)
        for job in list(self.slots.running.values()):
            job.cancel("drain")
        await self.slots.emptied(self._loop.time() + _CANCEL_S)
        until_s = self._loop.time() + _FINAL_SETTLE_S
        await asyncio.wait(channels, timeout=_FINAL_SETTLE_S)
        settled = await self._claimer.settle(until_s)
        for channel in channels:
            channel.cancel()
        await asyncio.gather(*channels, return_exceptions=True)
        with contextlib.suppress(StoreFailure):
            await self._wakeups.close()
        log.info("worker drained", worker=self.name, settled=settled)

    def _observe(self, started: Started, due_ms: int, ended_s: float) -> None:
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
