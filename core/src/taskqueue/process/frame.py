"""The frame of every process: scheduler, worker, operator.

    prepare -> open -> health port -> tasks ... -> drain -> cancel the tasks -> close -> exit code

A process runs until SIGTERM or SIGINT, or until a task fails; a task that returns changes nothing. Its exit code is 0
after a signal, the code of an `ExitError`, and otherwise a traceback's. User code in the loop cannot end the process:
a cancelled main task goes on, and replaced signal handlers are installed again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import structlog

from taskqueue.bounded_http.port import Port
from taskqueue.process.cancellation import absorb_cancellation
from taskqueue.process.event_loop import NewLoop, run_to_end
from taskqueue.process.health import Check, Note, Page, no_note, serve_health
from taskqueue.process.installed_signals import InstalledSignals
from taskqueue.process.settings import ProcessSettings
from taskqueue.process.stop_signals import keep
from taskqueue.process.threads import leave_threads
from taskqueue.text.log import configure
from taskqueue.text.printable import describe_error

EXIT_STOPPED, EXIT_FAILED, EXIT_BUG = 0, 1, 70
#: Seconds that cancelled tasks get to end.
CANCEL_S = 10.0
#: Seconds between two looks at the signal handlers.
_SIGNALS_S = 1.0

#: Starts one background task.
Start: TypeAlias = Callable[[], Coroutine[Any, Any, object]]

log = structlog.get_logger("taskqueue.process")


class ExitError(Exception):
    """Ends a process with an exit code and one line in its log; args[0] is the event."""

    def __init__(self, event: str, code: int = EXIT_FAILED, **fields: object) -> None:
        super().__init__(event)
        self.code = code
        self.fields = fields


async def _no_drain() -> None:
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The running parts of a process.

    tasks: each runs until it is cancelled. A failure ends the process.
    drain: awaited while the tasks still run, after a signal or a failure; bounds its own time.
    live, ready, note, pages: the answers of the health port.
    fields: fields of the log line that reports the start.
    """

    tasks: Sequence[Start]
    live: Check
    ready: Check
    note: Note = no_note
    pages: Mapping[str, Page] = field(default_factory=dict)
    drain: Callable[[], Awaitable[None]] = _no_drain
    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process by its parts.

    name: the field `process` of its log lines.
    open: makes the parts, and closes them at the end.
    prepare: called before the event loop exists, for example to import handlers.
    """

    name: str
    settings: ProcessSettings
    open: Callable[[], AbstractAsyncContextManager[Work]]
    prepare: Callable[[], None] = lambda: None
    new_loop: NewLoop = asyncio.new_event_loop


def run(process: Process) -> int:
    """Run a process to its end and return its exit code. Raises exceptions that are bugs, after logging them."""
    configure(process.settings.log_level, process.settings.log_format)
    code = EXIT_STOPPED
    try:
        process.prepare()
        run_to_end(serve(process, asyncio.Event()), process.new_loop)
    except ExitError as error:
        log.critical(str(error), **error.fields)
        code = error.code
    except Exception as error:
        # Logged here as well: a thread that hangs would keep the traceback from being printed.
        log.critical("process failed", process=process.name, error=describe_error(error))
        leave_threads(keep(EXIT_BUG))
        raise
    leave_threads(keep(code))
    return code


async def serve(process: Process, stopping: asyncio.Event) -> None:
    """Run the parts of a process until an event or a stop signal, which sets the event, or until a task fails.

    Raises ExitError where the health port cannot be opened, and the exception of the first task that fails.
    """
    signals = InstalledSignals(stopping)
    async with process.open() as work:
        settings = process.settings
        health = await _open_health(settings, work)
        log.info(
            "process started",
            process=process.name,
            **work.fields,
            redis=str(settings.redis_url),
            release=settings.release,
            health_port=health.sockets[0].getsockname()[1],
        )
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(start()) for start in work.tasks]
        try:
            await _until_stopped(tasks, stopping, signals)
        finally:
            try:
                await work.drain()
            finally:
                await _cancel(tasks)
                health.close()
    log.info("process stopped", process=process.name)


async def _open_health(settings: ProcessSettings, work: Work) -> Port:
    try:
        return await serve_health(
            settings.health_host,
            settings.health_port,
            live=work.live,
            ready=work.ready,
            note=work.note,
            pages=work.pages,
        )
    except OSError as error:
        event = "cannot serve /livez, /readyz and /metrics"
        raise ExitError(event, port=settings.health_port, error=str(error)) from error


async def _until_stopped(
    tasks: Sequence[asyncio.Task[Any]], stopping: asyncio.Event, signals: InstalledSignals
) -> None:
    """Wait for the event. Raises the exception of the first task that fails."""
    stop = asyncio.create_task(stopping.wait())
    running = {stop, *tasks}
    try:
        while not stopping.is_set():
            try:
                done, running = await asyncio.wait(
                    running, timeout=_SIGNALS_S, return_when=asyncio.FIRST_COMPLETED
                )
            except asyncio.CancelledError:
                log.warning("process cancelled by user code, going on")
                await absorb_cancellation()
                continue
            signals.check()
            for task in done - {stop}:
                task.result()
            if stop.done():
                stop = asyncio.create_task(stopping.wait())
                running.add(stop)
    finally:
        stop.cancel()


async def _cancel(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    ending = asyncio.gather(*tasks, return_exceptions=True)
    _, late = await asyncio.wait([ending], timeout=CANCEL_S)
    if late:
        names = sorted(str(task.get_coro()) for task in tasks if not task.done())
        log.warning("tasks still running", tasks=names)
