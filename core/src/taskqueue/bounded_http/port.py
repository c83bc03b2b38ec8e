"""A listening port with at most MAX_CONNECTIONS connections. A further one replaces the one that is idle longest.

So a caller that connects and asks at once is answered even when other callers fill the port: its connection is the
newest. Connections without any answer are dropped first, then answered ones, and last one that is being answered.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Self

import structlog

from taskqueue.bounded_http.connection import Connection, Handler

MAX_CONNECTIONS = 100
#: More than a burst brings: when the queue is full, the kernel of the caller retries only after a second.
_BACKLOG = 4_096
#: Seconds between two attempts without a free file descriptor.
_RETRY_S = 0.2

log = structlog.get_logger("taskqueue.port")


class Port:
    """A port, to be closed after use. tls: returns the context of the next handshake; None for a plain port."""

    def __init__(self, handler: Handler, tls: Callable[[], ssl.SSLContext] | None = None) -> None:
        self._handler = handler
        self._tls = tls
        self._connections: dict[Connection, asyncio.Task[None]] = {}
        self._ending = set[asyncio.Task[None]]()
        self._accepting = list[asyncio.Task[None]]()
        self.sockets = list[socket.socket]()

    async def open(self, host: str, port: int) -> None:
        """Listen on each address of the host; port 0 takes a free one. Raises OSError where a port is taken."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        try:
            for family, _type, _protocol, _name, address in dict.fromkeys(found):
                listening = socket.create_server(address, family=family, backlog=_BACKLOG)
                listening.setblocking(False)
                self.sockets.append(listening)
        except OSError:
            for listening in self.sockets:
                listening.close()
            raise
        for listening in self.sockets:
            task = loop.create_task(self._accept(listening))
            # Not before the task ends: the loop still polls the descriptor, whose number the next socket may get.
            task.add_done_callback(partial(_close, listening))
            self._accepting.append(task)

    def close(self) -> None:
        """Stop listening and end idle connections; requests that were read get their answers."""
        for task in self._accepting:
            task.cancel()
        for connection, task in list(self._connections.items()):
            connection.finish()
            if not connection.busy:
                task.cancel()

    async def wait_closed(self, within_s: float = 1.0) -> None:
        """Wait for the last answers, and cut off connections that take longer."""
        left = {*self._accepting, *self._connections.values(), *self._ending}
        if left:
            _, late = await asyncio.wait(left, timeout=within_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        await self.wait_closed()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, _ = await loop.sock_accept(listening)
            except OSError as error:
                log.warning("connection not accepted", error=str(error))
                self._drop_idle()
                await asyncio.sleep(_RETRY_S)
                continue
            while len(self._connections) >= MAX_CONNECTIONS:
                self._drop(min(self._connections, key=_worth))
            self._begin(accepted)
            await asyncio.sleep(0)  # a burst of connections holds up nothing else

    def _begin(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)
        connection = Connection(accepted, self._handler, self._tls() if self._tls else None)
        task = asyncio.get_running_loop().create_task(connection.serve())
        self._connections[connection] = task
        task.add_done_callback(lambda _: self._release(connection))

    def _release(self, connection: Connection) -> None:
        self._connections.pop(connection, None)
        connection.close()

    def _drop_idle(self) -> None:
        """Free a file descriptor, if a connection is idle."""
        idle = [one for one in self._connections if not one.busy]
        if idle:
            self._drop(min(idle, key=_worth))

    def _drop(self, connection: Connection) -> None:
        task = self._connections.pop(connection)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        task.cancel()


def _close(listening: socket.socket, _: asyncio.Task[None]) -> None:
    listening.close()


def _worth(connection: Connection) -> tuple[bool, bool, float]:
    return connection.busy, connection.known, connection.since_s
