"""The cost of a caller of a port: bytes, connections and seconds, plain and over TLS, on real sockets."""

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from taskqueue.bounded_http import connection, port
from taskqueue.bounded_http.port import Port
from taskqueue.bounded_http.request import PLAIN, Answer, BadRequestError, Request, parse
from taskqueue_operator.external_metrics.certificates import make
from taskqueue_operator.external_metrics.front_proxy import FrontProxy
from taskqueue_operator.external_metrics.tls import context
from tests.support.site.site import until

pytestmark = pytest.mark.slow

SHORT_S = 0.4
#: Of a busy machine; what is not bounded at all takes longer.
SOON_S = 8.0
LARGE = b"x" * 30_000_000  # more than the buffers of two sockets hold
GET = b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n"
CONTEXT = context(make(["localhost"], datetime.now(UTC)), FrontProxy())
both = pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])


def shorten(patching: pytest.MonkeyPatch, *limits: str) -> None:
    """Shorten time limits, for callers that are to reach them."""
    for name in limits:
        patching.setattr(connection, name, SHORT_S)


@dataclass
class Serving:
    """A port under test, and the requests that reached its handler."""

    tls: bool
    requests: list[Request] = field(default_factory=list)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)  # what /waits waits for
    port: Port = field(init=False)

    def __post_init__(self) -> None:
        self.port = Port(self._answer, (lambda: CONTEXT) if self.tls else None)

    async def _answer(self, request: Request) -> Answer:
        self.requests.append(request)
        if request.path == "/fails":
            raise ValueError("of a page")
        if request.path == "/never":
            await asyncio.sleep(60)
        if request.path == "/waits":
            await self.may_answer.wait()
        return Answer(200, PLAIN, LARGE if request.path == "/large" else b"ok\n", request.path == "/kept")

    async def raw(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self.port.sockets[0].getsockname())

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        place = self.port.sockets[0].getsockname()
        return await asyncio.open_connection(*place, ssl=trusting if self.tls else None)

    async def ask(self, said: bytes = GET) -> bytes:
        """Send some bytes and return all that comes back until the port closes the connection."""
        reader, writer = await self.connect()
        with contextlib.suppress(ConnectionError):
            writer.write(said)
        return await self.rest(reader, writer)

    async def rest(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        came = b""
        try:
            async with asyncio.timeout(SOON_S):
                while more := await reader.read(65_536):
                    came += more
        except (ConnectionError, ssl.SSLError):
            pass  # a reset is an end, too
        finally:
            writer.transport.abort()
        return came


@asynccontextmanager
async def serving(tls: bool = False) -> AsyncIterator[Serving]:
    made = Serving(tls)
    await made.port.open("127.0.0.1", 0)
    before = _open_files()
    async with made.port:
        yield made
        assert (await made.ask()).startswith(b"HTTP/1.1 200 OK\r\n"), "a probe is answered all the same"

        async def released() -> bool:
            return _open_files() <= before

        await until("every file descriptor is closed", released, SOON_S)


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


Caller = Callable[[Serving], Awaitable[bytes]]


async def _send(said: bytes, to: Serving) -> bytes:
    return await to.ask(said)


async def _send_slowly(said: bytes, to: Serving) -> bytes:
    """Send one byte after the other, well within the limit of each."""
    reader, writer = await to.connect()

    async def send() -> None:
        for one in said:
            writer.write(bytes([one]))
            await asyncio.sleep(SHORT_S / 4)

    sending = asyncio.create_task(send())
    came = await to.rest(reader, writer)
    sending.cancel()
    return came


async def _send_without_end(said: bytes, more: bytes, to: Serving) -> bytes:
    """Send for as long as the port takes it: at most 50 MB."""
    reader, writer = await to.connect()

    async def send() -> None:
        writer.write(said)
        for _ in range(50_000_000 // len(more)):
            writer.write(more)
            await writer.drain()

    sending = asyncio.create_task(send())
    came = await to.rest(reader, writer)
    sending.cancel()
    assert (await asyncio.gather(sending, return_exceptions=True))[0] is not None, "the port took 50 MB"
    return came


async def _silent_before_tls(to: Serving) -> bytes:
    return await to.rest(*await to.raw())


async def _half_a_handshake(to: Serving) -> bytes:
    reader, writer = await to.raw()
    writer.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    return await to.rest(reader, writer)


CALLERS: dict[str, tuple[Caller, bytes]] = {
    "nothing at all": (partial(_send, b""), b""),
    "no TLS": (_silent_before_tls, b""),
    "half a handshake": (_half_a_handshake, b""),
    "no end of a line": (partial(_send, b"GET /livez"), b""),
    "line feeds alone": (partial(_send, b"GET /livez HTTP/1.1\n\n"), b""),
    "a byte now and then": (partial(_send_slowly, GET), b""),
    "no end of the first line": (partial(_send_without_end, b"GET /", b"x" * 60_000), b"431"),
    "100,000 headers": (partial(_send, b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 100_000 + b"\r\n"), b"431"),
    "a head of 9,000 bytes": (partial(_send, GET[:-2] + b"X-A: " + b"b" * 9_000 + b"\r\n\r\n"), b"431"),
    "zeros": (partial(_send_without_end, b"", bytes(60_000)), b"431"),
    "no HTTP": (partial(_send, b"\x16\x03\x01 hello\r\n\r\n"), b"400"),
    "not UTF-8": (partial(_send, b"GET /\xff HTTP/1.1\r\n\r\n"), b"400"),
    "HTTP/2": (partial(_send, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), b"400"),
    "a folded header": (partial(_send, GET[:-2] + b" folded\r\n\r\n"), b"400"),
    "a space before a colon": (partial(_send, GET[:-2] + b"X-A : b\r\n\r\n"), b"400"),
    "a page that fails": (partial(_send, b"GET /fails HTTP/1.1\r\n\r\n"), b"500"),
    "a page that waits": (partial(_send, b"GET /never HTTP/1.1\r\n\r\n"), b""),
    "two requests at once": (partial(_send, GET + GET), b"200"),
    "a body": (
        partial(_send_without_end, b"GET /kept HTTP/1.1\r\nContent-Length: 99\r\n\r\n", b"x" * 50),
        b"200",
    ),
    "a body without a length": (
        partial(
            _send_without_end, b"GET /kept HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"x" * 60_000
        ),
        b"200",
    ),
}


@both
async def test_a_connection_without_requests_ends(tls: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(tls) as to:
        came = await _all(to, [name for name, (_, status) in CALLERS.items() if status])
        shorten(monkeypatch, "FIRST_REQUEST_S", "ANSWER_S")
        came |= await _all(to, [name for name in CALLERS if name not in came])
        monkeypatch.undo()
        assert {name: _statuses(text) for name, text in came.items() if not _expected(name, text)} == {}
        assert len(to.requests) <= len([status for _, status in CALLERS.values() if status != b"431"])


async def _all(to: Serving, names: list[str]) -> dict[str, bytes]:
    calls = [CALLERS[name][0](to) for name in names]
    return dict(zip(names, await asyncio.gather(*calls), strict=True))


def _expected(name: str, came: bytes) -> bool:
    """Whether a caller got the one answer of the table; a reset, for bytes that nobody read, may overtake it."""
    _, status = CALLERS[name]
    unread = status == b"431" or name.startswith("a body")
    return _statuses(came) in ([status] if status else [], [] if unread else None)


def _statuses(came: bytes) -> list[bytes]:
    return re.findall(rb"^HTTP/1.1 (\d+) ", came, re.MULTILINE)


@both
async def test_a_caller_that_does_not_read_is_cut_off(tls: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(tls) as to:
        shorten(monkeypatch, "ANSWER_S", "_CLOSE_S")
        reader, writer = await to.connect()
        writer.write(b"GET /large HTTP/1.1\r\n\r\n")
        await asyncio.sleep(2 * SHORT_S)
        assert len(await to.rest(reader, writer)) < len(LARGE), "what the buffers of the sockets held"


async def test_a_half_closed_caller_is_answered() -> None:
    async with serving() as to:
        reader, writer = await to.connect()
        writer.write(GET)
        writer.write_eof()
        assert (await to.rest(reader, writer)).endswith(b"\r\n\r\nok\n")


async def test_head_gets_no_body() -> None:
    async with serving() as to:
        came = await to.ask(GET.replace(b"GET", b"HEAD"))
        assert b"Content-Length: 3\r\n" in came
        assert came.endswith(b"\r\n\r\n")


@both
async def test_a_kept_connection_closes_when_idle(tls: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = GET.replace(b"livez", b"kept")
    async with serving(tls) as to:
        reader, writer = await to.connect()
        for _ in range(3):
            writer.write(kept)
            assert b"keep-alive" in await reader.readuntil(b"\r\n\r\nok\n")
        shorten(monkeypatch, "NEXT_REQUEST_S")
        writer.write(kept + kept)
        answers = await to.rest(reader, writer)
        assert answers.count(b"200 OK") == 2
        assert len(to.requests) == 5


@both
async def test_the_longest_idle_connection_makes_room(tls: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port, "MAX_CONNECTIONS", 10)
    monkeypatch.setattr(connection, "FIRST_REQUEST_S", 60.0)
    async with serving(tls) as to:
        busy, kept = await to.connect(), await to.connect()
        busy[1].write(b"GET /waits HTTP/1.1\r\n\r\n")
        kept[1].write(GET.replace(b"livez", b"kept"))
        await kept[0].readuntil(b"ok\n")
        idle = [await to.connect() for _ in range(8)]
        late = await to.connect()
        assert await to.rest(*idle.pop(0)) == b""
        assert (await to.ask()).endswith(b"ok\n")
        assert await to.rest(*idle.pop(0)) == b""
        late[1].write(GET)
        assert (await to.rest(*late)).endswith(b"ok\n")
        kept[1].write(GET)
        assert (await to.rest(*kept)).endswith(b"ok\n")
        to.may_answer.set()
        assert (await to.rest(*busy)).endswith(b"ok\n")
        for one in idle:
            one[1].transport.abort()


async def test_a_closing_port_answers_its_requests() -> None:
    made = Serving(tls=False)
    await made.port.open("127.0.0.1", 0)
    asking, waiting = await made.connect(), await made.connect()
    asking[1].write(b"GET /waits HTTP/1.1\r\n\r\n")
    waiting[1].write(b"GET /never HTTP/1.1\r\n\r\n")

    async def reached() -> bool:
        return len(made.requests) == 2

    await until("both requests reach the handler", reached, SOON_S)
    idle = await made.connect()
    made.port.close()
    closing = asyncio.create_task(made.port.wait_closed(1.0))
    made.may_answer.set()
    assert (await made.rest(*asking)).endswith(b"ok\n")
    assert await made.rest(*waiting) == b""
    assert await made.rest(*idle) == b""
    await closing


async def test_a_taken_port_is_refused() -> None:
    async with serving() as to:
        taken = to.port.sockets[0].getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            await Port(to._answer).open("127.0.0.1", taken)


@pytest.mark.parametrize(
    ("head", "may"),
    [
        (b"GET / HTTP/1.1", True),
        (b"GET / HTTP/1.0", False),
        (b"GET / HTTP/1.1\r\nConnection: Close", False),
        (b"GET / HTTP/1.1\r\nContent-Length: 0", True),
        (b"GET / HTTP/1.1\r\nContent-Length: 7", False),
        (b"GET / HTTP/1.1\r\ntransfer-encoding: chunked", False),
    ],
)
def test_no_request_follows_a_body(head: bytes, may: bool) -> None:
    assert parse(head).may_keep_alive is may


def test_a_head_is_parsed() -> None:
    request = parse(b"GET /a?b=c%20d HTTP/1.1\r\nX-One:  1 \r\nx-one: 2")
    assert (request.method, request.path, request.query) == ("GET", "/a", "b=c%20d")
    assert request.headers == (("x-one", "1"), ("x-one", "2"))
    for wrong in (b"", b"GET", b"GET /", b"G T / HTTP/1.1", b"GET / HTTP/1.1\r\nx"):
        with pytest.raises(BadRequestError):
            parse(wrong)
