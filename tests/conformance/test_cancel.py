"""100,000 waiting and 200 running jobs are cancelled, and other users' jobs start on time."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.site.cancelling import BULK, ENDLESS, cancelling
from tests.support.site.site import audited, until
from tests.support.store.backlog import server
from tests.support.store.raw import raw

pytestmark = pytest.mark.conformance
WAITING, RUNNING, LATER, WORKERS = 100_000, 200, 20, 4
#: Time before the command, to compare with.
CALM_S = 5
#: Longer than the command takes.
DELAY_MS = 20_000


async def test_other_jobs_start_on_time(release: str, tmp_path: Path, row: Callable[..., None]) -> None:
    with server() as url:
        async with cancelling(url, release, tmp_path, WORKERS) as jobs, audited(jobs.world):
            store = jobs.world.store
            await jobs.run_endless(RUNNING)
            await jobs.put_bulk(WAITING)
            calm_s = time.time()
            await asyncio.sleep(CALM_S)
            await raw(store).config_set("slowlog-log-slower-than", 2_000)
            await raw(store).slowlog_reset()
            await jobs.put_later(LATER, DELAY_MS)
            from_s = time.time()
            cancelled = await jobs.cancel("--type", BULK)
            took_s = time.time() - from_s
            assert await jobs.are_later(), "the machine took too long for this test"
            ended = await jobs.cancel("--type", ENDLESS, "--running")
            slow = await raw(store).slowlog_get(1_000)

            async def are_lost() -> bool:
                return jobs.lost() == RUNNING

            await until("the workers end the running handlers", are_lost)
            await until("later jobs run", jobs.later_have_run)
            calm, late = jobs.lateness_ms(calm_s, from_s), jobs.lateness_ms(from_s)
            row(
                f"cancel {WAITING} waiting, {RUNNING} running",
                WAITING,
                took_s=took_s,
                calm_p99_ms=calm[len(calm) * 99 // 100],
                p50_ms=late[len(late) // 2],
                p99_ms=late[len(late) * 99 // 100],
                max_ms=late[-1],
                slow_calls=len(slow),
                slowest_ms=max((one["duration"] / 1000 for one in slow), default=0),
            )
            assert cancelled >= WAITING - 10 * (took_s + 10), "workers started ten a second"
            assert ended == RUNNING
            assert late[len(late) * 99 // 100] <= 20
