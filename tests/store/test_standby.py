"""The standby thread of a worker with a blocked event loop: keeps running jobs, returns jobs past their slot."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from taskqueue.models.values import Schedule, TaskType
from taskqueue.store.connection import open_store
from taskqueue_worker.heartbeat import Heartbeat, Standby
from taskqueue_worker.leased_job import LeasedJob
from taskqueue_worker.task_types import BoundType
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)
SHORT_MS, LONG_MS = 5_000, 60_000


async def test_standby_jobs_keep_running_or_go_back_late(world: World, redis_url: str, release: str) -> None:
    spec = TaskType("sync", HOUR, timeout_ms=60_000)
    await world.install(spec)
    await world.enqueue("sync", "runs", "overdue", "missed", "next")
    jobs = (await world.claim(lease_ms=SHORT_MS)).jobs
    now_s = asyncio.get_running_loop().time()
    leased = {
        job.lease.split("|")[1]: LeasedJob(job.lease, BoundType(spec, None), "", 0, 0, now_s + 600, 0.01)
        for job in jobs
    }
    leased["runs"].called_s = now_s
    leased["overdue"].called_s = now_s - 61
    leased["missed"].start_s = now_s - 1
    slots: Any = SimpleNamespace(snapshot=lambda: list(leased.values()))
    beat = Heartbeat("w", LONG_MS, lambda: b"{}", list)
    standby = Standby(lambda: open_store(redis_url, release), beat, slots)
    await asyncio.to_thread(standby.keep_leases)
    kept = await raw(world.store).zrange(world.store.keys("leases"), 0, -1, withscores=True)
    left_ms = {member.split(b"|")[1].decode(): expiry - world.clock.now_us / 1000 for member, expiry in kept}
    assert left_ms.keys() == {"runs", "overdue", "next"}
    assert left_ms["overdue"] < LONG_MS / 2, "its timeout has passed: on a loop that ran it would have ended"
    assert min(left_ms["runs"], left_ms["next"]) > LONG_MS / 2
    (ready,) = (await world.waiting())["ready:global:normal"]
    assert ready.startswith("sync|missed|")
    await world.conserved()
