"""A claimed job inside the worker."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from taskqueue_worker.clock import reached
from taskqueue_worker.task_types import BoundType

Stop = Literal["timeout", "lost", "drain"]


@dataclass(slots=True, eq=False)
class LeasedJob:
    """A leased job from its claim to its result.

    start_s: loop time of the slot that it may start at.   called_s: of the call of its handler, 0 before.
    began_s: of its first line, 0 before; a handler of threads or HTTP waits for a thread or a connection until then.
    failures, losses: attempts that went before. stop: why the worker cancelled it. task: the slot that runs it.
    """

    member: str
    type: BoundType
    params: str
    failures: int
    losses: int
    start_s: float
    spacing_s: float
    called_s: float = 0.0
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

    async def reached(self) -> bool:
        """Wait for the slot; False if it was missed."""
        return await reached(self.start_s)

    def begin(self) -> None:
        """Say that the job begins now: from here on its timeout counts."""
        self.called_s = self.began_s = asyncio.get_running_loop().time()

    def cancel(self, why: Stop) -> None:
        """Stops a running job; a second reason changes nothing."""
        if self.stop is None and self.task is not None:
            self.stop = why
            self.task.cancel()
