"""Opens the store from a URL: one server, Sentinel or Cluster, with TLS and ACL users.

redis://user:secret@host:6379/0    rediss:// (TLS)    unix:///path
redis+sentinel://user:secret@host1:26379,host2:26379/service/0    (rediss+sentinel:// for TLS)
redis+cluster://user:secret@host:6379    (rediss+cluster:// for TLS)

The client never repeats a command by itself: a repeat after a lost answer would run a script twice.
"""

from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from taskqueue.store.errors import StoreUrlError
from taskqueue.store.keys import Keys

#: No answer within this time counts as a lost one. Scripts are bounded to milliseconds.
ANSWER_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Store:
    """A client and the keys of the release it works for."""

    client: Any
    keys: Keys

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        # Behind Sentinel the pool keeps clients of its own, which it does not close.
        pool = getattr(self.client, "connection_pool", None)
        for sentinel in getattr(getattr(pool, "sentinel_manager", None), "sentinels", ()):
            await sentinel.aclose()
        await self.client.aclose()


def open_store(url: str, release: str = "default", *, timeout_s: float = ANSWER_TIMEOUT_S) -> Store:
    """A store whose connections are made when first used.

    Raises StoreUrlError, which never repeats the URL's password.
    """
    return Store(_client(url, timeout_s), Keys(release))


def _client(url: str, timeout_s: float) -> Any:
    options: dict[str, Any] = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": Retry(NoBackoff(), 0),
    }
    try:
        parts = urlsplit(url)
        scheme, _, kind = parts.scheme.partition("+")
        if kind not in {"", "sentinel", "cluster"} or scheme not in {"redis", "rediss", "unix"}:
            raise ValueError  # noqa: TRY301
        if kind == "":
            return Redis.from_url(url, **options)
        login: dict[str, Any] = {
            "username": unquote(parts.username) if parts.username else None,
            "password": unquote(parts.password) if parts.password else None,
            "ssl": scheme == "rediss",
        }
        hosts = [_host(item) for item in parts.netloc.rpartition("@")[2].split(",")]
        if kind == "cluster":
            host, port = hosts[0]
            return RedisCluster(host=host, port=port or 6379, **login, **options)
        service, _, database = parts.path.strip("/").partition("/")
        if not service:
            raise ValueError  # noqa: TRY301
        sentinel = Sentinel(  # type: ignore[no-untyped-call]
            [(host, port or 26379) for host, port in hosts],
            sentinel_kwargs={"ssl": login["ssl"], "socket_timeout": timeout_s},
        )
        return sentinel.master_for(service, db=int(database or 0), **login, **options)
    except ValueError as error:
        raise StoreUrlError from error


def _host(item: str) -> tuple[str, int | None]:
    parts = urlsplit(f"//{item}")
    if not parts.hostname:
        raise ValueError(item)
    return parts.hostname, parts.port
