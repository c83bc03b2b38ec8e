"""The scheduler as a process: watching, publishing, ticking and answering probes until SIGTERM or SIGINT."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import NoReturn

from taskqueue.command_line.command import run_command
from taskqueue.process.frame import Process, Start, Work, run
from taskqueue.process.health import NO_PAGES, REACHABLE_S, Check, Page
from taskqueue.process.retention import RetentionWatch
from taskqueue.process.settings import settings_command
from taskqueue.scheduler import metrics
from taskqueue.scheduler.keeper import Keeper
from taskqueue.scheduler.leadership import Leadership
from taskqueue.scheduler.settings import SchedulerSettings, TickingSettings
from taskqueue.scheduler.source import Source
from taskqueue.scheduler.ticker import Ticker
from taskqueue.sources.folder import FolderSource
from taskqueue.store.connection import Store


class Scheduler:
    """The parts of a scheduler. Any number of schedulers may run on one store; one that ends leaves nothing undone."""

    def __init__(
        self,
        settings: TickingSettings,
        store: Store,
        source: Source | None = None,
        leadership: Leadership | None = None,
    ) -> None:
        self.ticker = Ticker(
            store,
            period_s=settings.tick_period,
            look_ahead_ms=int(settings.look_ahead * 1000),
            max_backlog=settings.max_backlog,
        )
        self.keeper = Keeper(store, self.ticker, source=source, rate=settings.rate, leadership=leadership)
        self._live_within_s = settings.live_within
        self._retention = RetentionWatch(store)

    def work(
        self,
        *,
        extra_tasks: Sequence[Start] = (),
        pages: Mapping[str, Page] = NO_PAGES,
        live: Check = lambda: None,
    ) -> Work:
        """Return the work of a process that schedules.

        extra_tasks: further tasks of the process. pages: further pages of the health port. live: a check of these.
        """
        metrics.CURSOR_AGE.set_function(lambda: time.monotonic() - self.ticker.moved_s)
        metrics.PUBLISH_LAG.set_function(self.keeper.lag_s)
        keeper = self.keeper
        own: tuple[Start, ...] = (
            keeper.watch,
            keeper.keep,
            keeper.recovery_point.run,
            self._retention.run,
            self.ticker.run,
        )
        return Work(
            tasks=(*own, *extra_tasks),
            live=lambda: self._stuck() or live(),
            ready=self._unready,
            note=lambda: self._retention.note,
            pages=pages,
        )

    def _stuck(self) -> str | None:
        within_s = self._live_within_s
        return self.ticker.progress.stuck(within_s) or self.keeper.progress.stuck(within_s)

    def _unready(self) -> str | None:
        if time.monotonic() - self.ticker.answered_s > REACHABLE_S:
            return self.ticker.failure or "the store does not answer"
        return self.keeper.ready()


def serve(settings: SchedulerSettings) -> int:
    """Run the scheduler until a signal, and return its exit code."""
    return run(Process(name="scheduler", settings=settings, open=partial(_open, settings)))


command = settings_command(SchedulerSettings, serve)


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run `taskqueue scheduler`. Raises SystemExit."""
    run_command(command, argv, "taskqueue scheduler")


@asynccontextmanager
async def _open(settings: SchedulerSettings) -> AsyncIterator[Work]:
    folder = settings.manifests
    async with settings.open_store() as store:
        source = FolderSource(folder, settings.manifests_poll) if folder else None
        yield Scheduler(settings, store, source).work()
