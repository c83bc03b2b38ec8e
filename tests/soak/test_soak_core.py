"""An hour of everything: nothing may grow. `make soak-core` runs it whole [TASKQUEUE_SOAK_CORE seconds]."""

import asyncio
import os
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from taskqueue.store.connection import open_store
from taskqueue.store.enqueue import enqueue
from tests.support.site.fleet import INTERVAL_S, RELEASE, USERS, Fleet, fleet, fleet_types
from tests.support.store.server import RedisServer

pytestmark = pytest.mark.soak

SECONDS = float(os.environ.get("TASKQUEUE_SOAK_CORE", "3600"))
HANDLERS = str(Path(__file__).parents[1] / "support" / "handlers" / "soak.py")
SAMPLE_S, EDIT_S, ENQUEUE_S = 5.0, 20.0, 5.0
#: What the last third of the time may hold more than the second: an allocator breathes, a leak does not stop.
MAX_GROWTH = 1.05


def mixed_types(_: str) -> dict[str, dict[str, Any]]:
    """Types with every behaviour of handlers."""
    every = {"schedule": {"interval": f"{INTERVAL_S}s"}}
    retry = {"maxAttempts": 4, "minBackoff": "100ms", "maxBackoff": "1s"}
    return {
        "moody": {**every, "handler": {"function": "moody"}, "retry": retry},
        "asking": {**every, "handler": {"function": "asking"}, "concurrencyPolicy": "Forbid"},
        "threaded": {**every, "handler": {"function": "threaded"}, "concurrencyPolicy": "Replace"},
    }


def resident_mb(pid: int) -> float:
    """Read how much memory a process holds."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"process {pid} has ended")


class Memory:
    """Samples by name: MB resident of each process, and MB allocated by the server."""

    def __init__(self) -> None:
        self.samples: dict[str, list[float]] = {}

    def look(self, processes: Mapping[str, int], server: RedisServer) -> None:
        for name, pid in processes.items():
            self.samples.setdefault(name, []).append(resident_mb(pid))
        allocated = int(server.info("memory")["used_memory"]) / 1e6
        self.samples.setdefault("store, allocated", []).append(allocated)

    def thirds(self, name: str) -> tuple[float, float]:
        """Return the median of the second and of the last third."""
        found = self.samples[name]
        part = len(found) // 3
        return statistics.median(found[part : 2 * part]), statistics.median(found[2 * part :])

    def grown(self) -> list[str]:
        """Print a line per process; return the names of the grown ones."""
        for name in self.samples:
            second, last = self.thirds(name)
            print(f"{name:18} {second:7.1f} MB {last:7.1f} MB  {last / second:.3f}", flush=True)
        return [name for name in self.samples if self.thirds(name)[1] > MAX_GROWTH * self.thirds(name)[0]]


async def keep_editing(running: Fleet, types: Mapping[str, dict[str, Any]]) -> None:
    """Add and remove a type, and change params and limits of other types."""
    for number in range(1_000_000):
        await asyncio.sleep(EDIT_S)
        edited = {name: dict(spec) for name, spec in types.items()}
        edited["moody"]["params"] = {"edit": number % 7}
        edited["asking"]["priority"] = ("High", "Low")[number % 2]
        if number % 2:
            edited["passing"] = dict(types["moody"])
        running.world.publish(edited, USERS)


async def keep_enqueueing(server: RedisServer) -> None:
    """Add an ad hoc job now and then; the record of its id lives for an hour."""
    async with open_store(server.url, RELEASE) as store:
        for number in range(1_000_000):
            await enqueue(store, "moody", f"u-{number % USERS:04}", {"number": number})
            await asyncio.sleep(ENQUEUE_S)


async def test_nothing_grows_in_an_hour_of_everything(tmp_path: Path) -> None:
    server = RedisServer("store", tmp_path)
    server.start()
    try:
        async with fleet(
            server.url,
            lambda: server.url,
            tmp_path,
            worker_options=("--handlers", HANDLERS),
            more_types=mixed_types,
        ) as running:
            types = {**fleet_types(running.api.url), **mixed_types("")}
            processes = {f"scheduler {k}": one.pid for k, one in enumerate(running.schedulers)}
            processes |= {f"worker {k}": one.pid for k, one in enumerate(running.workers)}
            processes["store, resident"] = int(server.info("server")["process_id"])
            memory, end_s = Memory(), time.monotonic() + SECONDS
            others: Sequence[asyncio.Task[None]] = (
                asyncio.create_task(keep_editing(running, types)),
                asyncio.create_task(keep_enqueueing(server)),
            )
            while time.monotonic() < end_s:
                memory.look(processes, server)
                await asyncio.sleep(min(SAMPLE_S, SECONDS / 60))
                assert not [task.exception() for task in others if task.done()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            grown = memory.grown()
            dead = [process.returncode for process in running.processes if process.returncode is not None]
            audit = await running.audit_code()
        assert (grown, dead, audit) == ([], [], 0)
    finally:
        server.kill()
