"""A backlog and endless jobs, which the command cancels while workers serve other users on time."""

import asyncio
import json
import math
import re
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from taskqueue.store.clock import server_now_ms
from taskqueue.store.enqueue import enqueue
from taskqueue.store.job_name import parse
from tests.support.site.site import Site, site, until
from tests.support.store.ready import put_ready

TASKQUEUE = str(Path(sys.executable).parent / "taskqueue")
#: Jobs that wait, jobs that run without end, and jobs served meanwhile, 30 users' every second.
BULK, ENDLESS, STEADY = "bulk", "endless", "steady"
LEASE_S = 3
_USERS = 30
#: A type whose jobs are all ad hoc.
_NEVER = {"schedule": {"cron": "0 0 29 2 *"}}
_LOST = re.compile(r"lease lost, job cancelled")


@dataclass
class Cancelling:
    """later: names of the backlog's jobs that become due later."""

    world: Site
    later: list[str] = field(default_factory=list)

    async def put_bulk(self, jobs: int) -> None:
        """Let jobs wait that have been due for a minute; workers start ten a second."""
        due_ms = int(time.time() * 1000) - 60_000
        for first in range(0, jobs, 5_000):
            numbers = range(first, min(first + 5_000, jobs))
            names = {f"{BULK}|u-{k % 1_000:04}|~{k}|{due_ms + k % 50_000}|0": due_ms for k in numbers}
            await put_ready(self.world.store, "normal", names, f"type:{BULK}", enqueued=len(names))

    async def put_later(self, jobs: int, delay_ms: int) -> None:
        ids = [f"later-{delay_ms}-{number}" for number in range(jobs)]
        self.later = [
            await enqueue(self.world.store, BULK, "u-0000", job_id=one, delay_ms=delay_ms) for one in ids
        ]

    async def run_endless(self, jobs: int) -> None:
        """Wait until so many jobs run without end."""
        for number in range(jobs):
            await enqueue(self.world.store, ENDLESS, f"u-{number:04}")

        async def all_run() -> bool:
            return sum(start.type == ENDLESS for start in self.world.starts()) == jobs

        await until("the endless jobs run", all_run, 120)

    def lost(self) -> int:
        """Return the number of handlers that workers cancelled because the lease was gone."""
        return sum(len(_LOST.findall(log.read_text())) for log in self.world.logs.values())

    def lateness_ms(self, since_s: float, until_s: float = math.inf) -> Sequence[float]:
        """Return how late the steady jobs of this time started, in order."""
        starts = [start for start in self.world.starts() if start.type == STEADY]
        return sorted(
            start.at_s * 1000 - start.due_ms
            for start in starts
            if since_s * 1000 <= start.due_ms < until_s * 1000
        )

    async def are_later(self) -> bool:
        """Tell whether none of the later jobs is due yet."""
        now_ms = await server_now_ms(self.world.store)
        return all(now_ms < parse(name).due_ms for name in self.later)

    async def later_have_run(self) -> bool:
        started = {start.due_ms for start in self.world.starts() if start.type == BULK}
        return {parse(name).due_ms for name in self.later} <= started

    async def start_command(self, *options: str) -> asyncio.subprocess.Process:
        where = ("--redis-url", self.world.url, "--release", self.world.release, "-o", "json")
        return await asyncio.create_subprocess_exec(
            TASKQUEUE, "cancel", *options, *where, stdout=asyncio.subprocess.PIPE
        )

    async def cancel(self, *options: str) -> int:
        """Run the command; return the number that it prints."""
        command = await self.start_command(*options)
        printed, _ = await command.communicate()
        assert command.returncode == 0, options
        number: int = json.loads(printed)["cancelled"]
        return number


@asynccontextmanager
async def cancelling(url: str, release: str, folder: Path, workers: int) -> AsyncIterator[Cancelling]:
    """Run a scheduler and workers with 60 concurrency slots each; steady jobs start, no other job waits yet."""
    async with site(url, release, folder) as world:
        world.publish(
            {
                STEADY: {"schedule": {"interval": "1s"}},
                BULK: {**_NEVER, "rateLimit": {"perSecond": "10"}},
                ENDLESS: {**_NEVER, "handler": {"function": "record-endless"}, "timeout": "1h"},
            },
            _USERS,
        )
        # Under a global limit, the limit of BULK would delay other jobs by up to 54 ms.
        await world.scheduler("--rate", "none")
        for _ in range(workers):
            await world.worker("--concurrency", "60", "--lease", str(LEASE_S))

        async def is_steady() -> bool:
            return len({start.user for start in world.starts() if start.type == STEADY}) == _USERS

        await until("every user is served", is_steady, 120)
        yield Cancelling(world)
