"""The limiter while something changes or breaks: the limit itself, workers killed -9, the store restarted."""

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from taskqueue.store.enqueue import enqueue
from taskqueue.store.limits import override_rate
from tests.support.site.counting_api import between, worst_second
from tests.support.site.traffic import traffic
from tests.support.store.backlog import Server, fill, install, server, task_types
from tests.support.store.connections import renew_connections

pytestmark = pytest.mark.conformance
#: Starts that were given go out: 250 ms, and what their requests take to arrive.
GIVEN_S = 0.25 + 0.05


async def test_a_changed_limit_holds_250_ms_later(tmp_path: Path, row: Callable[..., None]) -> None:
    with server() as url:
        async with traffic(url, tmp_path) as running:
            types = task_types(5)
            await install(running.store, types, 2_000, 100)
            await fill(running.store, types, 10_000, 2_000)
            await running.start_workers(4)
            await running.api.flowing(100)
            for rate in (40, 400, 100):
                await override_rate(running.store, rate)
                from_s = time.time() + GIVEN_S
                await asyncio.sleep(6 + GIVEN_S)
                arrivals = between(await running.api.arrivals(), from_s, from_s + 6)
                worst, use = worst_second(arrivals), len(arrivals) / 6 / rate
                row("changed while running", rate, worst=worst, use=use)
                assert worst <= rate
                assert use >= 0.975


async def test_killed_workers_never_let_more_through(tmp_path: Path, row: Callable[..., None]) -> None:
    rate = 100
    with server() as url:
        async with traffic(url, tmp_path) as running:
            types = task_types(5)
            await install(running.store, types, 2_000, rate)
            await fill(running.store, types, 6_000, 2_000)
            await running.start_workers(4, "--lease", "1")
            await running.api.flowing(rate)
            from_s = time.time()
            for _ in range(5):
                await asyncio.sleep(2)
                running.workers.pop(0).send_signal(signal.SIGKILL)
                await running.start_workers(1, "--lease", "1")
            await asyncio.sleep(3)
            seconds = time.time() - from_s
            arrivals = await running.api.arrivals()
            worst, use = (
                worst_second(arrivals),
                len(between(arrivals, from_s, from_s + seconds)) / seconds / rate,
            )
            row("a worker killed every 2 s", rate, worst=worst, starts_worst=running.starts_worst(), use=use)
            assert worst <= rate
            assert use >= 0.95, "a kill costs what the worker was given: 250 ms at most"


@pytest.mark.parametrize("kept", [True, False], ids=["appendonly", "empty"])
async def test_a_store_outage_causes_no_burst(kept: bool, tmp_path: Path, row: Callable[..., None]) -> None:
    rate = 100
    options = {"appendonly": "yes", "appendfsync": "always"} if kept else {}
    with Server(**options) as valkey:
        async with traffic(valkey.url, tmp_path) as running:
            types = task_types(5)

            async def stock() -> None:
                await install(running.store, types, 0, rate)
                for n in range(0, 3_000, 50):
                    jobs = (enqueue(running.store, types[n % 5].name, f"u-{n + k}") for k in range(50))
                    await asyncio.gather(*jobs)

            await stock()
            await running.start_workers(4, "--lease", "2")
            await running.api.flowing(rate)
            valkey.kill()
            killed_s = time.time()
            await asyncio.sleep(2)
            started_s = time.time()
            await asyncio.to_thread(valkey.start)
            await renew_connections(running.store)
            if not kept:
                await stock()
            await asyncio.sleep(8)
            now_s = time.time()
            arrivals = await running.api.arrivals()
            meanwhile = len(between(arrivals, killed_s + GIVEN_S, started_s))
            again_s = next(one.at_us for one in arrivals if one.at_us / 1e6 >= started_s) / 1e6 - started_s
            use = len(between(arrivals, now_s - 4, now_s)) / 4 / rate
            case = f"store restarted, {'kept' if kept else 'empty'}"
            row(
                case,
                rate,
                worst=worst_second(arrivals),
                starts_worst=running.starts_worst(),
                while_down=meanwhile,
                again_s=again_s,
                use_after=use,
            )
            assert meanwhile == 0
            assert worst_second(arrivals) <= rate
            assert use >= 0.975, "it goes on afterwards"
