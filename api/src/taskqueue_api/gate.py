"""The gate: every request must be signed in, and every write be an editor's; no route can forget either.

Open without sign-in are the sign-in page and the console's files alone. A stream of events ends with the session that
opened it. Requests at once are bounded, those without sign-in apart: strangers who are slow keep no caller out.
"""

import time
from collections import Counter
from collections.abc import Callable

from fastapi import Request, Response
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskqueue_api.guard import SAFE_METHODS, is_same_origin
from taskqueue_api.problems import ProblemError
from taskqueue_api.settings import ApiSettings
from taskqueue_api.sign_in.authentication import SignIn, check_role, viewer
from taskqueue_api.sign_in.caller import Caller, SignedInBy

#: Returns the answer to a request that is refused.
Refuse = Callable[[Request, ProblemError], Response]

SESSION_PATHS = frozenset({"/sign-in", "/sign-out"})
_FILES = "/static/"
#: Requests of callers that are answered at the same time, streams among them, and requests without sign-in.
MAX_REQUESTS, MAX_STRANGERS = 500, 100
#: Seconds between two looks whether the caller of a stream is still signed in.
_STILL_S = 2.0


def is_open(path: str) -> bool:
    """Tell whether reads of a path, and sign-in, are answered without sign-in."""
    return path in SESSION_PATHS or path.startswith(_FILES)


def is_write(scope: Scope) -> bool:
    """Tell whether a request may change the store: all but reads and sign-in do."""
    return scope["method"] not in SAFE_METHODS and scope["path"] not in SESSION_PATHS


class Gate:
    """An ASGI app in front of another."""

    def __init__(self, app: ASGIApp, sign_in: SignIn, settings: ApiSettings, refuse: Refuse) -> None:
        self._app = app
        self._sign_in = sign_in
        self._settings = settings
        self._refuse = refuse
        self._running = Counter[bool]()  # by whether the caller is signed in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        try:
            caller = self._sign_in.caller(request)
            scope.setdefault("state", {})["caller"] = caller
            if not is_open(scope["path"]) or is_write(scope):
                self._check(request)
            self._check_room(is_signed_in=bool(caller))
        except ProblemError as error:
            await self._refuse(request, error)(scope, receive, send)
            return
        self._running[bool(caller)] += 1
        try:
            await self._app(scope, receive, _while_signed_in(send, lambda: self._is_still(request, caller)))
        finally:
            self._running[bool(caller)] -= 1

    def _check(self, request: Request) -> None:
        """Check that the caller may send a request. Raises ProblemError."""
        caller = viewer(request)
        if is_write(request.scope):
            check_role(caller, self._settings)
            _check_origin(request.headers, caller)

    def _check_room(self, *, is_signed_in: bool) -> None:
        """Check that a further request may be answered. Raises ProblemError."""
        most = MAX_REQUESTS if is_signed_in else MAX_STRANGERS
        if self._running[is_signed_in] >= most:
            detail = f"{most} requests are being answered: try again"
            raise ProblemError(503, "Too many requests at once", detail, headers={"Retry-After": "1"})

    def _is_still(self, request: Request, caller: Caller | None) -> bool:
        try:
            return self._sign_in.caller(request) == caller
        except ProblemError:
            return False


def _check_origin(headers: Headers, caller: Caller) -> None:
    """Check that a write with a cookie comes from a page of this host. Raises ProblemError."""
    if caller.by is SignedInBy.SESSION and not is_same_origin(headers):
        raise ProblemError(403, "Origin missing", "a write with a cookie needs the header Origin", "Origin")


def _while_signed_in(send: Send, is_still: Callable[[], bool]) -> Send:
    """Return a `send` that ends a stream of events once its caller is not signed in any more."""
    is_stream, has_ended, looked_s = False, False, time.monotonic()

    async def sent(message: Message) -> None:
        nonlocal is_stream, has_ended, looked_s
        if message["type"] == "http.response.start":
            is_stream = (
                Headers(raw=message["headers"]).get("content-type", "").startswith("text/event-stream")
            )
        elif is_stream and not has_ended and time.monotonic() - looked_s >= _STILL_S:
            looked_s = time.monotonic()
            if not is_still():
                has_ended = True
                await send({"type": "http.response.body", "body": b""})
        if not has_ended:
            await send(message)

    return sent
