"""Malformed HTTP answers: a status decides, and an answer without one is named."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from taskqueue.handlers import Discard, Job, RateLimited, RetryLater
from taskqueue.handlers.errors import CallFailed, SlotMissed
from taskqueue.handlers.http_call import HttpClient
from taskqueue.handlers.http_connection import Protocol
from taskqueue.models.values import HttpCall
from taskqueue.testing import Permits

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@dataclass
class RawServer:
    """A server that answers each request with the same bytes, and counts requests and connections."""

    answer: bytes = OK
    greeting: bytes = b""
    closes: bool = False
    url: str = ""
    requests: int = 0
    connections: int = 0
    connected: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.connected.set()
        writer.write(self.greeting)
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.requests += 1
                writer.write(self.answer)
                await writer.drain()
                if self.closes:
                    break
        except (OSError, EOFError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    raw = RawServer()
    listening = await asyncio.start_server(raw.serve, "127.0.0.1", 0)
    raw.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    yield raw
    listening.close()


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    client = HttpClient()
    yield client
    await client.close()


def job(slot: object | None = None) -> Job:
    made = Job("fetch", "u-1", 60, 60_500, {}, 1, Permits())
    if slot is not None:
        made.slot = slot  # type: ignore[assignment]
    return made


HUGE = b"X-Huge: " + b"h" * 9_000 + b"\r\n"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 50 + OK, None),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000, CallFailed),
        (b"\r\n" * 100_000, CallFailed),
        (b"H" * 100_000, Discard),
        (b"HTTP/1.1 200 OK\r\n" + HUGE + b"Content-Length: 0\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\n" + HUGE * 20 + b"Content-Length: 0\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nX: " + b"h" * 200_000 + b"\r\nContent-Length: 0\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 2_000 + b"Content-Length: 0\r\n\r\n", None),
        (b"HTTP/1.1 200 " + b"reason" * 20_000 + b"\r\nContent-Length: 0\r\n\r\n", None),
        (b"HTTP/1.1 204 No Content\r\n\r\nbut a body", None),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 10\r\n\r\nbut a body", None),
        (b"HTTP/1.1 304 Not Modified\r\n\r\nbut a body", Discard),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nnot a chunk", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: nonsense\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nB\x00d: \x00\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Le", None),
        (b"HTTP/1.1 200\r\n\r\n", None),
        (b"http/1.1 200 ok\r\n\r\n", None),
        (b"HTTP/2 200\r\n\r\n", None),
        (b"\r\nHTTP/1.1 200 OK\r\n\r\n", None),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
            None,
        ),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", Discard),
        (b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nno colon\r\n\r\n", RateLimited),
        (b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nno colon\r\n\r\n", RetryLater),
        (b"HTTP/1.1 500 Oh\r\nno colon\r\n\r\n", CallFailed),
        (b"HTTP/1.1 404 Gone\r\nno colon\r\n\r\n", Discard),
    ],
)
async def test_the_status_decides(
    server: RawServer, client: HttpClient, answer: bytes, outcome: type[Exception] | None
) -> None:
    server.answer, server.closes = answer, True
    call = asyncio.wait_for(client.call(HttpCall(server.url, "GET"), job()), 30)
    if outcome is None:
        await call
    else:
        with pytest.raises(outcome) as raised:
            await call
        assert type(raised.value) is outcome
        if outcome in (RateLimited, RetryLater):
            assert "7" in str(vars(raised.value))
    assert server.requests == 1


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        (b"220 mail.example ESMTP\r\n", Discard, "the answer cannot be read: "),
        (b"\x15\x03\x01\x00\x02\x02\x46", Discard, "the answer cannot be read: "),
        (b"<html>HTTP/1.1 200 OK", Discard, "the answer cannot be read: "),
        (b"HTTP/1.1 000 Zero\r\n\r\n", Discard, "HTTP 0"),
        (b"HTTP/1.1 twenty\r\n\r\n", Discard, "the answer cannot be read: "),
        (b"", CallFailed, "no answer: ServerDisconnectedError"),
        (b"HTTP/1.1 20", CallFailed, "no answer: "),
        (b"HTTP/1.1 100 Continue\r\n\r\n", CallFailed, "no answer: "),
    ],
)
async def test_an_answer_without_a_status_is_named(
    server: RawServer, client: HttpClient, answer: bytes, outcome: type[Exception], reason: str
) -> None:
    server.answer, server.closes = answer, True
    with pytest.raises(outcome) as raised:
        await asyncio.wait_for(client.call(HttpCall(server.url, "GET"), job()), 30)
    assert str(raised.value).startswith(reason)
    assert server.requests == 1


async def test_headers_beyond_8190_bytes_keep_their_connection(server: RawServer, client: HttpClient) -> None:
    server.answer = b"HTTP/1.1 200 OK\r\n" + HUGE + b"Content-Length: 0\r\n\r\n"
    for _ in range(3):
        await client.call(HttpCall(server.url, "GET"), job())
    assert (server.requests, server.connections) == (3, 1)


async def test_unrequested_bytes_are_no_answer_to_the_next_job(server: RawServer, client: HttpClient) -> None:
    server.answer = OK + b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"
    for _ in range(3):
        await client.call(HttpCall(server.url, "GET"), job())
    assert server.requests == 3


async def test_a_server_speaking_first_is_a_failed_attempt(server: RawServer, client: HttpClient) -> None:
    server.greeting = b"220 mail.example ESMTP\r\n"

    class Slot:
        async def reached(self) -> bool:
            await server.connected.wait()
            for _ in range(10):  # the greeting comes by this loop
                await asyncio.sleep(0)
            return True

        def begin(self) -> None: ...

    with pytest.raises(CallFailed, match="before it was asked"):
        await client.call(HttpCall(server.url, "GET"), job(Slot()))


async def test_a_missed_slot_leaves_its_connection_to_the_next_job(
    server: RawServer, client: HttpClient
) -> None:
    class Missed:
        began = 0

        async def reached(self) -> bool:
            return False

        def begin(self) -> None:
            self.began += 1

    slot = Missed()
    with pytest.raises(SlotMissed):
        await client.call(HttpCall(server.url), job(slot))
    assert slot.began == 0
    await client.call(HttpCall(server.url), job())
    assert (server.requests, server.connections) == (1, 1)


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"]
)
async def test_a_job_cancelled_after_its_status_keeps_the_outcome(
    server: RawServer, client: HttpClient, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    came = asyncio.Event()
    received = Protocol.data_received

    def data_received(self: Protocol, data: bytes) -> None:
        received(self, data)
        came.set()

    monkeypatch.setattr(Protocol, "data_received", data_received)
    server.answer = answer
    call = asyncio.ensure_future(client.call(HttpCall(server.url, "GET"), job()))
    await asyncio.wait_for(came.wait(), 30)
    call.cancel()
    await call
