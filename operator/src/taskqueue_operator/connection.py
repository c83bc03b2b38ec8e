"""One connection to one API server: JSON goes, bytes come.

Of the client library this takes who we are, where the server is, and its pool of connections. Its generated classes
are left aside: to import them costs 100 MB and a second, and they copy each object three times on its way.
"""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPMethod
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
from aiohttp import ClientError
from kubernetes.aio import client, config
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.config import ConfigException

#: What a call raises when the API server is down, slow or says no, or when something else answers in its place.
API_ERRORS = (ApiException, ClientError, OSError, TimeoutError, msgspec.DecodeError)
JSON = "application/json"
_AUTH = ["BearerToken"]  # the name of the one way the library knows; certificates belong to the connection
_ANY_SUCCESS = range(200, 300)
_SAID_MOST = 300


class Connection:
    """A pool of connections, with who we are."""

    def __init__(self, pool: client.ApiClient) -> None:
        self._pool = pool

    async def call(
        self,
        method: HTTPMethod,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = JSON,
        timeout_s: float = 10.0,
    ) -> bytes:
        """Call and return what a successful answer holds. Raises ApiException for any other, and API_ERRORS."""
        headers = {"Accept": JSON, "Content-Type": content_type}
        await self._pool.update_params_for_auth(headers, [], _AUTH, path, method, body)
        url = f"{self._pool.configuration.host}{path}" + (f"?{urlencode(query)}" if query else "")
        answer = await self._pool.call_api(method, url, headers, body, _request_timeout=timeout_s)
        read: bytes = await answer.read()
        if answer.status not in _ANY_SUCCESS:
            raise ApiException(http_resp=answer)
        return read


@asynccontextmanager
async def connect() -> AsyncIterator[Connection]:
    """Open the API that KUBECONFIG, the pod's service account or ~/.kube/config names, in this order.

    Raises ConfigException where nothing says how to reach one, or nothing that can be understood.
    """
    try:
        configuration = client.Configuration()
        if in_a_pod():
            config.load_incluster_config(client_configuration=configuration)
        else:
            # The client itself looks at it only once, when it is imported.
            named = os.environ.get("KUBECONFIG")
            await config.load_kube_config(config_file=named, client_configuration=configuration)
        connected = client.ApiClient(configuration)
    except ConfigException:
        raise
    except Exception as error:  # the library lets through whatever a malformed file makes it meet
        raise ConfigException(said(error)) from error
    async with connected as pool:
        yield Connection(pool)


def said(error: BaseException) -> str:
    """What an error says, in a line for the log; of one of the API server, its own words."""
    if not isinstance(error, ApiException):
        return f"{type(error).__name__}: {error}".removesuffix(": ")[:_SAID_MOST]
    try:
        why = msgspec.json.decode(error.body or "")["message"]
    except (msgspec.DecodeError, TypeError, KeyError):  # something on the way that is no API server
        why = error.body
    return f"{error.status} {error.reason}: {why}"[:_SAID_MOST]


def in_a_pod() -> bool:
    """Whether the service account of a pod says who we are: unless KUBECONFIG says so first."""
    token = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
    return not os.environ.get("KUBECONFIG") and token.exists()
