"""The client: all verbs of an application over one connection to a release.

async with taskqueue.Client.open("redis://cache:6379/0") as client:
    await client.subscribe("u-7", "fetch-orders", {"region": "eu"})
    await client.enqueue("u-7", "fetch-orders", {"region": "eu"}, job_id="webhook-4711")
    await client.cancel(user="u-7")
"""

from typing import Self

from taskqueue.client.jobs import Jobs
from taskqueue.client.pauses import Pauses
from taskqueue.client.reads import Reads
from taskqueue.client.users import UsersOfApplication
from taskqueue.store.connection import open_store


class Client(UsersOfApplication, Jobs, Pauses, Reads):
    """A connection of an application to one release. Safe for any number of tasks of one event loop."""

    @classmethod
    def open(cls, url: str, *, release: str = "default", sentinel_password: str | None = None) -> Self:
        """Return a client, connected at its first call.

        url: as the option --redis-url; it may name one server, Sentinels or a Cluster.
        Raises StoreUrlError for a URL that cannot be used, and ValueRefusedError for the release.
        """
        return cls(open_store(url, release, sentinel_password=sentinel_password))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections once the calls under way have ended; later calls raise ClientClosedError."""
        await self._store.close()
