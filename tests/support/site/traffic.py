"""Worker processes against an API that counts: the API's rate, independent of the workers' view."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from taskqueue.store.connection import Store, open_store
from tests.support.site import bookings
from tests.support.site.bookings import Booking, read_bookings
from tests.support.site.counting_api import Arrival, CountingApi, between, counting_api, worst_second
from tests.support.site.site import until
from tests.support.store.drive import most_in_a_span
from tests.support.store.raw import raw

HANDLERS = str(Path(__file__).parents[1] / "handlers" / "calling.py")


@dataclass(frozen=True)
class Watched:
    """The record of a counting server. everything: since the first request. steady: within the watched time only.

    seconds: how long that was by the clock, so a stall at either end counts. calls_a_start: scripts run by anybody.
    """

    everything: list[Arrival]
    steady: list[Arrival]
    seconds: float
    calls_a_start: float

    @property
    def worst(self) -> int:
        return worst_second(self.everything)

    def per_second(self, task_type: str | None = None) -> float:
        return sum(task_type in {None, one.type} for one in self.steady) / self.seconds


@dataclass
class Traffic:
    """A store, an API and workers. Everything ends with the context it came from."""

    url: str
    folder: Path
    api: CountingApi
    store: Store
    workers: list[asyncio.subprocess.Process] = field(default_factory=list)
    others: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def start_workers(self, number: int, *options: str) -> None:
        for _ in range(number):
            self.workers.append(
                await self._python(
                    "taskqueue_worker",
                    "--handlers",
                    HANDLERS,
                    "--handlers",
                    bookings.MODULE,
                    "--concurrency",
                    "50",
                    "--health-port",
                    "0",
                    *options,
                )
            )

    async def start_scheduler(self) -> None:
        """A scheduler of the types in the store."""
        self.others.append(await self._python("taskqueue.scheduler", "--health-port", "0"))

    async def _python(self, module: str, *options: str) -> asyncio.subprocess.Process:
        with (self.folder / "log.txt").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", module, "--redis-url", self.url, "--log-level", "warning", *options),
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    "TASKQUEUE_EXAMPLE_API_URL": self.api.url,
                    "TASKQUEUE_TEST_RECORD": str(self.folder / "lateness.txt"),
                },
            )

    async def watch(self, rate: float, seconds: float) -> Watched:
        """Let the first second's worth arrive, then watch."""
        await self.api.flowing(int(rate))
        before, from_s = await self.calls_and_starts(), time.time()
        await asyncio.sleep(seconds)
        after, to_s = await self.calls_and_starts(), time.time()
        calls, starts = (b - a for a, b in zip(before, after, strict=True))
        everything = await self.api.arrivals()
        return Watched(everything, between(everything, from_s, to_s), to_s - from_s, calls / starts)

    async def workers_up(self) -> None:
        """Wait until every worker said that it is there."""

        async def check() -> bool:
            return int(await raw(self.store).hlen(self.store.keys("workers"))) == len(self.workers)

        await until("all workers are up", check, 240)

    async def calls_and_starts(self) -> tuple[int, int]:
        stats: dict[str, Any] = await raw(self.store).info("commandstats")
        leased = await raw(self.store).hget(self.store.keys("metrics"), "leased")
        return stats["cmdstat_evalsha"]["calls"], int(leased or 0)

    def bookings(self) -> list[Booking]:
        """Return the slots booked for these workers, in order."""
        return read_bookings(self.folder / "lateness.txt")

    def lateness_ms(self, kind: str) -> list[float]:
        return sorted(float(ms) for name, ms, _ in self._starts() if name == kind)

    def starts_worst(self) -> int:
        """Most first lines of handlers in any sliding second, by their own clock: the limiter's output.

        If more arrived than that, they were held up on their way: by the network, or by a processor that was busy.
        """
        return most_in_a_span(self.begun_us(), 1_000_000)

    def begun_us(self) -> list[int]:
        """Return when handlers began, by their own clock, in that order."""
        return sorted(int(at_us) for _, _, at_us in self._starts())

    def _starts(self) -> list[list[str]]:
        return [line.split() for line in (self.folder / "lateness.txt").read_text().splitlines()]

    def forget_lateness(self) -> None:
        os.truncate(self.folder / "lateness.txt", 0)


@asynccontextmanager
async def traffic(url: str, folder: Path) -> AsyncIterator[Traffic]:
    async with counting_api() as api:
        running = Traffic(url, folder, api, open_store(url))
        try:
            yield running
        finally:
            for process in (*running.workers, *running.others):
                if process.returncode is None:
                    process.send_signal(signal.SIGKILL)
                    await process.wait()
            await running.store.close()
