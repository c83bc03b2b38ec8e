"""The cost of a caller of the API: connections, seconds and bytes, on real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest
from starlette.responses import PlainTextResponse

from taskqueue.store.connection import Store
from taskqueue_api import bounded_bodies, connection, gate
from taskqueue_api.media_type import FORM, JSON
from taskqueue_api.server import listen, new_server
from tests.support.api.fixtures import ServeApi
from tests.support.api.in_process import ServedApi
from tests.support.api.process import AS_EDITOR, AS_VIEWER, CREDENTIALS
from tests.support.site.site import until

SHORT_S = 0.3
#: Of a busy machine; what is not bounded at all takes longer.
SOON_S = 8.0
AUTHORIZED = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "localhost", **AS_EDITOR}.items())
GET = f"GET /v1/store HTTP/1.1\r\n{AUTHORIZED}\r\n".encode()
Caller = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def served(store: Store, serve: ServeApi) -> ServedApi:
    return await serve(store, CREDENTIALS)


@asynccontextmanager
async def calling(served: ServedApi, *sent: bytes) -> AsyncIterator[Caller]:
    """A connection on which these bytes were sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    try:
        writer.write(b"".join(sent))
        yield reader, writer
    finally:
        writer.transport.abort()


async def ended(reader: asyncio.StreamReader) -> bytes:
    """Return all that is sent until the connection ends, which must be soon."""
    async with asyncio.timeout(SOON_S):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HTTP/1.1\r\nHost: loc", GET + b"GET /"], ids=["silent", "half", "second"]
)
async def test_a_head_has_a_time(served: ServedApi, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(connection, "HEAD_S", SHORT_S)
    async with calling(served, sent) as (reader, _):
        answers = await ended(reader)
        assert answers.count(b"HTTP/1.1 200 OK") == sent.count(GET)


async def test_a_head_that_drips_has_the_same_time(
    served: ServedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_S", SHORT_S)
    async with calling(served, b"GET / HTTP/1.1\r\n") as (reader, writer):
        gone = asyncio.create_task(ended(reader))
        while not gone.done():
            writer.write(b"X-A: b\r\n")
            await asyncio.wait([gone], timeout=SHORT_S / 10)
        assert b"HTTP/1.1" not in gone.result()


async def test_a_head_has_a_size(served: ServedApi) -> None:
    async with calling(served, b"GET / HTTP/1.1\r\nX-A: ", b"a" * 200_000) as (reader, _):
        answer = await ended(reader)
        assert answer[:12] in {b"HTTP/1.1 400", b""}  # none where the rest of the head is still on its way


async def test_a_body_has_a_time(served: ServedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_bodies, "MAX_UNIT_S", SHORT_S)
    head = f"PUT /v1/users/ada HTTP/1.1\r\n{AUTHORIZED}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n"
    async with calling(served, head.encode(), b"{") as (reader, _):
        answer = await ended(reader)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in answer.lower()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (f"PUT /v1/users/ada HTTP/1.1\r\n{AUTHORIZED}Content-Type: application/json", 413),
        ("PUT /v1/users/ada HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json", 401),
        ("POST /sign-in HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example", 403),
    ],
)
async def test_an_endless_body_ends_its_connection(served: ServedApi, head: str, status: int) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    async with calling(served, f"{head}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()) as (reader, writer):
        gone = asyncio.create_task(ended(reader))
        while not gone.done() and not writer.transport.is_closing():
            writer.write(chunk)
            await asyncio.wait([gone], timeout=0.001)
        assert (await gone)[:12] in {f"HTTP/1.1 {status}".encode(), b""}


async def test_a_caller_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "UNREAD_S", SHORT_S)
    answer = PlainTextResponse(b"x" * 30_000_000)  # more than the buffers of two sockets hold
    listening, server = listen("127.0.0.1", 0), new_server(answer)
    serving = asyncio.create_task(server.serve([listening]))
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    writer.write(GET)
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"

    async def is_cut_off() -> bool:
        return not server.server_state.connections

    await until("the connection is cut off", is_cut_off, SOON_S)
    writer.transport.abort()
    server.should_exit = True
    await serving


SLOW = "Content-Type: {}\r\nContent-Length: 9\r\n\r\n{{"
SIGN_IN = "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n" + SLOW.format(FORM)
PUT = f"PUT /v1/users/ada HTTP/1.1\r\n{AUTHORIZED}" + SLOW.format(JSON)


@pytest.mark.parametrize(
    ("slow", "full", "free"),
    [
        (SIGN_IN, "GET /sign-in HTTP/1.1\r\nHost: localhost\r\n\r\n", GET.decode()),
        (PUT, GET.decode(), "GET /sign-in HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ],
    ids=["strangers", "callers"],
)
async def test_slow_strangers_keep_no_caller_out(
    served: ServedApi, monkeypatch: pytest.MonkeyPatch, slow: str, full: str, free: str
) -> None:
    """Each of the two has places of its own for requests that are being answered."""
    most = 3
    monkeypatch.setattr(gate, "MAX_REQUESTS", most)
    monkeypatch.setattr(gate, "MAX_STRANGERS", most)
    async with AsyncExitStack() as slowly:
        for _ in range(most):
            await slowly.enter_async_context(calling(served, slow.encode()))

        async def is_full() -> bool:
            async with calling(served, full.encode()) as (reader, _):
                head = await reader.readuntil(b"\r\n\r\n")
            return head.startswith(b"HTTP/1.1 503 ") and b"retry-after: 1" in head.lower()

        await until("all places are taken", is_full, SOON_S)
        async with calling(served, free.encode()) as (reader, _):
            assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"

    async def is_free() -> bool:
        return not await is_full()

    await until("the places are free", is_free, SOON_S)


async def test_a_body_whose_end_is_told_twice_ends_its_connection(served: ServedApi) -> None:
    """A proxy in front may take what follows for another request than this process does."""
    twice = f"PUT /v1/users/ada HTTP/1.1\r\n{AUTHORIZED}Content-Type: {JSON}\r\nContent-Length: 7\r\n"
    body = b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    async with calling(served, twice.encode(), body, GET) as (reader, _):
        answers = await ended(reader)
    assert answers.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in answers.lower()


async def test_idle_connections_give_way_to_one_that_asks(
    served: ServedApi, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 20
    monkeypatch.setattr(connection, "MAX_CONNECTIONS", most)
    idle = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(3 * most)]
    try:
        async with http.get(f"{served.url}/v1/store", headers=AS_VIEWER) as answer:
            assert answer.status == 200
        closed = [asyncio.create_task(ended(reader)) for reader, _ in idle[: 2 * most]]
        assert [await one for one in closed] == [b""] * (2 * most)
    finally:
        for _, writer in idle:
            writer.transport.abort()


async def test_a_request_that_is_answered_is_not_replaced(
    served: ServedApi, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MAX_CONNECTIONS", 2)
    async with http.get(f"{served.url}/live/overview", headers=AS_VIEWER) as stream:
        assert await stream.content.readline()
        for _ in range(5):
            async with calling(served, GET) as (reader, _):
                assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        async with asyncio.timeout(SOON_S):
            for _ in range(20):
                assert await stream.content.readline()


async def test_a_head_of_a_stream_ends(served: ServedApi, http: aiohttp.ClientSession) -> None:
    async with asyncio.timeout(SOON_S), http.head(f"{served.url}/live/overview", headers=AS_VIEWER) as answer:
        assert (answer.status, await answer.read()) == (200, b"")
