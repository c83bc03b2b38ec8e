"""From a task type to the coroutine function that does its jobs, found once per type and called per job."""

import asyncio
import inspect
from concurrent.futures import Executor
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeGuard

from taskqueue.handlers.errors import BadHandler, UnknownHandler
from taskqueue.handlers.job import Job
from taskqueue.handlers.registry import Function, Registry, Runnable
from taskqueue.models.values import TaskType

if TYPE_CHECKING:
    from taskqueue.handlers.http_call import HttpClient

__all__ = ["Dispatcher", "UnknownHandler", "runnable"]


class Dispatcher:
    """Finds the handler of a task type. `threads` runs the handlers that are not async."""

    def __init__(self, registry: Registry, http: "HttpClient", threads: Executor) -> None:
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
        return runnable(function, self._threads)


def runnable(function: Function, threads: Executor) -> Runnable:
    """Return an async function as it is; wrap any other so that it runs in `threads` with its contextvars.

    A job that is cancelled (timeout, shutdown) stops waiting for its thread; the thread itself cannot be
    stopped and runs to its end.
    """
    if _is_async(function):
        return function

    async def in_thread(job: Job) -> None:
        run = asyncio.get_running_loop().run_in_executor
        await run(threads, copy_context().run, _call, function, job)

    return in_thread


def _is_async(function: Function) -> TypeGuard[Runnable]:
    # An instance may have an async __call__; functools.partial is seen through by inspect itself.
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - the question is not whether it is callable
    )


def _call(function: Function, job: Job) -> None:
    try:
        result = function(job)
    except StopIteration as error:
        # A future cannot carry StopIteration: Python 3.11 would leave the job waiting for ever.
        raise RuntimeError("the handler raised StopIteration") from error
    if inspect.iscoroutine(result):
        result.close()
        raise BadHandler(
            "the handler is not an async function but returned a coroutine, which did not run: "
            "a decorator around it must be async too"
        )
