"""A handler that needs something before its job can begin: a thread, a connection.

It says itself when the job begins, through the job's slot, so that waiting for a thread or a connection neither counts
as running nor makes starts bunch behind their slots of the limit.
"""

from abc import ABC, abstractmethod

from taskqueue.handlers.job import Job


class ManagedHandler(ABC):
    """ahead_s: how long before its slot a job is handed over, so that what it needs is there in time."""

    @property
    def ahead_s(self) -> float:
        return 0.0

    @abstractmethod
    async def __call__(self, job: Job) -> None:
        """Do one job. Calls `job.slot.begin()` when it begins."""
