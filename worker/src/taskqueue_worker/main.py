"""The worker as a process: handlers loaded, probes answered, jobs run, until SIGTERM or SIGINT."""

import asyncio
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence

import structlog

from taskqueue.handlers.errors import HandlersError
from taskqueue.handlers.registry import default_registry, load_entry_points, load_modules
from taskqueue.health import serve_health
from taskqueue.log import configure
from taskqueue.settings import load
from taskqueue_worker.settings import WorkerSettings
from taskqueue_worker.worker import Worker

log = structlog.get_logger("taskqueue.worker")

EXIT_FAILED = 1
#: How long idle threads take to notice that they are no longer needed.
_THREADS_END_S = 0.2


async def work(settings: WorkerSettings) -> None:
    """Runs a worker until SIGTERM or SIGINT. Raises OSError if the health port is taken."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    worker = Worker(settings, default_registry)
    health = await serve_health(
        settings.health_host, settings.health_port, live=worker.live, ready=worker.ready, note=worker.note
    )
    port = health.sockets[0].getsockname()[1]
    log.info("worker started", worker=worker.name, redis=str(settings.redis_url), health_port=port)
    # What exists now lives until the end: the collector need not walk it between two starts.
    gc.collect()
    gc.freeze()
    try:
        await worker.run(stopping)
    finally:
        health.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Run `taskqueue worker` and return its exit code. Raises SystemExit on --help and bad settings."""
    settings = load(WorkerSettings, sys.argv[1:] if argv is None else argv, "taskqueue worker")
    configure(settings.log_level, settings.log_format)
    try:
        load_entry_points()
        load_modules(settings.handlers)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(work(settings))
            _leave_threads()
    except HandlersError as error:
        log.critical("handlers not loaded", problem=str(error))
        return EXIT_FAILED
    except OSError as error:
        log.critical(
            "cannot serve /livez, /readyz and /metrics", port=settings.health_port, problem=str(error)
        )
        return EXIT_FAILED
    return 0


def _leave_threads() -> None:
    """Ends the process here and now if threads of handlers still run: Python would wait for them for ever.

    Their jobs were given back, so they run again; nothing but the exit is left to do.
    """
    until_s = time.monotonic() + _THREADS_END_S
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(max(0.0, until_s - time.monotonic()))
            if thread.is_alive():
                log.info("threads of handlers are left behind", thread=thread.name)
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(0)


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    return uvloop.Loop


def run() -> None:
    sys.exit(main())
