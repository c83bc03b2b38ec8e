"""The handler that needs no code: one request per job, to the URL of the task type.

    call -> request (http_request) -> a connection -> the job's slot -> status -> outcome (status)

The start of a job is a reserved slot of the global limit, so the connection is there before it (http_connection), and
nothing is awaited between the slot and the write. At most one request arrives per call: no redirect is followed and
aiohttp's own second try is off, since neither would have a permit. The status decides, also of an answer that
is otherwise no HTTP (http_answer).
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
"""The status decides; the body is read, this much and this long, to use its connection again."""


class HttpClient:
    """One pool of connections for all HTTP handlers of a worker.

    connections: how many may be open. Fewer than the worker's concurrency would make requests wait for
    a connection and miss their slots; 0 leaves that concurrency as the only bound.
    """

    def __init__(self, connections: int = 0) -> None:
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None
        self._times = ConnectTimes()

    def resolve(self, spec: HttpCall) -> Runnable:
        """Return the handler of a task type. Raises BadHttpCall for what could not be called."""
        http_request.check(spec)
        return HttpHandler(self, spec)

    @property
    def ahead_s(self) -> float:
        """How long before its slot a job needs to ask for a connection."""
        return self._times.ahead_s

    async def call(self, spec: HttpCall, job: Job) -> None:
        """Send one request; return if the answer is 2xx, else raise as `status.judge` says.

        Raises CallFailed if there is no answer, Discard if it is none of HTTP, SlotMissed if the connection came too
        late. There is no timeout here: the worker cancels a job that takes longer than its type allows.
        """
        url, body = http_request.target(spec, job.params)
        headers = http_request.headers(spec, job)
        session = self._session or self._open()
        exchange = Exchange(job.slot, self._times)
        try:
            response = await session.request(
                spec.method, url, data=body, headers=headers, allow_redirects=False, middlewares=(exchange,)
            )
        except (aiohttp.ClientError, OSError) as error:
            judge_broken(exchange.head, error)
            return
        except asyncio.CancelledError:
            head = read_head(exchange.head)
            if head is None:
                raise
            judge(head.status, head.headers)  # it was answered, however slowly the rest comes
            return
        try:
            await _drain(response)
        finally:
            exchange.ended()
            response.release()
        judge(response.status, response.headers)

    async def close(self) -> None:
        """Close the connections; requests under way fail."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        """Open the session; the first call does, because a session belongs to the running loop."""
        self._session = session = open_session(self._connections)
        return session


class HttpHandler(ManagedHandler):
    """The handler of one task type. The spec stays as written and is expanded per call: no secret gets into a repr."""

    def __init__(self, client: HttpClient, spec: HttpCall) -> None:
        self._client = client
        self._spec = spec

    @property
    def ahead_s(self) -> float:
        return self._client.ahead_s

    async def __call__(self, job: Job) -> None:
        await self._client.call(self._spec, job)


def judge_broken(data: bytes, error: Exception) -> None:
    """Judge an answer of which only the first bytes are known, if any. The error's own text may quote the URL."""
    head = read_head(data)
    if head is not None:
        judge(head.status, head.headers)
    elif is_beginning(data):
        raise CallFailed(_cause(error)) from None
    else:
        # Not sent again: the request was answered, so it may have been carried out, and a repeat would read as badly.
        raise Discard(
            "the answer cannot be read: it does not begin with a status line of HTTP/1, so the url may name something "
            "else; whether the request was carried out is not known"
        ) from None


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Read the body within bounds. What fails here changes nothing: the status has said what happened.

    A cancelled job (timeout, shutdown) ends here too, and still as its status says.
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
    """Name the kind of error and the system's word for it; nothing of the request."""
    system = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    number = system.errno if isinstance(system, OSError) else None
    name = f"no answer: {type(error).__name__}"
    # Negative numbers are the resolver's, not the system's.
    return f"{name}: {os.strerror(number)}" if number is not None and number > 0 else name
