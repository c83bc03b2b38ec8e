"""A token that signs one browser in, once, within its first minutes: `taskqueue dev` prints it as a link."""

import hmac
import time
from collections.abc import Callable

from taskqueue_api.sign_in.caller import Caller, Role, SignedInBy
from taskqueue_api.sign_in.credentials import digest

#: Seconds from the start of the process within which the token can be used.
LIFE_S = 600.0
_CALLER = Caller("one-time token", Role.EDITOR, SignedInBy.SESSION)


class OneTimeToken:
    """A token, or none. The session that it began lasts as any other, and ends with the process."""

    def __init__(self, token: str | None, now_s: Callable[[], float] = time.monotonic) -> None:
        self._digest = digest(token) if token else ""
        self._now_s = now_s
        self._until_s = now_s() + LIFE_S if token else now_s()

    @property
    def exists(self) -> bool:
        """Tell whether callers must sign in."""
        return bool(self._digest)

    def take(self, token: str) -> str | None:
        """Return the digest of the token if it is the right one, for the first time and in time."""
        if self._now_s() >= self._until_s or not hmac.compare_digest(self._digest, digest(token)):
            return None
        self._until_s = self._now_s()
        return self._digest

    def caller(self, token_digest: str) -> Caller | None:
        """Return the caller of a session that the token began."""
        is_own = bool(self._digest) and hmac.compare_digest(self._digest, token_digest)
        return _CALLER if is_own else None
