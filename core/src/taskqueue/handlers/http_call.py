"""The handler that needs no code: one request per job, to the URL of the task type.

    call -> request (http_request) -> a pooled connection -> status -> outcome (status)

The start of a job is a reserved slot of the global limit, so the request leaves as directly as it can: on
a pooled connection nothing is awaited between `call` and the write. At most one request arrives per call:
no redirect is followed and aiohttp's own second try is off, since neither would have a permit.
"""

import asyncio
import os
from contextlib import suppress
from functools import partial

import aiohttp

from taskqueue import __version__
from taskqueue.handlers import http_request
from taskqueue.handlers.errors import CallFailed
from taskqueue.handlers.job import Job
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

    def resolve(self, spec: HttpCall) -> Runnable:
        """Return the handler of a task type. Raises BadHttpCall for what could not be called."""
        http_request.check(spec)
        # The spec stays as written and is expanded per call (microseconds): no secret ends up in a repr.
        return partial(self.call, spec)

    async def call(self, spec: HttpCall, job: Job) -> None:
        """Send one request; return if the answer is 2xx, else raise as `status.judge` says.

        Raises CallFailed if there is no answer. There is no timeout here: the worker cancels a job that takes
        longer than its type allows.
        """
        url, body = http_request.target(spec, job.params)
        headers = http_request.headers(spec, job)
        session = self._session or self._open()
        try:
            response = await session.request(
                spec.method, url, data=body, headers=headers, allow_redirects=False
            )
        except (aiohttp.ClientError, OSError) as error:
            # Not chained: aiohttp's messages may quote the URL.
            raise CallFailed(_cause(error)) from None
        try:
            await _drain(response)
        finally:
            response.release()
        judge(response.status, response.headers)

    async def close(self) -> None:
        """Close the connections; requests under way fail."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        """Open the session; the first call does, because a session belongs to the running loop."""
        self._session = session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections),
            # What one user's answer sets must not reach another's request.
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            headers={"User-Agent": f"taskqueue/{__version__}"},
            auto_decompress=False,
        )
        # A GET whose pooled connection breaks would be sent twice, the second time without a permit.
        # aiohttp has no public switch for it.
        session._retry_connection = False  # noqa: SLF001
        return session


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Read the body within bounds. What fails here changes nothing: the status has said what happened."""
    if response.content.is_eof():
        return
    timer = asyncio.get_running_loop().call_later(BODY_WAIT_S, response.close)
    left = BODY_MAX_BYTES
    try:
        with suppress(aiohttp.ClientError, OSError):
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
