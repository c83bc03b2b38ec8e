"""The connections of a store to one server at a time, be it named by its URL or by Sentinel.

When a server is silent, answers as a former primary does, or turns out to be another than before (its run_id), every
connection is closed, and the next one goes where the address, or Sentinel, says by then.
"""

from contextlib import suppress
from typing import Any

from redis.asyncio import Connection, ConnectionPool, SSLConnection
from redis.asyncio import UnixDomainSocketConnection as UnixConnection
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from taskqueue.store.errors import CLIENT_ERRORS
from taskqueue.store.sentinel import Primary
from taskqueue.store.url import StoreUrl

#: Connections of a store, at most: only `permit` may want many at once.
_CONNECTIONS_MAX = 100
#: Of Redis; Valkey says the version of Redis that it is compatible with.
_VERSION_MIN = 7


class Servers:
    """One pool of connections, all of them to the same server."""

    def __init__(self, url: StoreUrl, options: dict[str, Any], sentinel_password: str | None) -> None:
        self._run_id = ""
        self._primary: Primary | None = None
        kind: type[AbstractConnection] = SSLConnection if url.tls else Connection
        if url.path:
            kind, options = UnixConnection, {**options, "path": url.path}
        elif url.kind == "sentinel":
            login = {"password": sentinel_password}
            tls = {name: value for name, value in url.parameters.items() if name.startswith("ssl_")}
            asking = {
                **patience(options["socket_timeout"]),
                **login,
                **({"ssl": True, **tls} if url.tls else {}),
            }
            self._primary = Primary(url.service, url.hosts, asking, self.drop)
            kind = _following(kind, self._primary)
        else:
            host, port = url.hosts[0]
            options = {**options, "host": host, "port": port}
        #: Grows whenever the connections are closed.
        self.generation = 0
        self.pool = ConnectionPool(
            connection_class=kind,
            max_connections=_CONNECTIONS_MAX,
            redis_connect_func=self._connected,
            **options,
        )

    async def doubt(self, generation: int) -> None:
        """Drop the connections that a failed call was made on, unless another call has done so since."""
        if generation != self.generation:
            return
        if self._primary:
            self._primary.doubt()
        await self.drop()

    async def drop(self) -> None:
        """Close every connection, also those in use: their calls fail, and are made again elsewhere."""
        self.generation += 1
        with suppress(*CLIENT_ERRORS):  # a connection that breaks as it is closed is closed as well
            await self.pool.disconnect(inuse_connections=True)

    async def close(self) -> None:
        if self._primary:
            await self._primary.close()
        with suppress(*CLIENT_ERRORS):
            await self.pool.aclose()

    async def _connected(self, connection: AbstractConnection) -> None:
        """Log in, and close the others if this is another server than theirs."""
        await connection.on_connect()
        await connection.send_command("INFO", "server")
        try:
            info = await connection.read_response()
        except ResponseError:  # a right that is missing: the scripts ask for it, too, and say so
            return
        _check_version(_field(info, b"redis_version"))
        run_id = _field(info, b"run_id")
        before, self._run_id = self._run_id, run_id
        if before not in {"", run_id}:
            self.generation += 1
            for other in self._connections():
                if other is not connection:
                    with suppress(*CLIENT_ERRORS):
                        await other.disconnect(nowait=True)

    def _connections(self) -> list[AbstractConnection]:
        return [*self.pool._available_connections, *self.pool._in_use_connections]  # noqa: SLF001 - no public list


def patience(timeout_s: float) -> dict[str, Any]:
    """Return the options of a client that waits so long for an answer, and asks once."""
    return {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
        "driver_info": None,  # CLIENT SETINFO would be one more right
    }


def _following(kind: type[AbstractConnection], primary: Primary) -> type[AbstractConnection]:
    class Following(kind):  # type: ignore[valid-type, misc]
        async def connect(self) -> None:
            if not self.is_connected:
                self.host, self.port = await primary.address()
            await super().connect()

    return Following


def _check_version(version: str) -> None:
    """Refuse a server whose scripts lack what ours call."""
    major = version.partition(".")[0]
    if major.isdigit() and int(major) < _VERSION_MIN:
        raise ResponseError(f"its version must be {_VERSION_MIN} or later (was {version})")


def _field(info: bytes, wanted: bytes) -> str:
    for line in bytes(info).splitlines():
        name, _, value = line.partition(b":")
        if name == wanted:
            return value.decode(errors="replace")
    return ""
