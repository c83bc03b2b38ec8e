"""The dispatch from a task type to the coroutine function of its jobs: found once per type, called per job."""

import inspect
import math
from typing import TYPE_CHECKING, TypeGuard

from taskqueue.handlers.errors import UnknownHandler
from taskqueue.handlers.registry import Function, Registry, Runnable
from taskqueue.handlers.threads import ThreadHandler, Threads
from taskqueue.models.values import TaskType

if TYPE_CHECKING:
    from taskqueue.handlers.http_call import HttpClient

__all__ = ["Dispatcher", "UnknownHandler", "runnable"]


class Dispatcher:
    """Finds the handlers of task types.

    registry: functions by name.   http: calls without code.   threads: for handlers that are not async.
    """

    def __init__(self, registry: Registry, http: "HttpClient", threads: Threads) -> None:
        self._registry = registry
        self._http = http
        self._threads = threads

    def resolve(self, task_type: TaskType) -> Runnable:
        """Return the coroutine function for the jobs of a type.

        Raises UnknownHandler if its function is not registered, BadHttpCall if its http cannot be called.
        """
        if task_type.http is not None:
            return self._http.resolve(task_type.http)
        name = task_type.function or ""
        function = self._registry.get(name)
        if function is None:
            raise UnknownHandler(name, self._registry.names())
        return runnable(function, self._threads, task_type.timeout_ms / 1000)


def runnable(function: Function, threads: Threads, timeout_s: float = math.inf) -> Runnable:
    """Return an async function unchanged; wrap another so that it runs in `threads` with its contextvars.

    A cancelled job (timeout, shutdown) stops waiting for its thread. The thread cannot be stopped and runs to its end.
    """
    return function if _is_async(function) else ThreadHandler(function, threads, timeout_s)


def _is_async(function: Function) -> TypeGuard[Runnable]:
    # An instance may have an async __call__; inspect looks into functools.partial by itself.
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - it is callable, maybe async
    )
