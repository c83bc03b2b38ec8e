"""Three schedulers and four workers of the product on a folder of manifests, against an API that counts."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from taskqueue.store.audit import audit
from taskqueue.store.connection import open_store
from taskqueue.store.cursor import read_cursor
from taskqueue.store.types import read_catalog
from tests.support.site.counting_api import Arrival, CountingApi, counting_api
from tests.support.site.planned import Job, Planned
from tests.support.site.site import Site, site, until
from tests.support.store.limit_judge import Paths

RELEASE = "faults"
RATE = 200
#: A limit below what is due: the queue grows, and each slot is taken, before anything breaks and after.
SATURATED = 100
TYPES = 40
USERS = 30
INTERVAL_S = 10
#: Jobs take so long that some are always held.
SLEEP_MS = 50
SCHEDULERS, WORKERS = 3, 4
_IDLE_S = 90.0
_END_S = 40.0

Process = asyncio.subprocess.Process
LIMITS: dict[str, dict[str, Any]] = {
    "app": {"key": "Release", "rate": {"requests": 80, "per": "1s"}},
    "orders": {"key": "Release", "rate": {"requests": 20, "per": "1s"}, "within": "app"},
    "shop": {"key": "User", "rate": {"requests": 4, "per": "1s"}, "within": "app"},
    "account": {"key": "User", "rate": {"requests": 5, "per": "1s"}},
}


def fleet_types(api: str, count: int = TYPES) -> dict[str, dict[str, Any]]:
    """Types that ask for `USERS / INTERVAL_S` starts a second each; of ten six have limits of their own.

    These limits leave room: the backlog of an outage is worked off within seconds.
    """
    limits: dict[int, dict[str, Any]] = {
        0: {"rateLimit": {"perSecond": "10"}},
        1: {"limits": [{"name": "shop"}]},
        2: {"rateLimit": {"perSecond": "12"}, "limits": [{"name": "shop"}]},
        3: {"limits": [{"name": "account"}]},
        4: {"limits": [{"name": "app"}]},
        5: {"limits": [{"name": "orders"}]},
    }
    return {
        f"type-{number:02}": {
            "schedule": {"interval": f"{INTERVAL_S}s"},
            "handler": {"http": {"url": f"{api}/{number}?sleep_ms={SLEEP_MS}"}},
            "priority": ("High", "Normal", "Low")[number % 3],
            "catchUp": "All",
            **limits.get(number % 10, {}),
        }
        for number in range(count)
    }


@dataclass
class Fleet:
    """direct: the URL of the server that holds the store now, asked whenever the store is looked at.

    after_ms: from this cursor on the plan must hold. former: the plan until `replaced_ms`, where there were two.
    """

    world: Site
    api: CountingApi
    direct: Callable[[], str]
    rate: int = RATE
    worker_options: tuple[str, ...] = ()
    schedulers: list[Process] = field(default_factory=list)
    workers: list[Process] = field(default_factory=list)
    planned: Planned = field(default_factory=Planned)
    former: Planned | None = None
    replaced_ms: int = 0
    types: list[str] = field(default_factory=list)
    after_ms: int = 0
    exit_codes: list[int | None] = field(default_factory=list)

    @property
    def processes(self) -> list[Process]:
        return [*self.schedulers, *self.workers]

    async def start(self, types: Mapping[str, dict[str, Any]], schedulers: int, workers: int) -> None:
        """Return when everybody is scheduled, from when on the plan must hold, and jobs arrive."""
        self.types = list(types)
        self.world.publish(dict(types), USERS, LIMITS)
        self.schedulers = [await self.new_scheduler() for _ in range(schedulers)]
        self.workers = [await self.new_worker() for _ in range(workers)]
        await until("all subscriptions are scheduled", lambda: self._all_scheduled(len(types)), 60)
        # What a type's first generation swallowed before it was scheduled is not planned: begin behind it.
        begin_ms = await self.cursor_ms() + 1_000
        await until("the cursor moves", lambda: self._cursor_passed(begin_ms))
        self.after_ms = await self.cursor_ms()
        for process in self.processes:
            await self.world.says(process, "started")
        await self.arrive(self.rate // 2)

    async def new_scheduler(self) -> Process:
        return await self.world.scheduler("--rate", str(self.rate))

    async def new_worker(self) -> Process:
        return await self.world.worker(*self.worker_options)

    async def replace(self, old: Process) -> None:
        """Start a process like this one, then end this one by SIGTERM."""
        group = self.schedulers if old in self.schedulers else self.workers
        new = await (self.new_scheduler() if group is self.schedulers else self.new_worker())
        await self.world.says(new, "started")
        group[group.index(old)] = new
        self.exit_codes.append(await self.end(old))

    async def end(self, process: Process) -> int | None:
        """Return the exit code of a process after SIGTERM; None if it has to be killed."""
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(process.wait(), _END_S)
        except TimeoutError:
            process.kill()
            await process.wait()
            return None

    async def arrive(self, more: int, limit_s: float = 30.0) -> None:
        """Wait until so many more requests have arrived."""
        wanted = len(await self.arrivals()) + more

        async def check() -> bool:
            return len(await self.arrivals()) >= wanted

        await until(f"{more} more requests arrive", check, limit_s)

    async def flows(self, seconds: int, limit_s: float = 60.0) -> None:
        """Wait until so many seconds' worth of due jobs has arrived, at most for a while.

        A fleet that stands still is for the verdict to tell.
        """
        wanted = len(await self.arrivals()) + seconds * len(self.types) * USERS // INTERVAL_S
        end_s = time.monotonic() + limit_s
        while time.monotonic() < end_s:
            if len(await self.arrivals()) >= wanted:
                return
            await asyncio.sleep(0.2)

    async def arrivals(self) -> list[Arrival]:
        return await self.api.arrivals()

    async def cursor_ms(self) -> int:
        async with open_store(self.direct(), RELEASE) as store:
            return await read_cursor(store)

    async def look(self) -> None:
        """Read the plan of the store."""
        async with open_store(self.direct(), RELEASE) as store:
            await self.planned.look(store)

    async def paths(self) -> Paths:
        """Read the limits of each type from the store."""
        async with open_store(self.direct(), RELEASE) as store:
            catalog = await read_catalog(store)
        types = [record.task_type for record in catalog.records.values()]
        return Paths.of(types, catalog.limits.values(), self.rate)

    async def is_idle(self) -> bool:
        async with open_store(self.direct(), RELEASE) as store:
            found = await audit(store)
        return sum(found.ready.values()) + found.parked + found.leased == 0

    async def idle(self, limit_s: float = _IDLE_S) -> bool:
        """Wait until nothing waits or runs; say if that came to be."""
        end_s = time.monotonic() + limit_s
        while time.monotonic() < end_s:
            try:
                if await self.is_idle():
                    return True
            except Exception as error:  # noqa: BLE001 - a store that does not answer is not idle
                print("audit:", repr(error)[:200])
            await asyncio.sleep(0.1)
        return False

    async def audit_code(self) -> int:
        """Return the exit code of `taskqueue audit` on the URL that the processes have."""
        command = ("-m", "taskqueue.cli.main", "audit", "--redis-url", self.world.url, "--release", RELEASE)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ},
        )
        said, _ = await process.communicate()
        if process.returncode:
            print(said.decode()[-2000:])
        return process.returncode or 0

    def plan_anew(self, at_ms: int) -> None:
        """Plan anew from there on, as for a store that was filled again, in which users may have other places."""
        self.former, self.planned, self.replaced_ms = self.planned, Planned(), at_ms

    def between(self, until_ms: int) -> dict[Job, int]:
        """Return the jobs that must arrive until then; after a new plan, of both plans, as a due may change."""
        if self.former is None:
            return self.planned.between(self.after_ms, until_ms)
        before = self.former.between(self.after_ms, self.replaced_ms)
        former = self.former.between(self.replaced_ms, until_ms)
        both = former.keys() & self.planned.between(self.replaced_ms, until_ms).keys()
        return {**{job: former[job] for job in both}, **before}

    async def _all_scheduled(self, types: int) -> bool:
        await self.look()
        return sum(map(len, self.planned.places.values())) == USERS * types

    async def _cursor_passed(self, at_ms: int) -> bool:
        return await self.cursor_ms() >= at_ms


@asynccontextmanager
async def fleet(
    url: str,
    direct: Callable[[], str],
    folder: Path,
    *,
    rate: int = RATE,
    types: int = TYPES,
    schedulers: int = SCHEDULERS,
    workers: int = WORKERS,
    worker_options: tuple[str, ...] = (),
    more_types: Callable[[str], Mapping[str, dict[str, Any]]] = lambda _: {},
) -> AsyncIterator[Fleet]:
    """Everything is started, and ends with the context."""
    async with counting_api() as api, site(url, RELEASE, folder) as world:
        made = Fleet(world, api, direct, rate, worker_options)
        await made.start({**fleet_types(api.url, types), **more_types(api.url)}, schedulers, workers)
        yield made
