"""The caller of a request: a bearer token, the cookie of a session, the headers of a proxy, or loopback."""

import hmac
from typing import Annotated

from fastapi import Depends, Request, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer

from taskqueue_api.guard import SAFE_METHODS
from taskqueue_api.problems import ProblemError
from taskqueue_api.settings import ApiSettings
from taskqueue_api.sign_in.caller import Caller, Role
from taskqueue_api.sign_in.credentials import Credentials

COOKIE = "taskqueue"


class SignIn:
    """The sign-in of one process."""

    def __init__(self, credentials: Credentials, settings: ApiSettings) -> None:
        self._credentials = credentials
        self._settings = settings
        once = settings.one_time_token
        self._once = once.get_secret_value() if once else ""

    def caller(self, request: Request) -> Caller | None:
        """Return the caller of a request, None for one that must sign in."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._credentials.caller(token.strip())
        secret = request.headers.get("x-proxy-secret")
        if secret is not None and self._credentials.is_proxy(secret):
            return self._proxied(request)
        if cookie := request.cookies.get(COOKIE):
            return self._session(cookie)
        if not self._credentials.exist and self._settings.one_time_token is None:
            return Caller("loopback", Role.EDITOR, "loopback")
        return None

    def begin(self, token: str, response: Response) -> Caller | None:
        """Begin the session of a browser that knows a token, and set its cookie."""
        if self._once and hmac.compare_digest(self._once.encode(), token.encode()):
            self._once = ""
            caller: Caller | None = Caller("one-time token", Role.EDITOR, "session")
        else:
            caller = self._credentials.caller(token)
        if caller:
            value = self._serializer().dumps([caller.name, caller.role.value])
            age = self._settings.session
            response.set_cookie(COOKIE, value, max_age=age, httponly=True, samesite="strict", path="/")
        return caller

    def _session(self, cookie: str) -> Caller | None:
        try:
            name, role = self._serializer().loads(cookie, max_age=self._settings.session)
        except BadSignature:
            return None
        return Caller(name, Role(role), "session")

    def _proxied(self, request: Request) -> Caller | None:
        name = request.headers.get("x-forwarded-email") or request.headers.get("x-forwarded-user")
        groups = {one.strip() for one in request.headers.get("x-forwarded-groups", "").split(",")}
        role = Role.EDITOR if groups & set(self._settings.editor_groups) else Role.VIEWER
        return Caller(name, role, "proxy") if name else None

    def _serializer(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self._credentials.key(), salt="session")


def viewer(request: Request) -> Caller:
    """Return the caller of a request that reads. Raises ProblemError."""
    caller: Caller | None = request.app.state.parts.sign_in.caller(request)
    if caller is None:
        raise ProblemError(
            401, "Not signed in", "the request needs a bearer token, or a session of the console"
        )
    return caller


def editor(request: Request, caller: Annotated[Caller, Depends(viewer)]) -> Caller:
    """Return the caller of a request that writes. Raises ProblemError."""
    if request.app.state.parts.settings.read_only:
        raise ProblemError(403, "Read only", "this process refuses writes (setting read_only)")
    if caller.role is not Role.EDITOR:
        raise ProblemError(403, "Not allowed", f"the role must be editor (was {caller.role.value})")
    by_cookie = caller.by in {"session", "loopback", "proxy"}
    if by_cookie and request.method not in SAFE_METHODS and "origin" not in request.headers:
        is_json = request.headers.get("content-type", "").partition(";")[0].endswith("json")
        if not is_json:
            raise ProblemError(
                403, "Origin missing", "a write without a token needs the header Origin", "Origin"
            )
    return caller


Viewer = Annotated[Caller, Depends(viewer)]
Editor = Annotated[Caller, Depends(editor)]
