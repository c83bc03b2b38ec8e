"""The HTTP handler against real servers on loopback."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from taskqueue.handlers import Discard, Job, RateLimited, RetryLater
from taskqueue.handlers import http_call as http_call_module
from taskqueue.handlers.errors import BadHttpCall, CallFailed
from taskqueue.handlers.http_call import BODY_MAX_BYTES, HttpClient
from taskqueue.models.values import HttpCall
from taskqueue.testing import Permits

Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Api:
    """An API that records requests and gives the answers set by a test."""

    seen: list[tuple[web.Request, bytes]] = field(default_factory=list)
    peers: set[tuple[str, int]] = field(default_factory=set)
    respond: Respond | None = None
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        self.peers.add(request.transport.get_extra_info("peername"))
        self.seen.append((request, await request.read()))
        return await self.respond(request) if self.respond else web.Response()

    def answers(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        async def respond(request: web.Request) -> web.Response:
            return web.Response(status=status, headers=headers, body=body)

        self.respond = respond


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    api = Api()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", api.handle)
    async with TestServer(app) as server:
        api.url = str(server.make_url("/orders"))
        yield api


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    client = HttpClient()
    yield client
    await client.close()


def job(params: dict[str, Any] | None = None, occurrence: int | None = 60, attempt: int = 1) -> Job:
    return Job("fetch", "u-1@x", occurrence, 60_500, params or {}, attempt, Permits(), "01J")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_params_are_the_json_body(api: Api, client: HttpClient, method: str) -> None:
    params = {"region": "eu", "n": [1, None], "deep": {"ü": True}}
    await client.call(HttpCall(api.url, method), job(params))
    [(request, body)] = api.seen
    assert (request.method, request.path_qs) == (method, "/orders")
    assert request.content_type == "application/json"
    assert json.loads(body) == params


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
async def test_params_are_the_query_and_there_is_no_body(api: Api, client: HttpClient, method: str) -> None:
    params = {"q": "a&b=c/../#", "n": 3, "f": 1.5, "yes": True, "none": None, "ids": [1, "x"], "o": {"a": 1}}
    await client.call(HttpCall(api.url + "?v=2", method), job(params))
    [(request, body)] = api.seen
    assert (request.method, request.path, body) == (method, "/orders", b"")
    assert "Content-Type" not in request.headers
    assert list(request.query.items()) == [
        ("v", "2"),
        ("q", "a&b=c/../#"),
        ("n", "3"),
        ("f", "1.5"),
        ("yes", "true"),
        ("ids", "1"),
        ("ids", "x"),
        ("o", '{"a":1}'),
    ]


async def test_a_param_cannot_override_the_query_of_the_url(api: Api, client: HttpClient) -> None:
    with pytest.raises(Discard, match="a param has the name"):
        await client.call(HttpCall(api.url + "?tenant=1", "GET"), job({"tenant": "2"}))
    assert api.seen == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_params_like_paths_hosts_or_headers_stay_params(
    api: Api, client: HttpClient, method: str
) -> None:
    params = {"../../admin": "//evil.example/", "X-Admin: 1\r\nHost": "a\r\nb", "${env:PATH}": "${env:PATH}"}
    await client.call(HttpCall(api.url, method), job(params))
    [(request, body)] = api.seen
    assert request.path == "/orders"
    assert "X-Admin" not in request.headers
    assert (dict(request.query) if method == "GET" else json.loads(body)) == params


async def test_the_job_is_identified_in_headers(api: Api, client: HttpClient) -> None:
    await client.call(HttpCall(api.url, headers={"X-Own": "1"}), job(attempt=2))
    await client.call(HttpCall(api.url), job(occurrence=None))
    scheduled, ad_hoc = (request.headers for request, _ in api.seen)
    assert scheduled["Idempotency-Key"] == "fetch/u-1@x/60"
    assert scheduled["X-Taskqueue-Type"] == "fetch"
    assert scheduled["X-Taskqueue-User"] == "u-1@x"
    assert scheduled["X-Taskqueue-Occurrence"] == "60"
    assert scheduled["X-Taskqueue-Attempt"] == "2"
    assert scheduled["X-Own"] == "1"
    assert ad_hoc["Idempotency-Key"] == "fetch/u-1@x/~01J"
    assert "X-Taskqueue-Occurrence" not in ad_hoc


async def test_header_references_are_resolved_and_never_shown(
    api: Api, client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKQUEUE_HTTP_TOKEN", "t0ken")
    headers = {
        "Authorization": "Bearer ${env:TASKQUEUE_HTTP_TOKEN}",
        "content-type": "application/x.shop+json",
    }
    call = client.resolve(HttpCall(api.url, headers=headers))
    await call(job())
    [(request, _)] = api.seen
    assert request.headers["Authorization"] == "Bearer t0ken"
    assert request.headers.getall("Content-Type") == ["application/x.shop+json"]
    assert "t0ken" not in repr(call)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (HttpCall("ftp://a.example/s3cret"), "http:// or https://"),
        (HttpCall("/orders?s3cret"), "absolute"),
        (HttpCall("http://a.example:s3cret/"), "not a URL"),
        (HttpCall("http://a.example", headers={"X y": "s3cret"}), "cannot be the name of a header"),
        (HttpCall("http://a.example", headers={"X\r\nY": "s3cret"}), "cannot be the name of a header"),
        (HttpCall("http://a.example", headers={"Idempotency-key": "s3cret"}), "by taskqueue itself"),
        (HttpCall("http://a.example", headers={"x-taskqueue-user": "s3cret"}), "by taskqueue itself"),
        (HttpCall("http://a.example", headers={"Content-Length": "1"}), "by taskqueue itself"),
        (HttpCall("http://a.example", headers={"X": "${env:HOME}"}), "a reference is written"),
        (HttpCall("http://u:s3cret@a.example", headers={"authorization": "x"}), "keep the header"),
    ],
)
def test_uncallable_urls_are_refused_before_any_job(spec: HttpCall, said: str) -> None:
    with pytest.raises(BadHttpCall, match=said) as raised:
        HttpClient().resolve(spec)
    assert "s3cret" not in str(raised.value)


async def test_statuses_are_outcomes_and_reasons_hold_no_more(api: Api, client: HttpClient) -> None:
    secret = api.url.replace("http://", "http://user:s3cret@") + "?key=s3cret"
    call = client.resolve(HttpCall(secret, headers={"X-Key": "s3cret"}))
    cases: list[tuple[int, dict[str, str], type[Exception]]] = [
        (302, {"Location": "/elsewhere"}, Discard),
        (404, {}, Discard),
        (429, {"Retry-After": "2"}, RateLimited),
        (500, {}, CallFailed),
        (503, {"Retry-After": "2"}, RetryLater),
    ]
    for status, headers, outcome in cases:
        api.answers(status, headers, body=b"s3cret")
        with pytest.raises(outcome) as raised:
            await call(job({"token": "s3cret"}))
        assert "s3cret" not in f"{raised.value!r} {raised.value}"
        assert raised.value.__cause__ is None
    assert len(api.seen) == len(cases), "a redirect was followed or a failure tried again"
    assert api.seen[0][0].headers["Authorization"].startswith("Basic ")


@pytest.mark.parametrize("limit", [None, "shop"])
async def test_a_429_closes_the_limit_that_the_type_names(
    api: Api, client: HttpClient, limit: str | None
) -> None:
    api.answers(429, {"Retry-After": "2"})
    with pytest.raises(RateLimited) as raised:
        await client.resolve(HttpCall(api.url, limit_on_429=limit))(job({}))
    assert (raised.value.limit, raised.value.retry_after_s) == (limit, 2.0)


async def test_a_failed_request_names_only_its_exception(unused_tcp_port: int, client: HttpClient) -> None:
    with pytest.raises(CallFailed, match=r"^no answer: ClientConnectorError: Connection refused$") as raised:
        await client.call(HttpCall(f"http://u:s3cret@127.0.0.1:{unused_tcp_port}/?s3cret"), job())
    assert raised.value.__suppress_context__


async def test_one_connection_serves_many_jobs(api: Api, client: HttpClient) -> None:
    for status in (200, 404, 500, 302, 204):
        api.answers(status, body=b"x" * (BODY_MAX_BYTES - 1) if status != 204 else b"")
        await asyncio.gather(client.call(HttpCall(api.url), job()), return_exceptions=True)
    assert len(api.seen) == 5
    assert len(api.peers) == 1


async def test_a_late_body_is_read_to_keep_its_connection(
    api: Api, client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = asyncio.Event()
    drain = http_call_module._drain

    async def signalled(response: aiohttp.ClientResponse) -> None:
        reading.set()
        await drain(response)

    monkeypatch.setattr(http_call_module, "_drain", signalled)

    async def respond(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x")
        await reading.wait()
        await response.write(b"y" * 40_000)
        return response

    api.respond = respond
    for _ in range(3):
        reading.clear()
        await client.call(HttpCall(api.url), job())
    assert len(api.peers) == 1


async def test_a_body_without_end_is_left_after_64_kib(
    api: Api, client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_call_module, "BODY_WAIT_S", 1000)
    stopped = asyncio.Event()

    async def respond(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 4096)
        finally:
            stopped.set()

    api.respond = respond
    await asyncio.wait_for(client.call(HttpCall(api.url), job()), 30)
    await asyncio.wait_for(stopped.wait(), 30)


@pytest.mark.parametrize("then", ["stalls", "breaks"])
async def test_a_broken_body_does_not_undo_the_status(
    api: Api, client: HttpClient, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    monkeypatch.setattr(http_call_module, "BODY_WAIT_S", 0.05)
    forever = asyncio.Event()

    async def respond(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"x")
        assert request.transport is not None
        if then == "breaks":
            request.transport.abort()
        else:
            await forever.wait()
        return response

    api.respond = respond
    await asyncio.wait_for(client.call(HttpCall(api.url), job()), 30)
    forever.set()


async def test_cookies_of_one_answer_do_not_reach_the_next_request(api: Api, client: HttpClient) -> None:
    api.answers(200, {"Set-Cookie": "session=u-1; Path=/"})
    for _ in range(2):
        await client.call(HttpCall(api.url), job())
    assert "Cookie" not in api.seen[1][0].headers


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_broken_pooled_connection_never_sends_a_request_twice(
    client: HttpClient, method: str
) -> None:
    """Its second sending would have no permit of the global limit."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        if len(heads) == 1:
            if method == "POST":
                await reader.readexactly(len(b"{}"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        spec = HttpCall(f"http://127.0.0.1:{port}/", method)
        await client.call(spec, job())
        with pytest.raises(CallFailed, match=r"ServerDisconnected|reset"):
            await client.call(spec, job())
    assert len(heads) == 2


async def test_a_cancelled_call_stops_waiting(api: Api, client: HttpClient) -> None:
    arrived, forever = asyncio.Event(), asyncio.Event()

    async def respond(request: web.Request) -> web.StreamResponse:
        arrived.set()
        await forever.wait()
        return web.Response()

    api.respond = respond
    running = asyncio.ensure_future(client.call(HttpCall(api.url), job()))
    await asyncio.wait_for(arrived.wait(), 30)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    forever.set()


async def test_a_closed_client_opens_again(api: Api, client: HttpClient) -> None:
    await client.call(HttpCall(api.url), job())
    await client.close()
    await client.close()
    await client.call(HttpCall(api.url), job())
    assert len(api.peers) == 2
