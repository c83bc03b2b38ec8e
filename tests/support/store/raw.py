"""Redis commands on the server of a store, past the store's one door: for what tests plant and look up."""

from collections.abc import AsyncIterator, Callable
from functools import cache
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.retry import Retry

from taskqueue.store.connection import Store

_ANSWER_S = 30.0


class Raw:
    """Methods of redis-py's client, which block: one connection to a server serves the event loops of all tests."""

    def __init__(self, store: Store) -> None:
        url = store.url
        assert url, "a store without a URL"
        assert url.topology == "server", f"{url} is more than one server"
        place = (
            {"unix_socket_path": url.path}
            if url.path
            else dict(zip(("host", "port"), url.hosts[0], strict=True))
        )
        options = {**place, "db": url.database, "username": url.username, "password": url.password}
        self._client = _connect(tuple(options.items()))

    def pipeline(self) -> Pipeline:
        """Return a transaction, to be executed without `await`."""
        return self._client.pipeline(transaction=True)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def call(*args: Any, **options: Any) -> Any:
            return getattr(self._client, name)(*args, **options)

        return call

    async def scan_iter(self, **options: Any) -> AsyncIterator[bytes]:
        for key in self._client.scan_iter(**options):
            yield key


def raw(store: Store) -> Raw:
    return Raw(store)


@cache
def _connect(options: tuple[tuple[str, Any], ...]) -> Redis:
    """Return the client of a server; a connection that the server has closed is made again."""
    retry = Retry(NoBackoff(), 0)
    return Redis(**dict(options), protocol=2, socket_timeout=_ANSWER_S, retry=retry, driver_info=None)
