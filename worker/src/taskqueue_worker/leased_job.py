"""A leased job inside the worker, from its claim to its result."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from taskqueue.store.job_name import owner_of
from taskqueue_worker.clock import reached
from taskqueue_worker.task_types import BoundType

#: Reasons for which the worker cancels a handler.
Stop = Literal["timeout", "lost", "drain"]


@dataclass(slots=True, eq=False)
class LeasedJob:
    """One leased job. Times are seconds on the loop's clock.

    lease: the job's name, worker and seq, as the store holds them.   params: JSON.
    failures, losses: attempts before this one.   start_s: the slot that the limit reserved.
    apart_s: time between the slots of its cost; None: it holds its start alone.
    called_s: call of the handler, 0 before.
    began_s: first line of the handler, 0 before; later than called_s where a thread or a connection is awaited.
    stop: why the worker cancelled the handler.   task: the concurrency slot that runs it.
    due_s: the job's due, set before its handler is called.
    """

    lease: str
    type: BoundType
    params: str
    failures: int
    losses: int
    start_s: float
    apart_s: float | None
    called_s: float = 0.0
    began_s: float = 0.0
    stop: Stop | None = None
    task: asyncio.Task[None] | None = None
    due_s: float = 0.0

    @property
    def attempt(self) -> int:
        """Number of this start of the job, from 1 on."""
        return self.failures + self.losses + 1

    @property
    def name(self) -> str:
        """The job's name, without worker and seq."""
        # Not split_lease: a lease that cannot be read has a name in logs, too.
        return self.lease.rsplit("|", 2)[0]

    def owner(self) -> dict[str, str]:
        """Return type and user, as fields of a log event."""
        type_name, user = owner_of(self.lease)
        return {"type": type_name, "user": user}

    async def reached(self) -> bool:
        """Wait for the slot. Returns False if it was missed."""
        return await reached(self.start_s)

    def begin(self) -> None:
        """Record that the handler begins; its timeout counts from here."""
        self.called_s = asyncio.get_running_loop().time()
        self.began(self.called_s)

    def began(self, now_s: float) -> None:
        """Record and count the first line of the handler. A second call of HTTP, as after a redirect, is no start."""
        if not self.began_s:
            if self.failures or self.losses:
                self.type.tally.start_again()
            else:
                self.type.tally.start(now_s - self.due_s)
        self.began_s = now_s

    def has_timed_out(self, now_s: float) -> bool:
        """Tell whether the handler has run for longer than its type allows."""
        return self.called_s > 0 and now_s - self.called_s > self.type.definition.timeout_ms / 1000

    def cancel(self, reason: Stop) -> None:
        """Cancel the handler. A second reason changes nothing."""
        if self.stop is None and self.task is not None:
            self.stop = reason
            self.task.cancel()
