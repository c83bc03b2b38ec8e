"""From a task type to the coroutine function that does its jobs, found once per type and called per job."""

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
    """Finds the handler of a task type. `threads` runs the handlers that are not async."""

    def __init__(self, registry: Registry, http: "HttpClient", threads: Threads) -> None:
        self._registry = registry
        self._http = http
        self._threads = threads

    def resolve(self, task_type: TaskType) -> Runnable:
        """Return what to call for each job of this type.

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
    """Return an async function as it is; wrap any other so that it runs in `threads` with its contextvars.

    A job that is cancelled (timeout, shutdown) stops waiting for its thread; the thread itself cannot be
    stopped and runs to its end.
    """
    return function if _is_async(function) else ThreadHandler(function, threads, timeout_s)


def _is_async(function: Function) -> TypeGuard[Runnable]:
    # An instance may have an async __call__; functools.partial is seen through by inspect itself.
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - the question is not whether it is callable
    )
