"""What the scheduler asks of whoever knows the manifests, and of whoever says who may publish them."""

from collections.abc import AsyncIterator
from typing import Protocol

from taskqueue.scheduler.floors import CursorCopy
from taskqueue.sources.desired import Desired
from taskqueue.store.fence import UNFENCED, Fence
from taskqueue.store.users import Source as SourceName


class Source(Protocol):
    """Manifests that are in force. name: whose users they are, in the store."""

    @property
    def name(self) -> SourceName: ...

    def changes(self) -> AsyncIterator[Desired]:
        """What is in force: at once, and then whenever it changed."""

    async def look(self) -> Desired | None:
        """A fresh look at all of it; None where not everything could be read."""


class Leadership(Protocol):
    """Which of several processes publishes. Never needed for correctness: the store refuses who is late."""

    @property
    def last_copy(self) -> CursorCopy | None:
        """The cursor as it was last known outside the store; None if nobody keeps a copy, or not yet."""

    @property
    def elsewhere(self) -> bool:
        """Whether another process is known to publish."""

    async def leading(self) -> Fence:
        """Return once this process may publish, and as whom."""


class Always:
    """Everybody publishes: several processes that read the same folder write the same."""

    elsewhere = False
    last_copy: CursorCopy | None = None

    async def leading(self) -> Fence:
        return UNFENCED
