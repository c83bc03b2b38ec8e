"""A connection of uvicorn with bounds: the time that a head takes, the time that a caller does not read, their number.

Beyond the number, a new connection replaces the one that has been idle longest; so a caller that connects and asks at
once is answered even when other callers hold connections open.
"""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

#: Connections of a process; each page that is open holds one.
MAX_CONNECTIONS = 1_000
#: Seconds from the first byte of a request, or from the connection, to the end of the request's head.
HEAD_S = 10.0
#: Seconds for which a caller may leave an answer unread.
UNREAD_S = 30.0


class Connection(H11Protocol):
    """A connection of one caller. is_idle: no head has arrived since the last answer."""

    _head: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    idle_since_s = 0.0

    @property
    def is_idle(self) -> bool:
        return self.conn.their_state is h11.IDLE

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take up a connection, if need be in place of an idle one."""
        super().connection_made(transport)
        self.idle_since_s = self.loop.time()
        self._watch_head()
        if len(self.connections) > MAX_CONNECTIONS:
            self._replace_idle()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        for timer in (self._head, self._unread):
            if timer:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read a part of a request."""
        super().data_received(data)
        if self.is_idle:
            self._watch_head()
        elif self._head:
            self._head.cancel()
            self._head = None

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self.idle_since_s = self.loop.time()
        self._watch_unread()
        super().on_response_complete()
        if self.is_idle and self.conn.trailing_data[0]:  # the beginning of a head came early
            self._watch_head()

    def pause_writing(self) -> None:
        """Wait for a caller that does not read."""
        super().pause_writing()
        self._watch_unread()

    def resume_writing(self) -> None:
        """Go on: the caller reads."""
        if self._unread:
            self._unread.cancel()
            self._unread = None
        super().resume_writing()

    def _watch_head(self) -> None:
        if self._head is None:
            self._head = self.loop.call_later(HEAD_S, self.transport.abort)

    def _watch_unread(self) -> None:
        if self._unread is None and self.transport.get_write_buffer_size():
            self._unread = self.loop.call_later(UNREAD_S, self._end_unread)

    def _end_unread(self) -> None:
        self._unread = None
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def _replace_idle(self) -> None:
        others = [
            one for one in self.connections if isinstance(one, Connection) and one is not self and one.is_idle
        ]
        if others:
            min(others, key=lambda one: one.idle_since_s).transport.abort()
