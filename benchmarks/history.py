"""The cost of the history: two workers drain one backlog in turn, 0.4 s each, one of them with the history.

Drains one after the other differ by a fifth, as the machine has moods; turns at one backlog share them.
"""

import asyncio
import os
import signal
import time
from asyncio.subprocess import Process
from contextlib import AsyncExitStack
from statistics import quantiles
from typing import Any

from benchmarks.drain import reached, running_worker
from taskqueue.store.command import hget
from taskqueue.store.connection import Store, open_store
from tests.support.store.backlog import fill, install, server, task_types

TYPES, USERS = 10, 50_000
#: Two turns are shorter than the second after which a worker reports that its event loop is blocked.
TURN_S = 0.4
#: A worker that goes on would else begin on the server's core half of the time.
SERVER_CORE, WORKERS_CORE = 0, 1
#: More than a worker drains in a turn.
JOBS_A_TURN = 28_000


async def history_cost(runs: int, pairs: int) -> dict[str, Any]:
    """Return by how many percent the history slows a worker down, and half of the 95 % interval."""
    ratios = [ratio for _ in range(runs) for ratio in await _ratios(pairs)]
    quarter, middle, upper = quantiles(ratios, n=4)
    # Of a median: 1.25 standard errors of a mean, the deviation by the quartiles, which outliers do not move.
    error = 1.96 * 1.25 * (upper - quarter) / 1.35 / len(ratios) ** 0.5
    return {
        "history_costs_percent": round((1 - middle) * 100, 2),
        "history_costs_within_percent": round(error * 100, 2),
        "history_pairs": len(ratios),
    }


async def _ratios(pairs: int) -> list[float]:
    """Return, for each pair of turns, the rate with the history over the rate without the history."""
    async with AsyncExitStack() as stack:
        url = stack.enter_context(server(**{"server-cpulist": str(SERVER_CORE)}))
        store = open_store(url)
        stack.push_async_callback(store.close)
        types = task_types(TYPES)
        await install(store, types, USERS)
        await fill(store, types, JOBS_A_TURN * 2 * (pairs + 2), USERS)
        workers = [await stack.enter_async_context(running_worker(url, history=on)) for on in (True, False)]
        for worker in workers:
            os.sched_setaffinity(worker.pid, {WORKERS_CORE})
        await reached(store, 10_000)  # both have started by then, as they share the jobs
        for worker in workers:
            worker.send_signal(signal.SIGSTOP)
        try:
            for worker in workers:
                await _turn(store, worker)
            found = []
            for n in range(pairs):
                first, second = (0, 1) if n % 2 else (1, 0)
                done = {at: await _turn(store, workers[at]) for at in (first, second)}
                found.append(done[0] / done[1])
        finally:
            for worker in workers:
                worker.send_signal(signal.SIGCONT)
        return found


async def _turn(store: Store, worker: Process) -> float:
    """Return the jobs a second of a worker while the other worker stood still."""
    worker.send_signal(signal.SIGCONT)
    began_s, before = time.perf_counter(), await _done(store)
    await asyncio.sleep(TURN_S)
    worker.send_signal(signal.SIGSTOP)
    took_s, after = time.perf_counter() - began_s, await _done(store)
    assert after > before, "the backlog ended"
    return (after - before) / took_s


async def _done(store: Store) -> int:
    return int(await store.read(hget(store.keys("metrics"), "done")) or 0)
