"""One request on one connection: the connection stands before the job's slot, and the answer's first bytes are kept.

aiohttp has no public hook between the connection and the head of the request, and none for the bytes of an answer that
its parser refuses. Its classes are extended here and in no other module.
"""

import asyncio
import time
from collections import deque
from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection

from taskqueue import __version__
from taskqueue.handlers.errors import CallFailed, SlotMissed
from taskqueue.handlers.http_answer import HEAD_MAX_BYTES, read_head
from taskqueue.handlers.job import Slot

#: Assumed duration of a connection before the first one was made.
_AHEAD_UNKNOWN_S = 0.1
#: Jobs are claimed at most this long before their slots.
_AHEAD_MAX_S = 0.2
_SAMPLES = 16
_HEADER_MAX_BYTES, _MAX_HEADERS = 64 * 1024, 1_000


class Protocol(ResponseHandler):
    """A connection that keeps the first bytes of the current answer.

    Bytes without a request end it: the next job would take them for its answer.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self.head = b""
        self.fresh = True
        self.expecting = False

    def data_received(self, data: bytes) -> None:
        if not self.expecting:
            self.abort()
            return
        if len(self.head) < HEAD_MAX_BYTES:
            self.head += data[: HEAD_MAX_BYTES - len(self.head)]
            if len(self.head) == HEAD_MAX_BYTES and read_head(self.head) is None:
                # Informational answers alone, such as 100 Continue: parsing an endless row of them blocks the loop.
                self.abort()
                return
        super().data_received(data)


class Request(aiohttp.ClientRequest):
    """A request whose exchange waits between the connection and the first byte written."""

    exchange: "Exchange | None" = None

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        if self.exchange is not None:
            await self.exchange.connected(conn)
        return await super().send(conn)


class ConnectTimes:
    """The durations of recent connections."""

    def __init__(self) -> None:
        self._taken_s: deque[float] = deque(maxlen=_SAMPLES)

    def add(self, taken_s: float) -> None:
        self._taken_s.append(taken_s)

    @property
    def ahead_s(self) -> float:
        """Time before its slot at which a job asks for a connection."""
        return min(2 * max(self._taken_s), _AHEAD_MAX_S) if self._taken_s else _AHEAD_UNKNOWN_S


class Exchange:
    """One request and the first bytes of its answer. aiohttp calls it as the request's middleware."""

    def __init__(self, slot: Slot, times: ConnectTimes) -> None:
        self._slot = slot
        self._times = times
        self._protocol: Protocol | None = None
        self._asked_s = time.monotonic()

    @property
    def head(self) -> bytes:
        """The first bytes of the answer."""
        return self._protocol.head if self._protocol is not None else b""

    async def __call__(self, request: Any, handler: Any) -> aiohttp.ClientResponse:
        request.exchange = self
        response: aiohttp.ClientResponse = await handler(request)
        return response

    async def connected(self, connection: Connection) -> None:
        """Wait for the job's slot. Raises SlotMissed, and then leaves the connection to the next job.

        Raises CallFailed if a new connection was closed before the slot.
        """
        protocol = connection.protocol
        assert isinstance(protocol, Protocol)
        fresh, protocol.fresh = protocol.fresh, False
        if fresh:
            self._times.add(time.monotonic() - self._asked_s)
        if not await self._slot.reached():
            connection.release()
            raise SlotMissed("the connection stood after the job's slot of the limit")
        if connection.closed:
            if fresh:
                raise CallFailed("no answer: the server closed the connection, or spoke, before it was asked")
            raise SlotMissed("a pooled connection was closed before the job's slot of the limit")
        self._slot.begin()
        self._protocol = protocol
        protocol.head = b""
        protocol.expecting = True

    def ended(self) -> None:
        """Record that the answer has been read."""
        if self._protocol is not None:
            self._protocol.expecting = False


def open_session(connections: int) -> aiohttp.ClientSession:
    """Open a session on the running loop. Requests need an Exchange as their middleware."""
    connector = aiohttp.TCPConnector(limit=connections)
    protocol: Any = partial(Protocol, loop=asyncio.get_running_loop())
    connector._factory = protocol  # noqa: SLF001
    session = aiohttp.ClientSession(
        connector=connector,
        request_class=Request,
        # Cookies of one user's answer must not reach another user's request.
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        headers={"User-Agent": f"taskqueue/{__version__}"},
        auto_decompress=False,
        max_line_size=_HEADER_MAX_BYTES,
        max_field_size=_HEADER_MAX_BYTES,
        max_headers=_MAX_HEADERS,
    )
    # A GET whose pooled connection breaks would be sent twice, the second time without a permit.
    session._retry_connection = False  # noqa: SLF001
    return session
