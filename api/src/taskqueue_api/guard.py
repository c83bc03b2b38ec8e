"""The guard in front of every route: the host of a request, its origin, its type, headers of every answer.

A page of another site may make a browser call this process, also on loopback, and its own name may resolve to this
address (DNS rebinding). Neither reaches a route: the host is not allowed, or the origin is another. No answer has
headers that let other sites read it.
"""

import re
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskqueue.models.refusal import must_be
from taskqueue_api.media_type import FORM, JSON, NDJSON, media_type
from taskqueue_api.problems import ProblemError, answer, wrong_media_type
from taskqueue_api.segments import read_path

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'; "
    "img-src 'self' data:"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: with it, browsers send forms of these very pages with `Origin: null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_HOST = re.compile(
    r"(?:\[(?P<address>[0-9a-f:.]{2,45})\]|(?P<name>[a-z0-9.-]{1,253}))(?::(?P<port>[0-9]{1,5}))?",
    re.IGNORECASE,
)
_MAX_PORT = 65_535
_API = "/v1/"
_FETCH_SITE = "sec-fetch-site"
_OWN_SITES = frozenset({"same-origin", "none"})


class Guard:
    """An ASGI app in front of another. hosts: names besides those of loopback, without ports."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = LOOPBACK | {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = _with_headers(send)
        scope = {**scope, "path": read_path(scope["path"])}
        if scope["method"] == "HEAD":
            scope, sent = {**scope, "method": "GET", "is_head": True}, _without_body(sent)
        try:
            self._check(scope, Headers(scope=scope))
        except ProblemError as error:
            await answer(error.problem, error.headers)(scope, receive, sent)
        else:
            await self._app(scope, receive, sent)

    def _check(self, scope: Scope, headers: Headers) -> None:
        """Check a request. Raises ProblemError."""
        host = headers.get("host", "")
        if host_of(headers) not in self._hosts:
            rule = "one of the setting hosts (--hosts) or of loopback, as HOST or HOST:PORT"
            raise ProblemError(421, "Host not allowed", f"Host {must_be(rule, host)}", "Host")
        own = f"{scope['scheme']}://{host}".lower()
        if any(origin.lower() != own for origin in headers.getlist("origin")):
            raise ProblemError(403, "Origin not allowed", "Origin must be this host's", "Origin")
        if headers.get(_FETCH_SITE, "none") not in _OWN_SITES and not _is_visit(scope["method"], headers):
            raise ProblemError(
                403, "Origin not allowed", "a page of another site sent this", "Sec-Fetch-Site"
            )
        if scope["method"] not in SAFE_METHODS:
            _check_write(scope["method"], scope["path"], headers)


def is_same_origin(headers: Headers) -> bool:
    """Tell whether a browser says that a page of this host sent a request. The guard has refused all other origins."""
    return "origin" in headers or headers.get(_FETCH_SITE) == "same-origin"


def host_of(headers: Headers) -> str:
    """Return the name or the address that a request is for, in lower case; empty where Host is not one HOST[:PORT].

    >>> host_of(Headers({"Host": "[::1]:8090"})), host_of(Headers({"Host": "evil.com@localhost"}))
    ('::1', '')
    """
    given = headers.getlist("host")
    found = _HOST.fullmatch(given[0]) if len(given) == 1 else None
    if found is None or int(found["port"] or 0) > _MAX_PORT:
        return ""
    return (found["address"] or found["name"]).lower()


def _is_visit(method: str, headers: Headers) -> bool:
    """Tell whether a person follows a link of another site: a page is opened, and that site cannot read it."""
    is_page = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return is_page and method in SAFE_METHODS


def _check_write(method: str, path: str, headers: Headers) -> None:
    """Check that no page of another site can have sent a write. Raises ProblemError.

    Browsers ask before they send JSON, or another method than POST, to another site, and are never answered yes. A form
    can be sent without asking, but not without its origin.
    """
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    if not path.startswith(_API):
        if not is_same_origin(headers):
            raise ProblemError(403, "Origin missing", "a form needs the header Origin", "Origin")
        if has_body and media_type(headers) != FORM:  # multipart names its own charset, some of which break
            raise wrong_media_type(FORM, media_type(headers))
        return
    given = media_type(headers)
    if (has_body or method == "POST") and not given.endswith(("/json", "+json", "/x-ndjson")):
        raise wrong_media_type(f"{JSON}, or {NDJSON} for lines", given)


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sent


def _without_body(send: Send) -> Send:
    """Return a `send` for HEAD: it ends the answer, also that of a stream, before its body."""
    has_ended = False

    async def sent(message: Message) -> None:
        nonlocal has_ended
        if message["type"] == "http.response.start":
            await send(message)
        elif not has_ended:
            has_ended = True
            await send({"type": "http.response.body", "body": b""})

    return sent
