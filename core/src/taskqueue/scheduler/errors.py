"""What can go wrong for a scheduler. Each docstring is the message a person sees."""

from taskqueue.errors import TaskqueueError


class SchedulerError(TaskqueueError):
    """The scheduler cannot go on as it was."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class StoreReplacedError(SchedulerError):
    """The store is not the one that was published to: it was emptied or replaced."""


class StoreRevertedError(SchedulerError):
    """The store went back to an earlier state, by a failover or a backup: all is compared and published again."""
