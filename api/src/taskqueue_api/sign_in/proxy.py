"""An authenticating proxy in front, such as oauth2-proxy: its headers count if it knows the secret, else they are gone.

Behind this step the scheme and the client of a request are the browser's, and any header X-Forwarded-* is the proxy's.
"""

from collections.abc import Collection

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from taskqueue_api.guard import LOOPBACK, host_of
from taskqueue_api.sign_in.caller import Caller, Role, SignedInBy
from taskqueue_api.sign_in.credentials_folder import CredentialsFolder
from taskqueue_api.sign_in.throttle import Throttle

_SECRET = b"x-proxy-secret"
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
        is_proxy = self._is_proxy(headers.get("x-proxy-secret"), address_of(scope))
        hidden = (_SECRET,) if is_proxy else (_SECRET, *_FORWARDED)
        kept = [(name, value) for name, value in scope["headers"] if not name.startswith(hidden)]
        scope = {**scope, "headers": kept}
        if self._is_https and host_of(headers) not in LOOPBACK:
            scope["scheme"] = "https"
        if is_proxy:
            _take_over(scope, headers)
        await self._app(scope, receive, send)

    def _is_proxy(self, secret: str | None, address: str) -> bool:
        if secret is None or self._throttle.wait_s(address):
            return False
        is_proxy = self._folder.current.is_proxy(secret)
        if not is_proxy:
            self._throttle.fail(address)
        return is_proxy


def _take_over(scope: Scope, headers: Headers) -> None:
    """Take the browser's scheme and address from a proxy's headers; the last address is the one that the proxy saw."""
    scheme = headers.get("x-forwarded-proto", "").lower()
    if scheme in {"http", "https"}:
        scope["scheme"] = scheme
    address = headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    if address:
        scope["client"] = (address[:64], 0)


def address_of(scope: Scope) -> str:
    """Return the address that a request came from."""
    return scope["client"][0] if scope.get("client") else ""


def proxied_caller(request: Request, editor_groups: Collection[str]) -> Caller | None:
    """Return the caller that a proxy's headers name."""
    name = request.headers.get("x-forwarded-email") or request.headers.get("x-forwarded-user")
    if not name:
        return None
    groups = {one.strip() for one in ",".join(request.headers.getlist("x-forwarded-groups")).split(",")}
    role = Role.EDITOR if groups & set(editor_groups) else Role.VIEWER
    return Caller(name[:_MAX_NAME], role, SignedInBy.PROXY)
