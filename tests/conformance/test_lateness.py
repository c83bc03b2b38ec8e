"""30 % of the limit in use, spread by the plan: lateness of jobs, and calls per start."""

import asyncio
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from taskqueue.models.values import ConcurrencyPolicy, Schedule, Subscription, TaskType, UserSubscription
from taskqueue.store.clock import server_now_ms
from taskqueue.store.enqueue import enqueue
from taskqueue.store.users import set_users
from tests.support.site.counting_api import between, worst_second
from tests.support.site.site import until
from tests.support.site.traffic import Traffic, traffic
from tests.support.store.backlog import INTERVAL_S, install, server
from tests.support.store.raw import raw

pytestmark = pytest.mark.conformance
RATE, USERS, PERIOD_S = 100, 300, 10  # 30 a second
SECONDS = 30


async def _caught_up(running: Traffic) -> None:
    """Wait until no job was overdue for a second: the backlog of the start-up is not lateness."""
    quiet = 0

    async def check() -> bool:
        nonlocal quiet
        store, now_ms = running.store, await server_now_ms(running.store)
        overdue = await raw(store).zcount(store.keys.ready("global", "normal"), "-inf", now_ms - 50)
        quiet = 0 if overdue else quiet + 1
        return quiet >= 20

    await until("what piled up has run", check, 60)


async def _calls_a_second(running: Traffic, seconds: float) -> float:
    """Calls of scripts that are made anyway: the scheduler's."""
    (before, _), from_s = await running.calls_and_starts(), time.time()
    await asyncio.sleep(seconds)
    (after, _), to_s = await running.calls_and_starts(), time.time()
    return (after - before) / (to_s - from_s)


@pytest.mark.parametrize(
    ("workers", "policy"),
    [(1, "Allow"), (4, "Allow"), (4, "Forbid"), (20, "Allow")],
    ids=["one", "four", "four-forbid", "twenty"],
)
async def test_an_unsaturated_job_starts_on_time_in_one_call(
    workers: int, policy: str, tmp_path: Path, row: Callable[..., None]
) -> None:
    with server() as url:
        async with traffic(url, tmp_path) as running:
            steady = TaskType(
                "steady",
                Schedule(interval_s=PERIOD_S),
                function="noop",
                concurrency_policy=ConcurrencyPolicy(policy),
            )
            once = TaskType("once", Schedule(interval_s=INTERVAL_S), function="noop")
            await install(running.store, [steady, once], 0, RATE)
            users = [UserSubscription(f"u-{n:03}", (Subscription("steady"),)) for n in range(USERS)]
            await set_users(running.store, "import", users)
            await running.start_scheduler()
            await asyncio.sleep(2)
            scheduler_s = await _calls_a_second(running, 4)
            await running.start_workers(workers)
            await running.workers_up()
            await _caught_up(running)

            running.forget_lateness()
            before, from_s, extra = await running.calls_and_starts(), time.time(), 0
            while time.time() - from_s < SECONDS:
                await enqueue(running.store, "once", "u-000")
                extra += 1
                await asyncio.sleep(random.uniform(0.5, 1.5))
            after, to_s = await running.calls_and_starts(), time.time()
            calls, starts = (b - a for a, b in zip(before, after, strict=True))
            calls_a_start = (calls - scheduler_s * (to_s - from_s) - extra) / starts
            late, adhoc = running.lateness_ms("scheduled"), running.lateness_ms("adhoc")
            p50, p99, adhoc_p50 = late[len(late) // 2], late[len(late) * 99 // 100], adhoc[len(adhoc) // 2]
            worst = worst_second(between(await running.api.arrivals(), from_s, to_s))
            row(
                f"30 % in use, {workers} workers, {policy}",
                RATE,
                worst=worst,
                calls_a_start=calls_a_start,
                p50_ms=p50,
                p99_ms=p99,
                max_ms=late[-1],
                adhoc_p50_ms=adhoc_p50,
            )
            assert starts >= 0.95 * (USERS / PERIOD_S * SECONDS + extra), "none was left out"
            assert p50 <= 3
            assert adhoc_p50 <= 20
            if workers <= 4:  # twenty processes that take turns on two processors are a test of calls
                assert p99 <= 15
            assert calls_a_start <= 1.5
