"""kopf's requests to the API server, in place of an aiohttp.ClientSession; answers that would end kopf are hidden."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPMethod, HTTPStatus
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit, urlunsplit

import aiohttp
import msgspec

from taskqueue.models.nesting import cut
from taskqueue_operator.access.credentials import Transport
from taskqueue_operator.connection import UNDECODABLE
from taskqueue_operator.kopf_watch.answer import Answer
from taskqueue_operator.kopf_watch.lines import Expired, Lines
from taskqueue_operator.kopf_watch.pulse import Pulse

#: Refusals of a watch until its kind is listed again, in case the version to watch from is refused.
_TRIES = 6
#: Minimum time between two watch requests for one kind, in case answers end at once.
_PAUSE_S = 1.0
_CONNECT_S = 5.0
#: A watch of an API server lasts longer than this part of the maximum silence.
_EARLY = 2
_LIST_ACCEPT = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
#: Answers that would end kopf, or make it log in again without a pause.
_ENDING = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class RefusedError(aiohttp.ClientConnectionError):
    """The API server refused a list or a watch."""


class _Version(msgspec.Struct):
    resourceVersion: str


class _List(msgspec.Struct):
    metadata: _Version


_LISTS = msgspec.json.Decoder(_List)


class Credentials(Protocol):
    """The current credentials.

    authorization: the header of that name; empty if a certificate is the identity. transport: further arguments of
    aiohttp for a request.
    """

    @property
    def authorization(self) -> str: ...

    @property
    def transport(self) -> Transport: ...


class Session:
    """Sends kopf's requests, in kopf's loop.

    on_list: called with a kind whose current version was read, from which it is watched next. silent_s: maximum silence
    of a watch, after which its connection is closed.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        credentials: Credentials,
        pulse: Pulse,
        on_list: Callable[[str], None],
        silent_s: float,
    ) -> None:
        self._session = session
        self._credentials = credentials
        self._pulse = pulse
        self._on_list = on_list
        self._silent_s = silent_s
        self._refused = Counter[str]()
        self._next_s = defaultdict[str, float](float)
        self.headers = session.headers

    @property
    def closed(self) -> bool:
        return self._session.closed

    async def close(self) -> None:
        await self._session.close()

    async def request(
        self,
        method: str,
        url: str,
        *,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  (the name that kopf gives it)
    ) -> Answer:
        """Send a request as aiohttp does. Raises aiohttp.ClientError, also as RefusedError, and TimeoutError."""
        path, query = urlsplit(url).path, parse_qs(urlsplit(url).query)
        plural = path.rpartition("/")[2]
        if method.upper() == HTTPMethod.GET and plural in self._pulse.plurals:
            if "watch" in query:
                return await self._watch(plural, url)
            return await self._list(plural, url, timeout)
        return await self._checked(await self._send(method, url, timeout, headers or {}, json))

    async def _list(self, plural: str, url: str, timeout: aiohttp.ClientTimeout) -> Answer:  # noqa: ASYNC109
        """Ask for one object only, because kopf needs just the version to watch from, and return an empty list."""
        short = urlunsplit(urlsplit(url)._replace(query="limit=1"))
        response = await self._send(HTTPMethod.GET, short, timeout, {"Accept": _LIST_ACCEPT})
        if response.status >= HTTPStatus.BAD_REQUEST:
            self._pulse.refused(plural)
            return await self._checked(response)
        try:
            version = _LISTS.decode(cut(await response.read())).metadata.resourceVersion
        except UNDECODABLE as error:
            raise RefusedError(f"list not decodable: {error}") from error
        self._on_list(plural)
        return Answer(response, document={"items": [], "metadata": {"resourceVersion": version}})

    async def _watch(self, plural: str, url: str) -> Answer:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._next_s[plural] - loop.time())
        self._next_s[plural] = loop.time() + _PAUSE_S
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=self._silent_s)
        response = await self._send(HTTPMethod.GET, url, timeout, {})
        if response.status < HTTPStatus.BAD_REQUEST:
            self._refused[plural] = 0
            alive = partial(self._pulse.alive, plural)
            return Answer(response, content=Lines(response.content, alive, self._silent_s / _EARLY))
        self._pulse.refused(plural)
        self._refused[plural] = (self._refused[plural] + 1) % _TRIES
        if self._refused[plural]:
            return await self._checked(response)
        return Answer(response, status=HTTPStatus.OK, content=Expired())

    async def _checked(self, response: aiohttp.ClientResponse) -> Answer:
        """Return an answer that kopf can handle. Raises RefusedError for other answers, which would end kopf.

        After a 401 kopf would log in again, without a pause and in vain: each request has the current credentials.
        """
        if response.status not in _ENDING and response.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Answer(response)
        message = cut(await response.read())[:300].decode(errors="replace")
        raise RefusedError(f"{response.status} {response.reason}: {message}")

    async def _send(
        self,
        method: str,
        url: str,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
        headers: Mapping[str, str],
        json: Any = None,
    ) -> aiohttp.ClientResponse:
        authorization = self._credentials.authorization
        own = {"Authorization": authorization} if authorization else {}
        return await self._session.request(
            method, url, json=json, headers={**headers, **own}, timeout=timeout, **self._credentials.transport
        )
