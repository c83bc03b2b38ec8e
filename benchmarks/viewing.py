"""The console and the API beside work: 100,000 users, 300 types, a million waiting jobs, and ten viewers.

Calm and viewed stretches alternate, so that the machine's moods count for both.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from benchmarks.viewers import Figures, paint, percentile, viewers
from taskqueue import AdHocJob, Client
from taskqueue.models.values import (
    Limit,
    LimitKey,
    Schedule,
    Subscription,
    TaskType,
    UserSubscription,
)
from taskqueue.store.audit import audit
from taskqueue.store.connection import Store, open_store
from taskqueue.store.limits import set_rate
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_limits, put_types, read_catalog
from taskqueue.store.users import set_users
from tests.support.api.process import CREDENTIALS, RunningApi, running_api
from tests.support.site.site import Site, site
from tests.support.store.backlog import server
from tests.support.store.raw import raw
from tools.docs.chromium import PROGRAM, REMEDY, running_chromium

TYPES, TASKS = 300, 3
#: Its jobs wait: one start a second, for a million of them.
SLOW = TaskType("slow", Schedule(interval_s=3600), function="record", limits=("slow-api",))


async def _install(store: Store, users: int, jobs: int, url: str) -> None:
    await set_rate(store, 1_000)
    types = [TaskType(f"type-{n:03}", SLOW.schedule, function="record") for n in range(TYPES - 1)]
    version = await put_limits(
        store, (await read_catalog(store)).version, [Limit("slow-api", LimitKey.RELEASE, 1.0)]
    )
    await put_types(
        store, version, [TypeRecord(one, (Generation(1, one.schedule),)) for one in [*types, SLOW]]
    )
    for first in range(0, users, 500):
        batch = [
            UserSubscription(
                f"u-{n:06}", tuple(Subscription(types[(n + k * 97) % len(types)].name) for k in range(TASKS))
            )
            for n in range(first, min(first + 500, users))
        ]
        await set_users(store, "import", batch)
    async with Client.open(url) as client:
        await client.enqueue_many(AdHocJob(f"u-{n % users:06}", SLOW.name) for n in range(jobs))


async def viewing(users: int, jobs: int, stretch_s: float, stretches: int = 2) -> dict[str, Any]:
    """Return the figures of the console's goals. Raises SystemExit without Chromium."""
    if not PROGRAM:
        sys.exit(f"viewing paints pages in a browser: {REMEDY}")
    with tempfile.TemporaryDirectory() as name, server() as url:
        store = open_store(url)
        await _install(store, users, jobs, url)
        async with site(url, "default", Path(name)) as world:
            await world.ticker()
            await world.worker("--concurrency", "100")
            with _api(url, Path(name)) as (api, ready_s):
                figures = Figures()
                starts = await _stretches(world, api, figures, stretch_s, stretches)
                async with running_chromium() as browser:
                    await paint(api.url, browser, figures, stretch_s)
                found = (
                    starts
                    | figures.summary()
                    | {"api_ready_s": round(ready_s, 2), "api_peak_mb": _peak_mb(api.pid)}
                )
            assert (await audit(store)).difference == 0
        await store.close()
        return found


@contextmanager
def _api(url: str, folder: Path) -> Iterator[tuple[RunningApi, float]]:
    began = time.perf_counter()
    with running_api(url, "default", folder, CREDENTIALS) as api:
        yield api, time.perf_counter() - began


async def _stretches(
    world: Site, api: RunningApi, figures: Figures, stretch_s: float, stretches: int
) -> dict[str, Any]:
    late: dict[bool, list[float]] = {False: [], True: []}
    busy_s: dict[bool, float] = {False: 0.0, True: 0.0}
    lasted_s: dict[bool, float] = {False: 0.0, True: 0.0}
    await asyncio.sleep(10)  # both processes have started, and what was overdue has run
    for is_viewed in [False, True] * stretches:
        began_s, used_s = time.time(), await _store_s(world.store)
        async with viewers(api.url, figures) if is_viewed else nullcontext():
            await asyncio.sleep(stretch_s)
        busy_s[is_viewed] += await _store_s(world.store) - used_s
        lasted_s[is_viewed] += time.time() - began_s
        late[is_viewed] += [
            max(0.0, start.at_s * 1000 - start.due_ms)
            for start in world.starts()
            if start.type != SLOW.name and began_s <= start.at_s < began_s + stretch_s
        ]
    calm_share, viewed_share = (busy_s[is_viewed] / lasted_s[is_viewed] for is_viewed in (False, True))
    calm_p99, viewed_p99 = percentile(late[False], 0.99), percentile(late[True], 0.99)
    return {
        "starts_counted": len(late[False]) + len(late[True]),
        "lateness_p99_calm_ms": round(calm_p99, 2),
        "lateness_p99_viewed_ms": round(viewed_p99, 2),
        "lateness_p99_added_ms": round(viewed_p99 - calm_p99, 2),
        "store_share_of_viewers_percent": round((viewed_share - calm_share) * 100, 2),
    }


async def _store_s(store: Store) -> float:
    """Return the CPU time of the server's main thread."""
    cpu = await raw(store).info("cpu")
    return float(cpu["used_cpu_sys_main_thread"]) + float(cpu["used_cpu_user_main_thread"])


def _peak_mb(pid: int) -> float:
    (line,) = (one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmHWM"))
    return round(int(line.split()[1]) / 1024, 1)
