"""An authenticating proxy in front, such as oauth2-proxy: its headers count if it knows the secret, else they are gone.

Behind this step the scheme and the client of a request are the browser's, and any header X-Forwarded-* is the proxy's.
A header about its user that comes twice is refused: one of the two may be the browser's.
"""

from collections.abc import Collection, Sequence

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from taskqueue_api.guard import LOOPBACK, host_of
from taskqueue_api.problems import ProblemError
from taskqueue_api.sign_in.caller import Caller, Role, SignedInBy
from taskqueue_api.sign_in.credentials_folder import CredentialsFolder
from taskqueue_api.sign_in.throttle import Throttle

_SECRET = "X-Proxy-Secret"  # noqa: S105 - a name
_USER_HEADERS = ("X-Forwarded-Email", "X-Forwarded-User")
_GROUPS = "X-Forwarded-Groups"
#: Names of headers that begin with these are hidden.
_HIDDEN = (_SECRET.lower().encode(),)
_FORWARDED = (b"x-forwarded-", b"forwarded", b"x-real-ip")
_MAX_NAME = 100


class Proxied:
    """An ASGI app in front of another. is_https: callers reach this process by https, except on loopback."""

    def __init__(
        self, app: ASGIApp, folder: CredentialsFolder, throttle: Throttle, *, is_https: bool
    ) -> None:
        self._app = app
        self._folder = folder
        self._throttle = throttle
        self._is_https = is_https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        is_proxy = self._is_proxy(headers.getlist(_SECRET), address_of(scope))
        hidden = _HIDDEN if is_proxy else (*_HIDDEN, *_FORWARDED)
        kept = [(name, value) for name, value in scope["headers"] if not name.startswith(hidden)]
        scope = {**scope, "headers": kept}
        if self._is_https and host_of(headers) not in LOOPBACK:
            scope["scheme"] = "https"
        if is_proxy:
            _take_over(scope, headers)
        await self._app(scope, receive, send)

    def _is_proxy(self, secrets: Sequence[str], address: str) -> bool:
        # One secret more is a browser's: it proves nothing, and has no proxy wait that adds its own to it.
        if len(secrets) != 1 or self._throttle.wait_s(address):
            return False
        is_proxy = self._folder.current.is_proxy(secrets[0])
        if not is_proxy:
            self._throttle.fail(address)
        return is_proxy


def _take_over(scope: Scope, headers: Headers) -> None:
    """Take the browser's scheme and address from a proxy's headers; the last address is the one that the proxy saw."""
    scheme = headers.get("x-forwarded-proto", "").lower()
    if scheme in {"http", "https"}:
        scope["scheme"] = scheme
    address = ",".join(headers.getlist("x-forwarded-for")).rpartition(",")[2].strip()
    if address:
        scope["client"] = (_without_port(address)[:64], 0)


def _without_port(address: str) -> str:
    """Return an address without the port that some proxies add: each connection has another one."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


def address_of(scope: Scope) -> str:
    """Return the address that a request came from."""
    return scope["client"][0] if scope.get("client") else ""


def proxied_caller(request: Request, editor_groups: Collection[str]) -> Caller | None:
    """Return the caller that a proxy's headers name. Raises ProblemError for a header that comes twice."""
    groups = {one.strip() for one in _only(request.headers, _GROUPS).split(",")}
    email, user = [_only(request.headers, one) for one in _USER_HEADERS]
    name = email or user
    if not name:
        return None
    role = Role.EDITOR if (groups - {""}) & set(editor_groups) else Role.VIEWER
    return Caller(name[:_MAX_NAME], role, SignedInBy.PROXY)


def _only(headers: Headers, name: str) -> str:
    """Return the one header of a name, in UTF-8; empty for none. Raises ProblemError for more."""
    values = headers.getlist(name)
    if len(values) > 1:
        detail = (
            f"{name} must come once (was {len(values)} times): the proxy must replace what a browser sends"
        )
        raise ProblemError(400, "Header comes twice", detail, name)
    return "".join(values).encode("latin-1").decode(errors="replace")
