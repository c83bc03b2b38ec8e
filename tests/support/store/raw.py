"""Redis commands on the server of a store, past the store's one door: for what tests plant and look up."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from taskqueue.store.connection import Store

_ANSWER_S = 30.0


class Raw:
    """Methods of redis-py's client, each on a connection of its own, which is closed afterwards."""

    def __init__(self, store: Store) -> None:
        url = store.url
        assert url, "a store without a URL"
        assert url.topology == "server", f"{url} is more than one server"
        place = (
            {"unix_socket_path": url.path}
            if url.path
            else dict(zip(("host", "port"), url.hosts[0], strict=True))
        )
        self._options: dict[str, Any] = {
            **place,
            "db": url.database,
            "username": url.username,
            "password": url.password,
            "protocol": 2,
            "socket_timeout": _ANSWER_S,
            "retry": Retry(NoBackoff(), 0),
            "driver_info": None,
        }

    def connect(self) -> Redis:
        """Return a client to be closed by `async with`, for commands that need one connection."""
        return Redis(**self._options)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def call(*args: Any, **options: Any) -> Any:
            async with self.connect() as client:
                return await getattr(client, name)(*args, **options)

        return call

    async def scan_iter(self, **options: Any) -> AsyncIterator[bytes]:
        async with self.connect() as client:
            async for key in client.scan_iter(**options):
                yield key


def raw(store: Store) -> Raw:
    return Raw(store)
