"""The choice of the process that publishes, among several replicas."""

from typing import Protocol

from taskqueue.scheduler.floors import CursorCopy
from taskqueue.store.fence import UNFENCED, Fence


class Leadership(Protocol):
    """Decides which of several processes publishes. Only saves work: the store refuses the writes of a late process."""

    @property
    def last_copy(self) -> CursorCopy | None:
        """The last copy of the cursor outside the store; None without such a copy, or before the first one."""

    @property
    def another_leads(self) -> bool:
        """Whether another process is known to publish."""

    async def wait_to_lead(self) -> Fence:
        """Wait until this process may publish, and return the fence of its writes."""


class Always:
    """Lets every process publish: several processes that read the same folder write the same."""

    another_leads = False
    last_copy: CursorCopy | None = None

    async def wait_to_lead(self) -> Fence:
        """Return at once."""
        return UNFENCED
