"""One connection to one API server: JSON goes, bytes come, cut to a depth that every decoder manages.

Of the client library this takes who we are, where the server is, and its pool of connections. Its generated classes
are left aside: to import them costs 100 MB and a second, and they copy each object three times on its way.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPMethod
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
from aiohttp import ClientError, ClientResponse
from kubernetes.aio import client, config
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.config import ConfigException

from taskqueue.models.nesting import cut


class AnswerTooLongError(Exception):
    """An answer is longer than what was allowed for it."""


#: What decoding an answer raises: it is no JSON, of another shape, or no UTF-8.
UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError)
#: What a call raises when the API server is down, slow or says no, or when something else answers in its place.
API_ERRORS = (ApiException, ClientError, OSError, TimeoutError, AnswerTooLongError, *UNDECODABLE)
JSON = "application/json"
_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
_ANY_SUCCESS = range(200, 300)
_SAID_MOST = 300
#: A longer answer is cut in a thread: of 64 MiB that strangers wrote this takes seconds.
_LONG_BYTES = 2**16
_TOKEN = "BearerToken"  # noqa: S105  (the name of the one way the library knows; certificates belong to the connection)
#: A token file, or the program that gives tokens, is asked again this often.
_ASKED_AGAIN_S = 60.0


class Connection:
    """A pool of connections, with who we are."""

    def __init__(self, pool: client.ApiClient) -> None:
        self._pool = pool
        self.configuration = pool.configuration

    @property
    def authorization(self) -> str:
        """What the header of that name says now; empty where a certificate says who we are."""
        return str(self.configuration.api_key.get(_TOKEN, ""))

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
        """Call and return what a successful answer holds. Raises ApiException for any other, and API_ERRORS."""
        headers = {"Accept": accept, "Content-Type": content_type}
        await self._pool.update_params_for_auth(headers, [], [_TOKEN], path, method, body)
        url = f"{self.configuration.host}{path}" + (f"?{urlencode(query)}" if query else "")
        answer = await self._pool.call_api(method, url, headers, body, _request_timeout=timeout_s)
        read = await _read(answer.response, max_bytes)
        if answer.status not in _ANY_SUCCESS:
            answer.data = read  # type: ignore[assignment]  # what the library's own read does
            raise ApiException(http_resp=answer)
        return read

    @asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str], timeout_s: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Begin a GET whose answer comes bit by bit, as of a watch. Raises API_ERRORS, also while it is read."""
        headers = {"Accept": JSON}
        await self._pool.update_params_for_auth(headers, [], [_TOKEN], path, HTTPMethod.GET, None)
        url = f"{self.configuration.host}{path}?{urlencode(query)}"
        answer = await self._pool.call_api(HTTPMethod.GET, url, headers, _request_timeout=timeout_s)
        try:
            if answer.status not in _ANY_SUCCESS:
                await answer.read()
                raise ApiException(http_resp=answer)
            yield answer.response.content.iter_any()
        finally:
            answer.response.close()


@asynccontextmanager
async def connect(kubeconfig: Path | None = None) -> AsyncIterator[Connection]:
    """Open the API that a file, KUBECONFIG, the pod's service account or ~/.kube/config names, in this order.

    Raises ConfigException where nothing says how to reach one, or nothing that can be understood.
    """
    try:
        configuration = client.Configuration()
        # The client itself looks at the variable only once, when it is imported.
        named = kubeconfig or os.environ.get("KUBECONFIG")
        if not named and _in_a_pod():
            config.load_incluster_config(client_configuration=configuration)
        else:
            loader = await config.load_kube_config(
                str(named) if named else None, client_configuration=configuration
            )
            configuration.refresh_api_key_hook = _asking_again(loader.load_and_set)  # type: ignore[assignment]
        connected = client.ApiClient(configuration)
    except ConfigException:
        raise
    except Exception as error:  # the library lets through whatever a malformed file makes it meet
        raise ConfigException(describe_error(error)) from error
    async with connected as pool:
        yield Connection(pool)


async def _read(answer: ClientResponse, max_bytes: int | None) -> bytes:
    """Read to the end. Raises AnswerTooLongError."""
    chunks, length = [], 0
    async with answer:
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
    """What an error says, in a line for the log; of one of the API server, its own words."""
    if not isinstance(error, ApiException):
        return f"{type(error).__name__}: {error}".removesuffix(": ")[:_SAID_MOST]
    try:
        why = msgspec.json.decode(error.body or "")["message"]
    except (*UNDECODABLE, TypeError, KeyError):  # something on the way that is no API server
        why = error.body
    return f"{error.status} {error.reason}: {why}"[:_SAID_MOST]


def _in_a_pod() -> bool:
    """Whether the service account of a pod could say who we are."""
    return _SERVICE_ACCOUNT.exists()


def _asking_again(
    load: Callable[[client.Configuration], Awaitable[None]],
) -> Callable[[client.Configuration], Awaitable[None]]:
    """A hook that the client calls before each call: tokens end, and who gives them knows of others."""
    asked_s = time.monotonic()

    async def again(configuration: client.Configuration) -> None:
        nonlocal asked_s
        if time.monotonic() - asked_s >= _ASKED_AGAIN_S:
            asked_s = time.monotonic()
            await load(configuration)

    return again
