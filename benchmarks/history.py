"""The cost of the history: processor time of a job, of three workers that drain one backlog in turn, one with it.

Rates on a shared machine differ by a fifth, as other programs take its cores. The processor time of worker and store
differs far less. A turn is short, so that what remains falls on all three. Two workers do the same: what they differ
by is what this measure cannot tell.
"""

import asyncio
import os
import signal
import time
from asyncio.subprocess import Process
from contextlib import AsyncExitStack
from math import log
from statistics import mean, stdev
from typing import Any

from benchmarks.drain import reached, running_worker
from taskqueue.store.command import hget
from taskqueue.store.connection import Store, open_store
from tests.support.store.backlog import fill, install, server, task_types
from tests.support.store.raw import raw

TYPES, USERS = 10, 10_000
#: The first has the history.
WORKERS = (True, False, False)
#: There and back: what grows evenly, as the heap or the heat, falls on all workers alike.
ROUND = (0, 1, 2, 2, 1, 0)
#: Processor time of the worker in a turn; a worker without a turn for a second reports that its event loop is blocked.
TURN_S = 0.04
#: More than a worker drains in a turn.
JOBS_A_TURN = 2_500
#: More than the workers drain until they are seen to have started.
JOBS_OF_STARTS = 100_000
#: One core for all: no turn depends on which of them are free.
CORE = 0
#: Student's for the 95 % of 20 runs.
T = 2.09


async def history_cost(runs: int, rounds: int) -> dict[str, Any]:
    """Return by how many percent a job takes longer with the history, and half of the 95 % interval.

    A run starts its own processes: two of the same program differ for as long as they live, by where their memory is.
    """
    costs = [await _costs(rounds) for _ in range(runs)]
    found: dict[str, Any] = {"history_runs": runs}
    for name, logs in zip(("history", "no_history"), zip(*costs, strict=True), strict=True):
        found[f"{name}_costs_percent"] = round(mean(logs) * 100, 2)
        found[f"{name}_costs_within_percent"] = round(T * stdev(logs) / runs**0.5 * 100, 2)
    return found


async def _costs(rounds: int) -> tuple[float, float]:
    """Return the logarithm of the time of a job with the history over that without, and of two without it.

    Of sums, not of the median turn: a flush every four seconds is all that the history does. A worker that has every
    third turn flushes three times as often for the same jobs, so the cost found is rather too high.
    """
    async with AsyncExitStack() as stack:
        store = open_store(url := stack.enter_context(server(**{"server-cpulist": str(CORE)})))
        stack.push_async_callback(store.close)
        types = task_types(TYPES)
        await install(store, types, USERS)
        await fill(store, types, JOBS_A_TURN * len(ROUND) * (rounds + 1) + JOBS_OF_STARTS, USERS)
        workers: list[Process] = []
        for on in WORKERS:
            workers.append(worker := await stack.enter_async_context(running_worker(url, history=on)))
            stack.callback(worker.send_signal, signal.SIGCONT)  # one that stands still would not end
            os.sched_setaffinity(worker.pid, {CORE})
            await reached(store, await _done(store) + 1)
            worker.send_signal(signal.SIGSTOP)
        jobs, took_s = [0] * len(workers), [0.0] * len(workers)
        for at in ROUND:
            await _turn(store, workers[at])
        for at in ROUND * rounds:
            done, used_s = await _turn(store, workers[at])
            jobs[at] += done
            took_s[at] += used_s
    with_it, without, again = (used_s / done for used_s, done in zip(took_s, jobs, strict=True))
    return log(with_it / ((without + again) / 2)), log(again / without)


async def _turn(store: Store, worker: Process) -> tuple[int, float]:
    """Return the jobs done, and the processor time of worker and store, while the other workers stood still."""
    done, began_s, store_s = await _done(store), _used_s(worker), await _store_s(store)
    worker.send_signal(signal.SIGCONT)
    while _used_s(worker) < began_s + TURN_S:  # noqa: ASYNC110 - of a clock, which tells nobody
        await asyncio.sleep(0.005)
    worker.send_signal(signal.SIGSTOP)
    done = await _done(store) - done
    assert done > 0, "the backlog ended"
    return done, _used_s(worker) - began_s + await _store_s(store) - store_s


async def _done(store: Store) -> int:
    return int(await store.read(hget(store.keys("metrics"), "done")) or 0)


def _used_s(worker: Process) -> float:
    """Return the processor time of all threads: the clock that Linux has for another process."""
    return time.clock_gettime(~worker.pid << 3 | 2)


async def _store_s(store: Store) -> float:
    cpu = await raw(store).info("cpu")
    return float(cpu["used_cpu_sys_main_thread"]) + float(cpu["used_cpu_user_main_thread"])
