"""Errors of views: nothing has the name that was asked for. Unknown types and users are errors of the store."""

from taskqueue.errors import TaskqueueError, with_detail


class ViewError(TaskqueueError):
    """There is nothing to show.   name: that was asked for."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(with_detail(str(self.__doc__), name))


class UnknownLimitError(ViewError):
    """There is no such limit."""


class NotDeadError(ViewError):
    """There is no such dead job."""
