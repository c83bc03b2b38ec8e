"""Worker processes against an API that counts: what reached it, and how fast, whatever the workers believe."""

import asyncio
import json
import os
import signal
import sys
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from site_under_test import until

from taskqueue.store.connection import Store, open_store

HANDLERS = str(Path(__file__).with_name("calling.py"))


class Arrival(NamedTuple):
    """One request as the API saw it, by its own clock (us)."""

    at_us: int
    type: str
    user: str


def worst_second(arrivals: Sequence[Arrival]) -> int:
    """Most arrivals in any sliding second: in [t, t + 1 s) for every t."""
    worst, first = 0, 0
    for last, arrival in enumerate(arrivals):
        while arrival.at_us - arrivals[first].at_us >= 1_000_000:
            first += 1
        worst = max(worst, last - first + 1)
    return worst


def per_second(arrivals: Sequence[Arrival]) -> float:
    """Mean speed from the first to the last arrival."""
    return (
        (len(arrivals) - 1) / ((arrivals[-1].at_us - arrivals[0].at_us) / 1e6) if len(arrivals) > 1 else 0.0
    )


@dataclass
class Traffic:
    """A store, an API and workers. Everything ends with the context it came from."""

    url: str
    folder: Path
    api: str
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
                    "--concurrency",
                    "50",
                    "--health-port",
                    "0",
                    *options,
                )
            )

    async def start_scheduler(self) -> None:
        """A scheduler of what the store has."""
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
                    "TASKQUEUE_EXAMPLE_API_URL": self.api,
                    "TASKQUEUE_TEST_RECORD": str(self.folder / "lateness.txt"),
                },
            )

    async def arrivals(self) -> list[Arrival]:
        page = await asyncio.to_thread(_get, f"{self.api}/-/arrivals")
        return [Arrival(row[0], row[1], row[2]) for row in map(json.loads, page.splitlines())]

    async def flowing(self, number: int) -> None:
        """Wait until so many requests arrived, then forget them: what follows is the steady part."""

        async def check() -> bool:
            stats = await asyncio.to_thread(_get, f"{self.api}/-/stats")
            return int(json.loads(stats)["requests"]) >= number

        await until(f"{number} requests arrived", check, 60)
        await asyncio.to_thread(_post, f"{self.api}/-/reset")

    async def calls_and_starts(self) -> tuple[int, int]:
        stats: dict[str, Any] = await self.store.client.info("commandstats")
        started = await self.store.client.hget(self.store.keys("metrics"), "started")
        return stats["cmdstat_evalsha"]["calls"], int(started or 0)

    def lateness_ms(self, kind: str) -> list[float]:
        rows = (line.split() for line in (self.folder / "lateness.txt").read_text().splitlines())
        return sorted(float(ms) for name, ms in rows if name == kind)

    def forget_lateness(self) -> None:
        os.truncate(self.folder / "lateness.txt", 0)


@asynccontextmanager
async def traffic(url: str, folder: Path) -> AsyncIterator[Traffic]:
    api = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "taskqueue.cli.dev.api", "--port", "0", "--rate", "1000000"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert api.stdout is not None
    address = (await api.stdout.readline()).decode().split()[-1]
    running = Traffic(url, folder, f"http://{address}", open_store(url))
    try:
        yield running
    finally:
        for process in (*running.workers, *running.others):
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
                await process.wait()
        api.terminate()
        await api.wait()
        await running.store.close()


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return str(answer.read().decode())


def _post(url: str) -> None:
    urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=20).close()
