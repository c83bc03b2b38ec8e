"""Errors of a scheduler. Each docstring is the message that people read."""

from taskqueue.errors import TaskqueueError


class SchedulerError(TaskqueueError):
    """The scheduler must read the store again."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class StoreReplacedError(SchedulerError):
    """The store was emptied or replaced since the last publish."""


class StoreRevertedError(SchedulerError):
    """The store went back to an earlier state, by a failover or a backup: everything is published again."""
