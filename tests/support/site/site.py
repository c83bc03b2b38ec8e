"""A site under test: real scheduler and worker processes on one store, and the records of their handlers."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from taskqueue.store.audit import Audit, audit
from taskqueue.store.connection import Store, open_store
from tests.support.site import bookings
from tests.support.site.bookings import Booking, read_bookings, read_spells

HANDLERS = str(Path(__file__).parents[1] / "handlers" / "recording.py")


class Start(NamedTuple):
    """One start of a handler. at_s: wall clock."""

    type: str
    user: str
    occurrence: str
    key: str
    attempt: int
    pid: int
    due_ms: int
    at_s: float


class Customer(NamedTuple):
    """The zone of a user, and the intervals that the user chose, by type."""

    zone: str = "UTC"
    intervals: Mapping[str, str] = MappingProxyType({})

    def spec(self, types: Iterable[str]) -> dict[str, object]:
        tasks = [{"type": name, "interval": self.intervals.get(name)} for name in types]
        return {"timeZone": self.zone, "tasks": tasks}


async def until(what: str, check: Callable[[], Awaitable[bool]], limit_s: float = 60.0) -> None:
    """Wait for a condition; fail with its name.

    A slow check, such as a call of kubectl, is repeated less often, and leaves the cores to the processes under test.
    """
    began_s = checked_s = time.monotonic()
    while not await check():
        now_s = time.monotonic()
        assert now_s < began_s + limit_s, f"not within {limit_s} s: {what}"
        await asyncio.sleep(min(max(0.05, 3 * (now_s - checked_s)), 0.5))
        checked_s = time.monotonic()


@dataclass
class Site:
    """Processes that end with the site."""

    url: str
    release: str
    folder: Path
    store: Store = field(init=False)
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)
    logs: dict[int, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = open_store(self.url, self.release)
        self.manifests.mkdir()

    @property
    def manifests(self) -> Path:
        return self.folder / "manifests"

    @property
    def record(self) -> Path:
        return self.folder / "starts.txt"

    @property
    def revoked(self) -> Path:
        """The users whose jobs the handler `record-or-discard` discards."""
        return Path(f"{self.record}.revoked")

    def publish(
        self,
        types: dict[str, dict[str, object]],
        users: int,
        limits: Mapping[str, dict[str, object]] | None = None,
        customer: Callable[[int], Customer] = lambda _: Customer(),
    ) -> None:
        """Write manifests of types and limits by name and spec; every user wants all types.

        customer: what a user by their number chose.
        """
        kinds = [
            manifest("TaskType", name, {"handler": {"function": "record"}, **spec})
            for name, spec in types.items()
        ]
        rates = [manifest("RateLimit", name, spec) for name, spec in (limits or {}).items()]
        people = [manifest("UserSubscription", f"u-{n:04}", customer(n).spec(types)) for n in range(users)]
        draft = self.manifests / ".draft"
        draft.write_bytes(b"\n".join(msgspec.json.encode(one) for one in [*rates, *kinds, *people]))
        draft.rename(self.manifests / "all.ndjson")

    async def scheduler(self, *options: str) -> asyncio.subprocess.Process:
        return await self._start(
            "taskqueue.scheduler", "--manifests", str(self.manifests), "--manifests-poll", "0.2", *options
        )

    async def ticker(self, *options: str) -> asyncio.subprocess.Process:
        """Run a scheduler of the stored types, which reads no manifests."""
        return await self._start("taskqueue.scheduler", *options)

    async def operator(self, kubeconfig: Path, namespace: str, *options: str) -> asyncio.subprocess.Process:
        """Run an operator of a namespace; its manifests are objects, not the files of `publish`."""
        where = ("--kubeconfig", str(kubeconfig), "--namespace", namespace)
        return await self._start("taskqueue_operator", *where, *options)

    async def worker(
        self, *options: str, handlers: str = HANDLERS, url: str | None = None, sleep_s: float = 0.0
    ) -> asyncio.subprocess.Process:
        return await self._start(
            "taskqueue_worker",
            *("--handlers", handlers, "--handlers", bookings.MODULE, *options),
            url=url,
            sleep_s=sleep_s,
        )

    async def _start(
        self, module: str, *options: str, url: str | None = None, sleep_s: float = 0.0
    ) -> asyncio.subprocess.Process:
        path = self.folder / f"{module}-{len(self.processes)}.log"
        with path.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", module, "--health-port", "0", *options),
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    "TASKQUEUE_REDIS_URL": url or self.url,
                    "TASKQUEUE_RELEASE": self.release,
                    "TASKQUEUE_TEST_RECORD": str(self.record),
                    "TASKQUEUE_TEST_SLEEP": str(sleep_s),
                },
            )
        self.processes.append(process)
        self.logs[process.pid] = path
        return process

    async def says(self, process: asyncio.subprocess.Process, words: str) -> None:
        """Wait until a process has logged these words."""

        async def said() -> bool:
            return words in self.logs[process.pid].read_text()

        await until(f"{self.logs[process.pid].name} says {words!r}", said)

    async def end(
        self, process: asyncio.subprocess.Process, number: signal.Signals, limit_s: float = 60.0
    ) -> int:
        """Send a signal and return the exit code. Before it has begun, a process knows no signal but the last."""
        if number is not signal.SIGKILL:
            await self.says(process, "started")
        if process.returncode is None:
            process.send_signal(number)
        return await asyncio.wait_for(process.wait(), limit_s)

    async def close(self) -> None:
        for process in self.processes:
            if process.returncode is None:
                process.kill()
                await process.wait()
        await self.store.close()

    def starts(self) -> list[Start]:
        text = self.record.read_text() if self.record.exists() else ""
        rows = (
            line.split() for line in text[: text.rfind("\n") + 1].splitlines()
        )  # the last may be half a line
        return [Start(r[0], r[1], r[2], r[3], int(r[4]), int(r[5]), int(r[6]), float(r[7])) for r in rows]

    def bookings(self) -> list[Booking]:
        """Return the slots booked for the workers, in order."""
        return read_bookings(self.record)

    def spells(self) -> list[list[Booking]]:
        """Return the slots booked for the workers, apart where the server's clock was set back in between."""
        return read_spells(self.record)

    async def balanced(self) -> Audit:
        """Ask the store to account for every job."""
        found = await audit(self.store)
        assert found.difference == 0, found
        return found

    async def idle(self) -> bool:
        found = await self.balanced()
        return sum(found.ready.values()) + found.parked + found.leased == 0

    async def total(self, name: str) -> int:
        return (await audit(self.store)).totals.get(name, 0)


def manifest(kind: str, name: str, spec: Mapping[str, object]) -> dict[str, object]:
    return {"apiVersion": "taskqueue.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


@asynccontextmanager
async def site(url: str, release: str, folder: Path) -> AsyncIterator[Site]:
    opened = Site(url, release, folder)
    try:
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def audited(world: Site) -> AsyncIterator[None]:
    """Ask the store again and again to account for every job."""

    async def look() -> None:
        while True:
            await world.balanced()
            await asyncio.sleep(0.02)

    async with asyncio.TaskGroup() as tasks:
        looking = tasks.create_task(look())
        yield
        looking.cancel()
