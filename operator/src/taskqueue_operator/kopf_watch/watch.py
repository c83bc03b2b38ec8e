"""One run of kopf, in a thread and an event loop of its own.

kopf handles the signals of the process, and ends by cancelling every task of its loop. It may also fail to end:
cancelled during the retry of a watch request, it takes the cancellation for a pause, and continues.
"""

import asyncio
import contextlib
import logging
import math
import threading
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

import kopf
import structlog

from taskqueue_operator.connection import Connection, open_session
from taskqueue_operator.kopf_watch.null_storage import NoDifferences, NoProgress
from taskqueue_operator.kopf_watch.pulse import Pulse
from taskqueue_operator.kopf_watch.session import Session

log = structlog.get_logger("taskqueue.operator")

#: Delays between tries of one request.
_BACKOFFS_S = (1, 1, 2, 3, 5)
_CONNECT_S = 5
_ANSWER_S = 30
#: Time for kopf to end when cancelled, and again when its loop is stopped.
_END_S = 3.0
#: Maximum silence of a watch, in periods: the API server ends a watch after one.
_SILENT = 1.25


class Target(NamedTuple):
    """The group and namespace of the watched kinds."""

    connection: Connection
    group: str
    version: str
    namespace: str


class Watch:
    """kopf in its thread. After `stop` no callback is called, even if the thread continues."""

    def __init__(self) -> None:
        self._callers = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._callers.create_future()
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_note)
        self._kopf: asyncio.Task[None] | None = None
        self._stopped = False

    def call(self, function: Callable[..., Any], *args: Any) -> None:
        """Call a function in the caller's loop, unless the watch was stopped."""
        if not self._stopped:
            with contextlib.suppress(RuntimeError):  # that loop has ended
                self._callers.call_soon_threadsafe(function, *args)

    def begin(self, running: Coroutine[Any, Any, None]) -> None:
        self._kopf = self._loop.create_task(running)
        threading.Thread(target=self._run, name="kopf", daemon=True).start()

    async def end(self) -> None:
        """Return when kopf ended by itself. Raises its error."""
        await asyncio.shield(self._ended)

    async def stop(self) -> None:
        """End kopf, or abandon its thread if it does not end."""
        self._stopped = True
        for ending in (self._cancel, self._loop.stop):
            with contextlib.suppress(RuntimeError):  # it has ended, and its loop is closed
                self._loop.call_soon_threadsafe(ending)
            await asyncio.wait([self._ended], timeout=_END_S)
            if self._ended.done():
                return
        log.warning("kopf thread abandoned")

    def _cancel(self) -> None:
        if self._kopf is not None:
            self._kopf.cancel()

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            assert self._kopf is not None
            self._loop.run_until_complete(self._kopf)
        except (Exception, asyncio.CancelledError) as ended:  # noqa: BLE001  (kopf passes on every error of its watches)
            error = ended
        finally:
            with contextlib.suppress(Exception):
                self._loop.run_until_complete(_cancel_all())
                self._loop.close()
            with contextlib.suppress(RuntimeError):  # the caller's loop has ended
                self._callers.call_soon_threadsafe(self._tell_end, error)

    def _tell_end(self, error: BaseException | None) -> None:
        if isinstance(error, Exception) and not self._stopped:
            self._ended.set_exception(error)
        else:
            self._ended.set_result(None)


def start(
    target: Target,
    pulse: Pulse,
    on_event: Callable[[str, str, str], None],
    on_list: Callable[[str], None],
    period_s: float,
) -> Watch:
    """Begin a watch in a thread; both callbacks are called in the running loop.

    on_event: called with the plural of a kind, the type of an event and its object as JSON. on_list: called with the
    plural of a kind when a watch of it begins; changes before that have no events. period_s: the duration of one watch
    request.
    """
    watch = Watch()
    registry = kopf.OperatorRegistry()
    for plural in pulse.plurals:
        _follow(registry, target, plural, watch, on_event)

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.AiohttpSession:
        return _session(target.connection, pulse, lambda plural: watch.call(on_list, plural), period_s)

    logging.getLogger("kopf._core.reactor.running").setLevel(
        logging.ERROR
    )  # it warns that it cannot handle signals in a thread
    watch.begin(
        kopf.operator(
            registry=registry, settings=_settings(period_s), standalone=True, namespaces=[target.namespace]
        )
    )
    return watch


def _follow(
    registry: kopf.OperatorRegistry,
    target: Target,
    plural: str,
    watch: Watch,
    on_event: Callable[[str, str, str], None],
) -> None:
    @kopf.on.event(target.group, target.version, plural, registry=registry)
    async def seen(event: Any, **_: Any) -> None:
        watch.call(on_event, plural, event["type"], event["object"]["text"])


def _session(
    connection: Connection, pulse: Pulse, on_list: Callable[[str], None], period_s: float
) -> kopf.AiohttpSession:
    session: Any = Session(
        open_session(limit=0), connection.credentials, pulse, on_list, silent_s=_SILENT * period_s
    )
    return kopf.AiohttpSession(server=connection.credentials.server, aiohttp_session=session)


def _settings(period_s: float) -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.process.ultimate_exiting_timeout = None  # otherwise it kills this process later
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.persistence.diffbase_storage = NoDifferences()
    settings.persistence.progress_storage = NoProgress()
    settings.scanning.disabled = True
    settings.queueing.idle_timeout = 0.05  # seconds until the task of an idle object ends; 5 by default
    settings.networking.error_backoffs = _BACKOFFS_S
    settings.networking.connect_timeout = _CONNECT_S
    settings.networking.request_timeout = _ANSWER_S
    settings.watching.server_timeout = math.ceil(period_s)
    settings.watching.reconnect_backoff = 1.0
    return settings


async def _cancel_all() -> None:
    """Cancel the tasks that kopf left running, repeatedly: a task may suppress one cancellation."""
    for _ in range(3):
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=0.2)


def _note(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    log.debug("kopf internal error", message=context.get("message"), error=repr(context.get("exception")))
