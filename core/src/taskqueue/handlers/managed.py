"""Handlers that need a thread or a connection before their jobs can begin.

A managed handler begins its jobs by itself, through the job's slot. So the wait for a thread or a connection does not
count as running, and starts do not bunch up behind their slots of the limit.
"""

from abc import ABC, abstractmethod

from taskqueue.handlers.job import Job


class ManagedHandler(ABC):
    """A handler that begins its jobs by itself.

    ahead_s: how long before its slot a job is handed over, so that its thread or connection is ready in time.
    """

    @property
    def ahead_s(self) -> float:
        return 0.0

    @abstractmethod
    async def __call__(self, job: Job) -> None:
        """Do one job. Calls `job.slot.begin()` as it begins."""
