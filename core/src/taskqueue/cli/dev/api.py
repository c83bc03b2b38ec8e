"""The example API: a server that allows R requests a second, and knows exactly what reached it.

    python -m taskqueue.cli.dev.api --port 8099 --rate 100 [--record FILE]

It stands in for the API whose limit must never be exceeded, and is the judge of every claim about that limit:
a process of its own that shares no code with the limiter and stamps each read from a socket before it looks
at it. So it is a bare protocol without a framework, and never collects garbage (a pause of 50 ms would make
the arrivals of 50 ms look simultaneous).

    any path       200 {}, or 429 with Retry-After: 1 if the last second, with this one, held more than R
      ?sleep_ms=20           the answer comes 20 ms later; no other connection waits for it
      X-Taskqueue-Type, -User, -Occurrence, -Attempt (or ?type=..&user=..)   what the arrival is recorded as
    GET  /-/stats            {rate, requests, rejected, worst, per_key: {TYPE: {requests, worst}}, seconds}
    GET  /-/arrivals?from=N  JSON lines [wall_us, type, user, occurrence, attempt, path], from number N on
    POST /-/limit            {"rate": R}
    POST /-/reset            forgets all arrivals, keeps the rate

Bodies are counted and not kept, but for a small one under /-/. A connection has 5 s to begin and to finish a request,
and 60 s to begin the next one; of more than 1,000 the one that is idle longest goes.
"""

if __name__ == "__main__":  # before anything that takes time
    from taskqueue_entry import enter

    enter("taskqueue.cli.dev.api")

import asyncio
import gc
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import parse_qsl

import msgspec

from taskqueue.cli.dev.arguments import Arguments
from taskqueue.cli.dev.arrivals import Arrivals, whole_number
from taskqueue.models.nesting import cut
from taskqueue.process.stop_signals import keep, set_on

MAX_HEAD_BYTES = 65_536
MAX_BODY_BYTES = 16_777_216
MAX_CONTROL_BODY_BYTES = 4_096
MAX_CONNECTIONS = 1_000
#: Delayed answers of a connection, beyond which it is not read.
MAX_WAITING = 1_000
REQUEST_S = 5.0
NEXT_REQUEST_S = 60.0
MAX_SLEEP_MS = 600_000
RECORD_BUFFER_BYTES = 1_048_576
#: How often the record is flushed, and connections are looked at.
INTERVAL_S = 0.5
HEAD_END = b"\r\n\r\n"


class Limit(msgspec.Struct, forbid_unknown_fields=True):
    """Body of POST /-/limit. rate: arrivals allowed in any second."""

    rate: int

    def __post_init__(self) -> None:
        if self.rate < 1:
            raise ValueError("rate must be at least 1")


def answer(status: HTTPStatus, body: bytes, extra: str = "") -> bytes:
    """Spell out an HTTP/1.1 answer; `extra` is further header lines, each ended by CR LF."""
    head = f"HTTP/1.1 {status} {status.phrase}\r\nContent-Type: application/json\r\n{extra}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


OK = answer(HTTPStatus.OK, b"{}")
LIMITED = answer(HTTPStatus.TOO_MANY_REQUESTS, b'{"error": "rate limit exceeded"}', "Retry-After: 1\r\n")


def control(arrivals: Arrivals, method: str, path: str, query: Mapping[str, str], body: bytes) -> bytes:
    """Answer a request under /-/, which is not counted."""
    match method, path:
        case "GET", "/-/stats":
            return answer(HTTPStatus.OK, arrivals.stats())
        case "GET", "/-/arrivals":
            return answer(HTTPStatus.OK, arrivals.lines(whole_number(query.get("from")) or 0))
        case "POST", "/-/reset":
            arrivals.clear()
            return OK
        case "POST", "/-/limit":
            try:
                arrivals.rate = msgspec.json.decode(cut(body), type=Limit).rate
            except msgspec.DecodeError as error:
                return answer(HTTPStatus.BAD_REQUEST, msgspec.json.encode({"error": str(error)}))
            return OK
    return answer(HTTPStatus.NOT_FOUND, b'{"error": "not found"}')


class Connection(asyncio.Protocol):
    """One client's connection: keep-alive, pipelining, bodies by Content-Length.

    A request arrives with its last byte, so stamps never go back. Answers leave in the order of requests.
    """

    def __init__(self, arrivals: Arrivals, others: "set[Connection] | None" = None) -> None:
        self._arrivals = arrivals
        self._others = set[Connection]() if others is None else others
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._enough = 1  # bytes the buffer must hold before another look at it is worth the time
        self._skip = 0  # bytes of the body that are still to come, and that nobody looks at
        self._skipped = False  # the whole body of the head in the buffer
        self._over = False  # nothing that still comes in is looked at
        self._full = False  # the client does not read its answers
        self._began_ns = time.monotonic_ns()  # the wait for the bytes that come next
        self._known = False  # a request was served
        self._waiting: deque[list[bytes]] = (
            deque()
        )  # answers from the first delayed one on; [] is not ready yet

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its base class
        if len(self._others) >= MAX_CONNECTIONS:
            min(self._others, key=Connection.worth).abort()
        self._others.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        self._others.discard(self)
        self._transport = None  # breaks a cycle that no collector would
        self._over = True

    def worth(self) -> tuple[bool, int]:
        """Order connections by which goes first: one that waits for no answer, and has waited longest for a request."""
        return bool(self._waiting), self._began_ns

    def abort(self) -> None:
        """Close the connection at once."""
        self._others.discard(self)
        if self._transport:
            self._transport.abort()

    def expire(self, now_ns: int) -> None:
        """Close the connection if its client takes too long."""
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
        """Read only what can be answered."""
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
        said = dict(parse_qsl(query)) if query else {}
        sleep_ms = 0
        if kept:
            reply = control(self._arrivals, method, path, said, body)
        else:
            sleep_ms = min(whole_number(said.get("sleep_ms")) or 0, MAX_SLEEP_MS)
            for key in ("type", "user", "occurrence", "attempt"):
                if (value := headers.get(f"x-taskqueue-{key}")) is not None:
                    said[key] = value
            reply = OK if self._arrivals.add(at_ns, wall_ns, path, said) else LIMITED
        if method == "HEAD":
            reply = reply[: reply.index(HEAD_END) + len(HEAD_END)]
        self._send(reply, sleep_ms)
        if version == "HTTP/1.0" or headers.get("connection", "").lower() == "close":
            self._finish()
        return None

    def _body(self, at: int, length: int, *, kept: bool) -> bytes | None:
        """Take a request out of the buffer and return its body, empty if nobody looks at it; None: more is to come."""
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
        """Send a delayed answer, and those behind it that waited only for it."""
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
        """Close the connection as soon as the answers that are due have left."""
        self._over = True
        if self._transport and not self._waiting:
            self._transport.close()


async def serve(host: str, port: int, rate: int, record: BinaryIO | None) -> None:
    """Serve until SIGTERM or SIGINT, then stop at once. Prints `listening HOST:PORT` as soon as it does."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    set_on(stop, loop)
    arrivals = Arrivals(rate, record)
    connections = set[Connection]()
    server = await loop.create_server(lambda: Connection(arrivals, connections), host, port, backlog=1024)
    print(f"listening {host}:{server.sockets[0].getsockname()[1]}", flush=True)
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), INTERVAL_S)
        now_ns = time.monotonic_ns()
        for connection in list(connections):
            connection.expire(now_ns)
        if record:
            record.flush()
    server.close()


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Prefer uvloop: it reads sockets sooner, so that stamps are closer to the truth."""
    try:
        import uvloop  # noqa: PLC0415 - an extra
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def main(argv: list[str] | None = None) -> None:
    """Run the server from the command line."""
    parser = Arguments(prog="python -m taskqueue.cli.dev.api", description=__doc__.split("\n")[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8099, help="0 takes a free one (default: %(default)s)")
    parser.add_argument(
        "--rate", type=int, default=100, help="requests allowed in any second (default: %(default)s)"
    )
    parser.add_argument("--record", type=Path, help="also write each arrival to this file, as a line of JSON")
    options = parser.parse_args(argv)
    with ExitStack() as stack:
        record = (
            stack.enter_context(options.record.open("wb", RECORD_BUFFER_BYTES)) if options.record else None
        )
        gc.collect()
        gc.freeze()
        gc.disable()
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(serve(options.host, options.port, options.rate, record))
            keep(0)
