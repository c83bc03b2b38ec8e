"""The handler that needs no code: one request per job, to the URL of the task type.

    call -> request (http_request) -> a connection -> the job's slot -> status -> outcome (status)

The start of a job is a reserved slot of the global limit. So the connection stands before it (http_connection), and
no other step comes between the slot and the write. At most one request arrives per call: redirects are not followed and
aiohttp's second try is off, as neither has a permit. The status decides, also where the rest of the answer is not HTTP
(http_answer).
"""

import asyncio
import os
from contextlib import suppress

import aiohttp

from taskqueue.handlers import http_request
from taskqueue.handlers.errors import CallFailed
from taskqueue.handlers.http_answer import is_beginning, read_head
from taskqueue.handlers.http_connection import ConnectTimes, Exchange, open_session
from taskqueue.handlers.job import Job
from taskqueue.handlers.managed import ManagedHandler
from taskqueue.handlers.outcomes import Discard
from taskqueue.handlers.registry import Runnable
from taskqueue.handlers.status import judge
from taskqueue.models.values import HttpCall

BODY_MAX_BYTES = 64 * 1024
BODY_WAIT_S = 5.0
"""Bounds for reading a body, so that its connection serves the next job. The status alone decides."""


class HttpClient:
    """One pool of connections for all HTTP handlers of a worker.

    connections: upper bound; 0 for none but the worker's concurrency. With fewer than the concurrency, requests would
    wait for a connection and miss their slots.
    """

    def __init__(self, connections: int = 0) -> None:
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None
        self._times = ConnectTimes()

    def resolve(self, call: HttpCall) -> Runnable:
        """Return the handler of a task type. Raises BadHttpCall if the call cannot be made."""
        http_request.check(call)
        return HttpHandler(self, call)

    @property
    def ahead_s(self) -> float:
        """Time before its slot at which a job asks for a connection."""
        return self._times.ahead_s

    async def call(self, call: HttpCall, job: Job) -> None:
        """Send one request. Returns after a 2xx; other statuses raise as in `status.judge`.

        Raises CallFailed without an answer, Discard for an answer that is not HTTP, SlotMissed if the connection came
        too late. Has no timeout: the worker cancels a job that takes longer than its type allows.
        """
        url, body = http_request.target(call, job.params)
        headers = http_request.headers(call, job)
        session = self._session or self._open()
        exchange = Exchange(job.slot, self._times)
        try:
            response = await session.request(
                call.method, url, data=body, headers=headers, allow_redirects=False, middlewares=(exchange,)
            )
        except (aiohttp.ClientError, OSError) as error:
            judge_broken(exchange.head, error, call.limit_on_429)
            return
        except asyncio.CancelledError:
            head = read_head(exchange.head)
            if head is None:
                raise
            judge(head.status, head.headers, call.limit_on_429)  # the status came, however slow the rest is
            return
        try:
            await _drain(response)
        finally:
            exchange.ended()
            response.release()
        judge(response.status, response.headers, call.limit_on_429)

    async def close(self) -> None:
        """Close the connections; requests under way fail."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        """Open the session, at the first call, as a session belongs to the running loop."""
        self._session = session = open_session(self._connections)
        return session


class HttpHandler(ManagedHandler):
    """The handler of one task type. References are expanded per call, so that no secret gets into a repr."""

    def __init__(self, client: HttpClient, call: HttpCall) -> None:
        self._client = client
        self._call = call

    @property
    def ahead_s(self) -> float:
        return self._client.ahead_s

    async def __call__(self, job: Job) -> None:
        await self._client.call(self._call, job)


def judge_broken(data: bytes, error: Exception, limit_on_429: str | None = None) -> None:
    """Judge an answer by its first bytes, if any. The error's text is not used, as it may quote the URL."""
    head = read_head(data)
    if head is not None:
        judge(head.status, head.headers, limit_on_429)
    elif is_beginning(data):
        raise CallFailed(_cause(error)) from None
    else:
        # Not sent again: the request may have been carried out, and the next answer would be as unreadable.
        raise Discard(
            "the answer cannot be read: it does not begin with a status line of HTTP/1, so the url may name something "
            "else; whether the request was carried out is not known"
        ) from None


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Read the body within bounds. A failure changes nothing, as the status decides.

    A cancelled job (timeout, shutdown) ends here too, with the outcome of its status.
    """
    if response.content.is_eof():
        return
    timer = asyncio.get_running_loop().call_later(BODY_WAIT_S, response.close)
    left = BODY_MAX_BYTES
    try:
        with suppress(Exception, asyncio.CancelledError):
            while left > 0 and (chunk := await response.content.read(left)):
                left -= len(chunk)
    finally:
        timer.cancel()


def _cause(error: Exception) -> str:
    """Return the type of an error and the system's text for it; no part of the request."""
    system = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    number = system.errno if isinstance(system, OSError) else None
    name = f"no answer: {type(error).__name__}"
    # Negative numbers are the resolver's, not the system's.
    return f"{name}: {os.strerror(number)}" if number is not None and number > 0 else name
