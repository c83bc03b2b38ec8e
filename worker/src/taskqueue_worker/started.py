"""A claimed job inside the worker."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from taskqueue_worker.kinds import Kind

Stop = Literal["timeout", "lost", "drain"]


@dataclass(slots=True, eq=False)
class Started:
    """start_s, began_s: loop time of the slot it may start at, and of its handler's first line (0: not yet).

    failures, losses: attempts that went before. stop: why the worker cancelled it. task: the slot that runs it.
    """

    member: str
    kind: Kind
    params: str
    failures: int
    losses: int
    start_s: float
    spacing_s: float
    began_s: float = 0.0
    stop: Stop | None = None
    task: asyncio.Task[None] | None = None

    @property
    def attempt(self) -> int:
        """Which start of the job this is, from 1 on."""
        return self.failures + self.losses + 1

    @property
    def name(self) -> str:
        """The job's name, without worker and fence."""
        # Not split_lease: a member that cannot be read has a name in logs, too.
        return self.member.rsplit("|", 2)[0]

    def cancel(self, why: Stop) -> None:
        """Stops a running job; a second reason changes nothing."""
        if self.stop is None and self.task is not None:
            self.stop = why
            self.task.cancel()
