"""The connection to one API server: JSON bodies, and answers as bytes of bounded depth, which any decoder can read.

It needs no client library: the operator makes ten different calls (docs/internals.md).
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPMethod, HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec

from taskqueue import __version__
from taskqueue.models.nesting import cut
from taskqueue_operator.access.credentials import Credentials
from taskqueue_operator.access.kubeconfig import (
    Cluster,
    User,
    read_kubeconfig,
    read_service_account,
)


class ApiError(Exception):
    """The API server refused a call or failed."""

    def __init__(self, status: int, reason: str = "", body: bytes = b"") -> None:
        super().__init__(status, reason, body)
        self.status = status
        self.reason = reason
        self.body = body


class AnswerTooLongError(Exception):
    """An answer is longer than its limit."""


#: Raised by decoding an answer that is not JSON, not UTF-8 or of another shape.
UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError)
#: Raised by a call: the API server is down, slow or refuses, or another server answers in its place.
API_ERRORS = (ApiError, aiohttp.ClientError, OSError, TimeoutError, AnswerTooLongError, *UNDECODABLE)
JSON = "application/json"
_ANY_SUCCESS = range(200, 300)
_MAX_MESSAGE = 300
#: The depth of longer answers is bounded in a thread: 64 MiB of hostile content take seconds.
_LONG_BYTES = 2**16
_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_DEFAULT_KUBECONFIG = Path("~/.kube/config")


class Connection:
    """A pool of connections, and the credentials of each request."""

    def __init__(self, session: aiohttp.ClientSession, credentials: Credentials) -> None:
        self._session = session
        self.credentials = credentials

    async def call(
        self,
        method: HTTPMethod,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        accept: str = JSON,
        content_type: str = JSON,
        timeout_s: float = 10.0,
        max_bytes: int | None = None,
    ) -> bytes:
        """Return the content of a successful answer. Raises API_ERRORS; ApiError if the answer is no success."""
        headers = {"Accept": accept}
        if body is not None:
            headers["Content-Type"] = content_type
        data = None if body is None else msgspec.json.encode(body)
        async with await self._request(method, path, query, headers, data, timeout_s) as answer:
            read = await _read(answer, max_bytes)
            self._check(answer, read)
        return read

    @asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str], timeout_s: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Begin a GET with an answer of many parts, as of a watch. Raises API_ERRORS, also while the answer is read."""
        answer = await self._request(HTTPMethod.GET, path, query, {"Accept": JSON}, None, timeout_s)
        try:
            if answer.status not in _ANY_SUCCESS:
                self._check(answer, await _read(answer, None))
            yield answer.content.iter_any()
        finally:
            answer.close()

    async def _request(
        self,
        method: HTTPMethod,
        path: str,
        query: Mapping[str, str] | None,
        headers: dict[str, str],
        data: bytes | None,
        timeout_s: float,
    ) -> aiohttp.ClientResponse:
        await self.credentials.renew()
        if self.credentials.authorization:
            headers["Authorization"] = self.credentials.authorization
        url = f"{self.credentials.server}{path}" + (f"?{urlencode(query)}" if query else "")
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        try:
            return await self._session.request(
                method, url, data=data, headers=headers, timeout=timeout, **self.credentials.transport
            )
        except aiohttp.ClientConnectorCertificateError:
            self.credentials.refuse()
            raise

    def _check(self, answer: aiohttp.ClientResponse, read: bytes) -> None:
        """Raise ApiError unless an answer is a success."""
        if answer.status in _ANY_SUCCESS:
            return
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self.credentials.refuse()
        raise ApiError(answer.status, answer.reason or "", read)


@asynccontextmanager
async def connect(kubeconfig: Path | None = None) -> AsyncIterator[Connection]:
    """Connect to the API server of a file, KUBECONFIG, the service account or ~/.kube/config, the first that exists.

    Raises KubeconfigError if none of them exists, or its content is not supported.
    """
    credentials = Credentials(*_find(kubeconfig))
    await credentials.read()
    async with open_session() as session:
        yield Connection(session, credentials)


def open_session(limit: int = 100) -> aiohttp.ClientSession:
    """Return a pool for the running loop. limit: maximum number of connections; 0 for no limit.

    The pool ignores the environment: aiohttp would also read ~/.netrc, and refuse a request that has a token.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=limit),
        headers={"User-Agent": f"taskqueue-operator/{__version__}"},
    )


def _find(kubeconfig: Path | None) -> tuple[Cluster, User]:
    """Return the cluster and user to connect to. Raises KubeconfigError."""
    if kubeconfig:
        return read_kubeconfig([kubeconfig])
    if paths := [
        Path(part).expanduser() for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part
    ]:
        return read_kubeconfig([path for path in paths if path.exists()] or paths)
    if (_SERVICE_ACCOUNT / "token").exists():
        return read_service_account(_SERVICE_ACCOUNT)
    return read_kubeconfig([_DEFAULT_KUBECONFIG.expanduser()])


async def _read(answer: aiohttp.ClientResponse, max_bytes: int | None) -> bytes:
    """Read to the end. Raises AnswerTooLongError."""
    chunks, length = [], 0
    async for chunk in answer.content.iter_any():
        length += len(chunk)
        if max_bytes is not None and length > max_bytes:
            answer.close()
            raise AnswerTooLongError(f"more than {max_bytes} bytes")
        chunks.append(chunk)
    whole = b"".join(chunks)
    chunks.clear()
    return cut(whole) if length <= _LONG_BYTES else await asyncio.to_thread(cut, whole)


def describe_error(error: BaseException) -> str:
    """Describe an error in one line for the log; an ApiError by the message of the API server."""
    if not isinstance(error, ApiError):
        return f"{type(error).__name__}: {error}".removesuffix(": ")[:_MAX_MESSAGE]
    try:
        message = msgspec.json.decode(error.body)["message"]
    except (*UNDECODABLE, TypeError, KeyError):  # a proxy's answer, for example
        message = error.body.decode(errors="replace")
    return f"{error.status} {error.reason}: {message}"[:_MAX_MESSAGE]
