"""The errors of handlers, one tree: faults found before any job runs, and calls that failed."""

from collections.abc import Iterable

from taskqueue.errors import TaskqueueError


class HandlersError(TaskqueueError):
    """A handler has a fault."""


class BadHandler(HandlersError, TypeError):
    """A registered object cannot be a handler."""


class DuplicateHandler(HandlersError, ValueError):
    """Two functions claim one name."""


class UnloadableHandlers(HandlersError, ImportError):
    """A module or an entry point of handlers does not load."""


class UnknownHandler(HandlersError, LookupError):
    """A manifest names a function that is not registered."""

    def __init__(self, function: str, registered: Iterable[str]) -> None:
        names = ", ".join(sorted(registered)) or "none"
        super().__init__(
            f"no handler is registered under {function!r}; registered: {names}. "
            f"Decorate the function with @handler({function!r}) and name its module in the worker's "
            "settings, or install a package with an entry point in the group `taskqueue.handlers`."
        )


class BadHttpCall(HandlersError, ValueError):
    """The `http` of a task type cannot be called as written."""


class CallFailed(HandlersError):
    """The API gave no answer, or a status that may pass: the job is retried with backoff."""


class SlotMissed(HandlersError):
    """The job's slot of the limit passed before the job could begin."""


class NoFreeThread(HandlersError):
    """All threads for handlers that are not async were busy; the job has not begun."""

    def __init__(self, threads: int, stuck: int) -> None:
        super().__init__(
            f"no free thread: {stuck} of {threads} have run for longer than their job's timeout. Let their handlers "
            "end, or raise the worker's setting `threads`."
        )
