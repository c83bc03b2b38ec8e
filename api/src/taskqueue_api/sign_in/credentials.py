"""Tokens and keys in a folder such as a mounted Secret. A changed file counts within seconds."""

import hashlib
import hmac
import secrets
import time
from pathlib import Path

from taskqueue_api.sign_in.caller import Caller, Role

#: Seconds between two looks at the folder.
_LOOK_S = 5.0


class Credentials:
    """The credentials of a folder, or none without a folder.

    Only digests of tokens are kept and compared, in constant time.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._looked_s = float("-inf")
        self._tokens: dict[bytes, Caller] = {}
        self._key = secrets.token_bytes(32)
        self._proxy_secret = b""

    @property
    def exist(self) -> bool:
        """Tell whether callers must sign in."""
        return self._folder is not None

    def caller(self, token: str) -> Caller | None:
        """Return the caller of a token."""
        self._look()
        found = None
        given = digest(token)
        for known, caller in self._tokens.items():
            if hmac.compare_digest(known, given):
                found = caller
        return found

    def key(self) -> bytes:
        """Return the key that signs sessions; without a file, one of this process."""
        self._look()
        return self._key

    def is_proxy(self, secret: str) -> bool:
        """Tell whether a header proves that the request passed the proxy."""
        self._look()
        return bool(self._proxy_secret) and hmac.compare_digest(self._proxy_secret, secret.encode())

    def _look(self) -> None:
        now_s = time.monotonic()
        if self._folder is None or now_s - self._looked_s < _LOOK_S:
            return
        self._looked_s = now_s
        self._tokens = {
            digest(token): Caller(name, role, "token")
            for role in Role
            for name, token in _lines(self._folder / f"{role.value}-tokens")
        }
        self._key = _read(self._folder / "cookie-key").encode() or self._key
        self._proxy_secret = _read(self._folder / "proxy-secret").encode()


def digest(token: str) -> bytes:
    """Return the digest of a token."""
    return hashlib.sha256(token.encode()).digest()


def _lines(path: Path) -> list[tuple[str, str]]:
    words = [line.split() for line in _read(path).splitlines()]
    return [(pair[0], pair[1]) for pair in words if len(pair) == 2]  # noqa: PLR2004


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
