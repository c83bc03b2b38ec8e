"""Latency of a request: from the call of a handler's client to its arrival, in one process and one loop."""

import statistics
import time
from collections.abc import Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from taskqueue.handlers import Job
from taskqueue.handlers.http_call import HttpClient
from taskqueue.models.values import HttpCall
from taskqueue.testing import Permits

pytestmark = pytest.mark.conformance


async def test_a_request_leaves_at_once(row: Callable[..., None]) -> None:
    arrived_s: list[float] = []

    async def handle(request: web.Request) -> web.Response:
        arrived_s.append(time.perf_counter())
        await request.read()
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handle)
    called_s: list[float] = []
    client = HttpClient()
    async with TestServer(app) as server:
        url = str(server.make_url("/orders"))
        for n in range(60):
            called_s.append(time.perf_counter())
            await client.call(HttpCall(url), Job("fetch", "u-1@x", 60, 60_500, {"n": n}, 1, Permits(), "01J"))
        await client.close()
    # The first opens the connection.
    delays_ms = [(there - here) * 1000 for here, there in zip(called_s, arrived_s, strict=True)][1:]
    row("a request's way", 0, median_ms=statistics.median(delays_ms), worst_ms=max(delays_ms))
    assert statistics.median(delays_ms) < 5  # typically 0.5
