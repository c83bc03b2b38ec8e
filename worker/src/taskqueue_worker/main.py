"""The process of a worker: it loads handlers, answers probes and runs jobs until SIGTERM or SIGINT."""

import gc
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import NoReturn

from taskqueue.command_line.command import run_command
from taskqueue.handlers.errors import HandlersError
from taskqueue.handlers.registry import default_registry, load_entry_points, load_modules
from taskqueue.process.event_loop import new_uvloop
from taskqueue.process.frame import ExitError, Process, Work, run
from taskqueue.process.settings import settings_command
from taskqueue_worker.settings import WorkerSettings
from taskqueue_worker.worker import Worker


def serve(settings: WorkerSettings) -> int:
    """Run the worker until a signal, and return its exit code."""
    process = Process(
        name="worker",
        settings=settings,
        open=partial(_open, settings),
        prepare=partial(_load_handlers, settings.handlers),
        new_loop=new_uvloop,
    )
    return run(process)


command = settings_command(WorkerSettings, serve)


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run `taskqueue worker`. Raises SystemExit."""
    run_command(command, argv, "taskqueue worker")


def _load_handlers(modules: Sequence[str]) -> None:
    try:
        load_entry_points()
        load_modules(modules)
    except HandlersError as error:
        raise ExitError("handlers not loaded", error=str(error)) from error


@asynccontextmanager
async def _open(settings: WorkerSettings) -> AsyncIterator[Work]:
    async with Worker(settings, default_registry) as worker:
        # Objects made so far live until the end: the collector need not walk them between two starts.
        gc.collect()
        gc.freeze()
        yield worker.work()
