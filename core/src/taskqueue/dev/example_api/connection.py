"""One connection to the example API: a minimal HTTP/1.1 protocol that stamps each request as it is read."""

import asyncio
import time
from collections import deque
from http import HTTPStatus
from typing import cast
from urllib.parse import parse_qsl

from taskqueue.dev.example_api.answers import OK, answer, control, refuse
from taskqueue.dev.example_api.arrivals import Arrivals, whole_number

MAX_HEAD_BYTES = 65_536
MAX_BODY_BYTES = 16_777_216
MAX_CONTROL_BODY_BYTES = 1_048_576
MAX_CONNECTIONS = 1_000
#: Delayed answers after which a connection is no longer read.
MAX_WAITING = 1_000
REQUEST_S = 5.0
NEXT_REQUEST_S = 60.0
MAX_SLEEP_MS = 600_000
HEAD_END = b"\r\n\r\n"


class Connection(asyncio.Protocol):
    """One connection: keep-alive, pipelining, bodies by Content-Length.

    A request arrives with its last byte, so stamps never decrease. Answers leave in the order of requests.
    """

    def __init__(self, arrivals: Arrivals, open_: "set[Connection] | None" = None) -> None:
        self._arrivals = arrivals
        self._open = set[Connection]() if open_ is None else open_
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._enough = 1  # bytes that the buffer must hold before it is parsed again
        self._skip = 0  # bytes of a body that are still to come and are dropped
        self._skipped = False  # the body of the head in the buffer was dropped
        self._over = False  # further bytes are dropped
        self._full = False  # the client does not read its answers
        self._began_ns = time.monotonic_ns()  # start of the wait for the next bytes
        self._known = False  # a request has been served
        self._waiting: deque[list[bytes]] = deque()  # answers from the first delayed one on; [] is not ready

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its base class
        if len(self._open) >= MAX_CONNECTIONS:
            min(self._open, key=Connection.worth).abort()
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        self._open.discard(self)
        self._transport = None  # breaks a cycle that no collector would
        self._over = True

    def worth(self) -> tuple[bool, int]:
        """Return the order in which connections are closed: first the longest idle that waits for no answer."""
        return bool(self._waiting), self._began_ns

    def abort(self) -> None:
        """Close the connection at once."""
        self._open.discard(self)
        if self._transport:
            self._transport.abort()

    def expire(self, now_ns: int) -> None:
        """Close the connection if its client exceeds a time limit."""
        between = self._known and not self._buffer and not self._skip and not self._full
        limit_s = NEXT_REQUEST_S if between else REQUEST_S
        if (self._full or not self._waiting) and now_ns - self._began_ns > limit_s * 1e9:
            self.abort()

    def pause_writing(self) -> None:
        self._full, self._began_ns = True, time.monotonic_ns()
        self._steer()

    def resume_writing(self) -> None:
        self._full, self._began_ns = False, time.monotonic_ns()
        self._steer()

    def _steer(self) -> None:
        """Pause reading while no further answer can be queued."""
        if self._transport and not self._transport.is_closing():
            stop = self._full or len(self._waiting) >= MAX_WAITING
            (self._transport.pause_reading if stop else self._transport.resume_reading)()

    def data_received(self, data: bytes) -> None:
        at_ns, wall_ns = time.monotonic_ns(), time.time_ns()
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip, data = self._skip - skipped, data[skipped:]
            if self._skip:
                return
            self._skipped, self._enough = True, 1
        elif not self._buffer:
            self._began_ns = at_ns
        self._buffer = self._buffer + data if self._buffer else data
        while not self._over and not self._skip and len(self._buffer) >= self._enough:
            end = self._buffer.find(HEAD_END)
            if (len(self._buffer) if end < 0 else end) > MAX_HEAD_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            elif end < 0:
                self._enough = len(self._buffer) + 1
            else:
                self._serve(end, at_ns, wall_ns)

    def _serve(self, end: int, at_ns: int, wall_ns: int) -> None:
        """Answer the request whose head ends at `end`, or wait for the rest of its body."""
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        method, _, rest = first.partition(" ")
        target, _, version = rest.partition(" ")
        length = whole_number(headers.get("content-length", "0"))
        if version not in {"HTTP/1.1", "HTTP/1.0"} or length is None:
            return self._refuse(HTTPStatus.BAD_REQUEST)
        if "transfer-encoding" in headers:
            return self._refuse(HTTPStatus.LENGTH_REQUIRED)
        path, _, query = target.partition("?")
        kept = path.startswith("/-/")
        if length > (MAX_CONTROL_BODY_BYTES if kept else MAX_BODY_BYTES):
            return self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body = self._body(end + len(HEAD_END), length, kept=kept)
        if body is None:
            return None
        self._known, self._began_ns = True, at_ns
        labels = dict(parse_qsl(query)) if query else {}
        sleep_ms = 0
        if kept:
            reply = control(self._arrivals, method, path, labels, body)
        else:
            sleep_ms = min(whole_number(labels.get("sleep_ms")) or 0, MAX_SLEEP_MS)
            for key in ("type", "user", "occurrence", "attempt", "limits"):
                if (value := headers.get(f"x-taskqueue-{key}")) is not None:
                    labels[key] = value
            refusal = self._arrivals.add(at_ns, wall_ns, path, labels)
            reply = refuse(refusal) if refusal else OK
        if method == "HEAD":
            reply = reply[: reply.index(HEAD_END) + len(HEAD_END)]
        self._send(reply, sleep_ms)
        if version == "HTTP/1.0" or headers.get("connection", "").lower() == "close":
            self._finish()
        return None

    def _body(self, at: int, length: int, *, kept: bool) -> bytes | None:
        """Take a request out of the buffer and return its body, empty if dropped; None if more bytes are to come."""
        if self._skipped:
            self._skipped, length = False, 0
        if len(self._buffer) < at + length:
            if kept:
                self._enough = at + length
            else:
                self._skip, self._buffer = at + length - len(self._buffer), self._buffer[:at]
            return None
        body, self._buffer = self._buffer[at : at + length], self._buffer[at + length :]
        self._enough = 1
        return body

    def _refuse(self, status: HTTPStatus) -> None:
        self._send(answer(status, b'{"error": "bad request"}', "Connection: close\r\n"))
        self._finish()

    def _send(self, reply: bytes, sleep_ms: int = 0) -> None:
        if not sleep_ms and not self._waiting and self._transport:
            self._transport.write(reply)
            return
        slot = [] if sleep_ms else [reply]
        self._waiting.append(slot)
        if sleep_ms:
            asyncio.get_running_loop().call_later(sleep_ms / 1000, self._ready, slot, reply)
            self._steer()

    def _ready(self, slot: list[bytes], reply: bytes) -> None:
        """Send a delayed answer, and the answers queued after that one."""
        slot.append(reply)
        while self._waiting and self._waiting[0]:
            ready = self._waiting.popleft()[0]
            if self._transport:
                self._transport.write(ready)
        self._began_ns = time.monotonic_ns()
        self._steer()
        if self._over and not self._waiting and self._transport:
            self._transport.close()

    def _finish(self) -> None:
        """Close the connection as soon as its delayed answers have left."""
        self._over = True
        if self._transport and not self._waiting:
            self._transport.close()
