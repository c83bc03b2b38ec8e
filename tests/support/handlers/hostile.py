"""Handlers that attack the worker they run in; the parameter `how` says which way."""

import asyncio
import ctypes
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable

from taskqueue.handlers import Discard, Job, RateLimited, handler

_kept: list[object] = []


async def _raise(error: BaseException) -> None:
    raise error


async def _leak_exit(_: Job) -> None:
    _kept.append(asyncio.create_task(_raise(SystemExit(3))))
    _kept.append(asyncio.create_task(_raise(KeyboardInterrupt())))


async def _exit(_: Job) -> None:
    raise SystemExit(3)


async def _stop_the_loop(_: Job) -> None:
    asyncio.get_running_loop().stop()


async def _cancel_everything(_: Job) -> None:
    for task in asyncio.all_tasks():
        task.cancel()


async def _take_signals(_: Job) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


async def _surrogate(_: Job) -> None:
    raise Discard("\ud800")


async def _far(_: Job) -> None:
    raise RateLimited(1e300, limit="unknown")


async def _log_a_word(_: Job) -> None:
    logging.getLogger("shop").warning("a" * 65_536)


_WAYS: dict[str, Callable[[Job], Awaitable[None]]] = {
    "leak-exit": _leak_exit,
    "exit": _exit,
    "stop": _stop_the_loop,
    "cancel-everything": _cancel_everything,
    "take-signals": _take_signals,
    "surrogate": _surrogate,
    "far": _far,
    "log": _log_a_word,
}
WAYS = tuple(_WAYS)


@handler("hostile")
async def hostile(job: Job) -> None:
    await _WAYS[job.params["how"]](job)


@handler("block")
async def block(job: Job) -> None:
    """Block the loop of the worker."""
    time.sleep(job.params["seconds"])  # noqa: ASYNC251 - that is the fault


@handler("hold")
async def hold(job: Job) -> None:
    """Hold the interpreter: no thread of the worker runs."""
    ctypes.PyDLL(None).usleep(int(job.params["seconds"] * 1e6))


@handler("stuck-thread")
def stuck_thread(job: Job) -> None:
    """Keep a thread beyond any timeout."""
    time.sleep(job.params["seconds"])


@handler("exit-thread")
def exit_thread(_: Job) -> None:
    raise SystemExit(os.EX_SOFTWARE)
