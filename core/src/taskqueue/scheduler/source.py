"""The source of the desired state: manifests of a folder, or objects of Kubernetes."""

from collections.abc import AsyncIterator
from typing import Protocol

from taskqueue.sources.desired import Desired
from taskqueue.store.users import Source as SourceName


class Source(Protocol):
    """Manifests in force. name: the source of their users in the store."""

    @property
    def name(self) -> SourceName: ...

    def changes(self) -> AsyncIterator[Desired]:
        """Yield the desired state at once, and then after every change."""

    async def look(self) -> Desired | None:
        """Read all manifests again; return None where some cannot be read."""
