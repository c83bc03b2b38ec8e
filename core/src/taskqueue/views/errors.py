"""Errors of views: an unknown name, or a wrong cursor. Unknown types and users are errors of the store."""

from taskqueue.errors import TaskqueueError, with_detail
from taskqueue.models.refusal import ValueRefusedError, must_be


class ViewError(TaskqueueError):
    """There is nothing to show.   name: that was asked for."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(with_detail(str(self.__doc__), name))


class UnknownLimitError(ViewError):
    """There is no such limit."""


class NotDeadError(ViewError):
    """There is no such dead job."""


def wrong_cursor(after: str) -> ValueRefusedError:
    """Return the error of a page's argument `after` that no page gave."""
    return ValueRefusedError(f"after {must_be('a cursor that the page before has', after)}")
