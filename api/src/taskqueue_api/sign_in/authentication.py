"""The caller of a request: by the headers of a proxy, a bearer token, the cookie of a session, or of loopback."""

import math
from typing import Annotated

from fastapi import Depends, Request, Response

from taskqueue_api.problems import ProblemError
from taskqueue_api.settings import ApiSettings
from taskqueue_api.sign_in.caller import LOOPBACK_CALLER, Caller, Role, SignedInBy
from taskqueue_api.sign_in.cookies import begin_session, read_session
from taskqueue_api.sign_in.credentials_folder import CredentialsFolder
from taskqueue_api.sign_in.one_time_token import OneTimeToken
from taskqueue_api.sign_in.proxy import address_of, proxied_caller
from taskqueue_api.sign_in.throttle import Throttle


class SignIn:
    """The sign-in of one process."""

    def __init__(self, folder: CredentialsFolder, throttle: Throttle, settings: ApiSettings) -> None:
        once = settings.one_time_token
        self.folder = folder
        self.throttle = throttle
        self._settings = settings
        self._once = OneTimeToken(once.get_secret_value() if once else None)

    def caller(self, request: Request) -> Caller | None:
        """Return the caller of a request, None for one that must sign in. Raises ProblemError."""
        if proxied := proxied_caller(request, self._settings.editor_groups):
            return proxied
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._by_token(request, token.strip())
        if by_session := self._by_session(request):
            return by_session
        return None if self.folder.exists or self._once.exists else LOOPBACK_CALLER

    def begin(self, request: Request, response: Response, token: str, *, by_link: bool = False) -> bool:
        """Begin the session of a browser that knows a token, and set its cookie; return False for a wrong token.

        by_link: only the one-time token counts, as links stay in histories.
        Raises ProblemError.
        """
        self._refuse_early(request)
        credentials = self.folder.current
        token_digest = self._once.take(token)
        if not token_digest and not by_link and (found := credentials.caller(token)):
            token_digest, _ = found
        if not token_digest:
            self.throttle.fail(address_of(request.scope))
            return False
        begin_session(request, response, credentials.cookie_key, self._settings.session, token_digest)
        return True

    def _by_token(self, request: Request, token: str) -> Caller | None:
        self._refuse_early(request)
        if found := self.folder.current.caller(token):
            return found[1]
        self.throttle.fail(address_of(request.scope))
        return None

    def _by_session(self, request: Request) -> Caller | None:
        credentials = self.folder.current
        token_digest = read_session(request, credentials.cookie_key, self._settings.session)
        if not token_digest:
            return None
        if once := self._once.caller(token_digest):
            return once
        found = credentials.tokens.get(token_digest)
        return Caller(found.name, found.role, SignedInBy.SESSION) if found else None

    def _refuse_early(self, request: Request) -> None:
        """Refuse an address that sent wrong tokens and does not wait. Raises ProblemError."""
        wait_s = math.ceil(self.throttle.wait_s(address_of(request.scope)))
        if wait_s:
            detail = f"this address sent wrong tokens: wait {wait_s} s"
            raise ProblemError(429, "Too many wrong tokens", detail, headers={"Retry-After": str(wait_s)})


def check_role(caller: Caller, settings: ApiSettings) -> None:
    """Check that a caller may write. Raises ProblemError."""
    if settings.read_only:
        raise ProblemError(403, "Read only", "this process refuses writes (setting read_only)")
    if caller.role is not Role.EDITOR:
        raise ProblemError(403, "Not allowed", f"the role must be editor (was {caller.role.value})")


def viewer(request: Request) -> Caller:
    """Return the caller of a request that the gate has let in. Raises ProblemError."""
    caller: Caller | None = request.scope.get("state", {}).get("caller")
    if caller is None:
        raise ProblemError(
            401,
            "Not signed in",
            "the request needs a bearer token, or a session of the console",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return caller


def editor(request: Request, caller: Annotated[Caller, Depends(viewer)]) -> Caller:
    """Return the caller of a request for editors. Raises ProblemError."""
    check_role(caller, request.app.state.parts.settings)
    return caller


Viewer = Annotated[Caller, Depends(viewer)]
Editor = Annotated[Caller, Depends(editor)]
