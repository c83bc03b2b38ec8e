"""The process of a worker: it loads handlers, answers probes and runs jobs until SIGTERM or SIGINT."""

import asyncio
import gc
import sys
from collections.abc import Sequence
from functools import partial

import structlog

from taskqueue.handlers.errors import HandlersError
from taskqueue.handlers.registry import default_registry, load_entry_points, load_modules
from taskqueue.process.health import serve_health
from taskqueue.process.settings import load
from taskqueue.process.stop_signals import keep
from taskqueue.process.threads import leave_threads
from taskqueue.text.log import configure
from taskqueue.text.printable import describe_error
from taskqueue_worker.liveness.cancellation import keep_running
from taskqueue_worker.liveness.event_loop import run_to_end
from taskqueue_worker.liveness.signals import end_on_signals, keep_signals
from taskqueue_worker.settings import WorkerSettings
from taskqueue_worker.slots import SlotEndedError
from taskqueue_worker.worker import Worker

log = structlog.get_logger("taskqueue.worker")

EXIT_FAILED = 1
EXIT_BUG = 70


async def work(settings: WorkerSettings) -> None:
    """Run a worker until SIGTERM or SIGINT. Raises OSError if the health port is taken."""
    stopping = asyncio.Event()
    keeping = partial(keep_signals, stopping, end_on_signals(stopping))
    worker = Worker(settings, default_registry)
    probes = worker.probes
    health = await serve_health(
        settings.health_host, settings.health_port, live=probes.live, ready=probes.ready, note=probes.note
    )
    port = health.sockets[0].getsockname()[1]
    log.info("worker started", worker=worker.name, redis=str(settings.redis_url), health_port=port)
    # Objects made so far live until the end: the collector need not walk them between two starts.
    gc.collect()
    gc.freeze()
    kept = asyncio.create_task(keep_running("signals", keeping, stopping.is_set))
    try:
        await worker.run(stopping)
    finally:
        kept.cancel()
        health.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Run `taskqueue worker` and return the exit code. Raises SystemExit on --help and bad settings."""
    settings = load(WorkerSettings, sys.argv[1:] if argv is None else argv, "taskqueue worker")
    configure(settings.log_level, settings.log_format)
    try:
        load_entry_points()
        load_modules(settings.handlers)
        run_to_end(work(settings))
    except SlotEndedError as error:
        log.critical("worker ends, other workers take its jobs", error=describe_error(error))
        leave_threads(keep(EXIT_FAILED))
        return EXIT_FAILED
    except HandlersError as error:
        log.critical("handlers not loaded", error=str(error))
        return EXIT_FAILED
    except OSError as error:
        log.critical("health port not served", port=settings.health_port, error=str(error))
        return EXIT_FAILED
    except Exception as error:
        # Logged here, too: threads that hang would keep the traceback from being printed.
        log.critical("worker failed", error=describe_error(error))
        leave_threads(keep(EXIT_BUG))
        raise
    leave_threads(keep(0))
    return 0
