"""The connections of a store to one server at a time, named by its URL or by Sentinel.

When a server is silent, answers as a former primary does, or is another one than before (by its run_id), every
connection is closed, and the next one goes to the address that the URL, or Sentinel, gives by then.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar
from weakref import WeakSet

from taskqueue.store.errors import CLIENT_ERRORS, SERVER_ERROR, StoreRefused
from taskqueue.store.redis_client import Connection, Pool
from taskqueue.store.sentinel import Moved, Primary

#: Of Redis; Valkey reports the version of Redis that it is compatible with.
_VERSION_MIN = 7


_Pool = TypeVar("_Pool", bound=Pool)
#: Awaited with each new connection, in place of the client's own login.
Connected = Callable[[Connection], Awaitable[None]]


class Servers(Generic[_Pool]):
    """One pool of connections, all of them to the same server.

    open_pool: makes the pool; its second argument is the primary by Sentinel, or None. find_primary: makes that one.
    """

    def __init__(
        self,
        open_pool: Callable[[Connected, Primary | None], _Pool],
        find_primary: Callable[[Moved], Primary] | None = None,
    ) -> None:
        self._run_id = ""
        self._connections = WeakSet[Connection]()
        self._primary = find_primary(self.drop) if find_primary else None
        #: Grows whenever the connections are closed.
        self.generation = 0
        self.pool = open_pool(self._connected, self._primary)

    async def request_check(self, generation: int) -> None:
        """Drop the connections that a failed call was made on, unless another call has done so since."""
        if generation != self.generation:
            return
        if self._primary:
            self._primary.request_check()
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

    async def _connected(self, connection: Connection) -> None:
        """Log in, and close the other connections if they are to another server than this one."""
        await connection.on_connect()
        await connection.send_command("INFO", "server")
        try:
            info = await connection.read_response()
        except SERVER_ERROR:  # a missing right: the scripts need it, too, and name it
            return
        version = _field(info, b"redis_version")
        if not _is_supported(version):
            await connection.disconnect()
            raise StoreRefused(f"its version must be {_VERSION_MIN} or later (was {version})")
        self._connections.add(connection)
        run_id = _field(info, b"run_id")
        before, self._run_id = self._run_id, run_id
        if before not in {"", run_id}:
            self.generation += 1
            for other in [*self._connections]:
                if other is not connection:
                    with suppress(*CLIENT_ERRORS):
                        await other.disconnect(nowait=True)


def _is_supported(version: str) -> bool:
    """Tell whether a server has the commands of the scripts; True where its version is no number."""
    major = version.partition(".")[0]
    return not major.isdigit() or int(major) >= _VERSION_MIN


def _field(info: bytes, wanted: bytes) -> str:
    for line in bytes(info).splitlines():
        name, _, value = line.partition(b":")
        if name == wanted:
            return value.decode(errors="replace")
    return ""
