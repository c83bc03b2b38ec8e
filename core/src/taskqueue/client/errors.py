"""The error of a client that is no more."""

from taskqueue.errors import TaskqueueError


class ClientClosedError(TaskqueueError):
    """The client is closed: open another one."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)
