"""A fleet on two busy cores: slots missed for want of a processor are lost, and must be few."""

import asyncio
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from taskqueue.store.audit import audit
from taskqueue.store.connection import open_store
from tests.support.site.counting_api import worst_second
from tests.support.site.fleet import RELEASE, fleet
from tests.support.store.server import RedisServer

pytestmark = pytest.mark.faults

SECONDS = 30
BUSY_LOOPS = 2
MAX_GIVEN_UP = 0.1
_LOOP = "import sys, time\nend = time.monotonic() + float(sys.argv[1])\nwhile time.monotonic() < end: pass"


def start_busy_loops(stack: ExitStack) -> None:
    for _ in range(BUSY_LOOPS):
        loop = subprocess.Popen([sys.executable, "-c", _LOOP, str(2 * SECONDS)])
        stack.callback(loop.wait)
        stack.callback(loop.kill)


async def test_few_slots_are_given_up_under_cpu_starvation(tmp_path: Path) -> None:
    server = RedisServer("store", tmp_path, "valkey")
    with ExitStack() as stack:
        stack.callback(server.kill)
        server.start()
        async with (
            fleet(server.url, lambda: server.url, tmp_path) as running,
            open_store(server.url, RELEASE) as store,
        ):
            start_busy_loops(stack)
            before, came = (await audit(store)).totals["leased"], len(await running.arrivals())
            await asyncio.sleep(SECONDS)
            leased = (await audit(store)).totals["leased"] - before
            arrivals = await running.arrivals()
            given_up = 1 - (len(arrivals) - came) / leased
            print(
                f"\nslots={leased} given-up={given_up:.1%} worst={worst_second(arrivals)}/{running.rate} "
                f"load={os.getloadavg()[0]:.1f}"
            )
            assert given_up <= MAX_GIVEN_UP
            assert worst_second(arrivals) <= running.rate
