"""The scheduler as a process: watching, publishing, ticking and answering probes until SIGTERM or SIGINT."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import structlog

from taskqueue.process.health import NO_PAGES, Page, serve_health
from taskqueue.process.retention import RetentionWatch
from taskqueue.process.settings import load
from taskqueue.process.stop_signals import keep, set_on
from taskqueue.process.threads import leave_threads
from taskqueue.scheduler import metrics
from taskqueue.scheduler.keeper import Keeper
from taskqueue.scheduler.settings import SchedulerSettings, TickingSettings
from taskqueue.scheduler.source import Leadership, Source
from taskqueue.scheduler.ticker import Ticker
from taskqueue.sources.folder import FolderSource
from taskqueue.store.connection import Store
from taskqueue.text.log import configure

#: The store counts as reachable if it answered this recently, seconds.
REACHABLE_S = 5.0

log = structlog.get_logger()


class Parts(NamedTuple):
    """What a running scheduler is made of, for those that run beside it."""

    keeper: Keeper
    ticker: Ticker


def _nothing(_: Parts) -> Sequence[Coroutine[Any, Any, Any]]:
    return ()


async def run(
    settings: TickingSettings,
    store: Store,
    source: Source | None,
    leadership: Leadership | None = None,
    beside: Callable[[Parts], Sequence[Coroutine[Any, Any, Any]]] = _nothing,
    pages: Mapping[str, Page] = NO_PAGES,
    stuck: Callable[[], str | None] = lambda: None,
) -> None:
    """Schedule what `source` says until SIGTERM or SIGINT. Raises OSError if the health port is taken.

    Any number may run on one store. Whatever is cut off here, another or the next one carries on.
    beside: what else is to run as long. pages: what else the health port serves. stuck: what is wrong with that.
    """
    stopping = asyncio.Event()
    set_on(stopping, asyncio.get_running_loop())
    ticker = Ticker(
        store,
        period_s=settings.tick_period,
        look_ahead_ms=int(settings.look_ahead * 1000),
        max_backlog=settings.max_backlog,
    )
    keeper = Keeper(store, ticker, source=source, rate=settings.rate, leadership=leadership)
    retention = RetentionWatch(store)
    metrics.CURSOR_AGE.set_function(lambda: time.monotonic() - ticker.moved_s)
    metrics.PUBLISH_LAG.set_function(keeper.lag_s)

    def live() -> str | None:
        within_s = settings.live_within
        return ticker.progress.stuck(within_s) or keeper.progress.stuck(within_s) or stuck()

    def ready() -> str | None:
        if time.monotonic() - ticker.answered_s > REACHABLE_S:
            return ticker.failure or "the store does not answer"
        return keeper.ready()

    async with contextlib.AsyncExitStack() as stack:
        health = await serve_health(
            settings.health_host,
            settings.health_port,
            live=live,
            ready=ready,
            note=lambda: retention.note,
            pages=pages,
        )
        stack.callback(health.close)
        port = health.sockets[0].getsockname()[1]
        log.info(
            "scheduler started", redis=str(settings.redis_url), release=settings.release, health_port=port
        )
        others = beside(Parts(keeper, ticker))
        work: tuple[Coroutine[Any, Any, Any], ...] = (
            keeper.watch(),
            keeper.keep(),
            keeper.lookout.run(),
            retention.run(),
            ticker.run(),
            *others,
            stopping.wait(),
        )
        parts: list[asyncio.Task[Any]] = [asyncio.ensure_future(part) for part in work]
        try:
            await _until_stopped(parts)
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
        log.info("scheduler stopped")


async def _until_stopped(parts: Sequence[asyncio.Task[Any]]) -> None:
    """Wait for the last of the parts, and meanwhile raise what any of them dies of."""
    running = set(parts)
    while not parts[-1].done():
        done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for part in done:
            part.result()


def execute(settings: TickingSettings, running: Coroutine[Any, Any, None]) -> int:
    """Run a process of these settings to its end and return its exit code."""
    configure(settings.log_level, settings.log_format)
    try:
        with asyncio.Runner() as runner:
            threads = ThreadPoolExecutor(thread_name_prefix="taskqueue-scheduler")
            runner.get_loop().set_default_executor(threads)
            runner.run(running)
            code = keep(0)
            threads.shutdown(wait=False, cancel_futures=True)
            leave_threads(code)
    except OSError as error:
        log.critical("cannot serve /livez, /readyz and /metrics", port=settings.health_port, error=str(error))
        return 1
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run `taskqueue scheduler` and return its exit code. Raises SystemExit on --help and bad settings."""
    arguments = sys.argv[1:] if argv is None else argv
    settings = load(SchedulerSettings, arguments, "taskqueue scheduler")
    return execute(settings, _schedule_folder(settings))


async def _schedule_folder(settings: SchedulerSettings) -> None:
    folder = settings.manifests
    async with settings.open_store() as store:
        await run(settings, store, FolderSource(folder, settings.manifests_poll) if folder else None)
