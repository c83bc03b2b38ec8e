"""Credentials: digests of tokens, the key of cookies and the secret of a proxy, read from files of a folder.

    viewer-tokens, editor-tokens  a line NAME TOKEN each; # begins a comment
    cookie-key                    signs sessions; the same for all replicas
    proxy-secret                  the proxy's header X-Proxy-Secret

Faults name file, line and remedy, and never quote a line.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from taskqueue.sources.bounded_file import FileRefusedError, read_bounded
from taskqueue.text.printable import printable_line
from taskqueue_api.sign_in.caller import Caller, Role, SignedInBy

#: Least characters of a token, of the proxy's secret, and of the cookie key.
MIN_TOKEN, MIN_KEY = 16, 32
_MAX_FILE_BYTES = 262_144
_MAX_NAME = 100
_TOKEN_FILES = {f"{role.value}-tokens": role for role in Role}
_COOKIE_KEY, _PROXY_SECRET = "cookie-key", "proxy-secret"
_FILES = (*_TOKEN_FILES, _COOKIE_KEY, _PROXY_SECRET)
_TOKEN_RULE = f"at least {MIN_TOKEN} characters of printable ASCII, no space among them"
_RANDOM = "`openssl rand -hex 32` writes a good one"


class CredentialsRefusedError(Exception):
    """Credentials are refused; each of the args is a sentence about one fault."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """tokens: callers by the digest of their token.   proxy_secret: its digest, empty without a proxy.

    Only digests are kept and compared, in constant time.
    """

    tokens: Mapping[str, Caller] = field(default_factory=dict)
    cookie_key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    proxy_secret: str = field(default="", repr=False)

    def caller(self, token: str) -> tuple[str, Caller] | None:
        """Return the digest and the caller of a token."""
        given, found = digest(token), None
        for known, caller in self.tokens.items():
            if hmac.compare_digest(known, given):
                found = known, caller
        return found

    def is_proxy(self, secret: str) -> bool:
        """Tell whether a header proves that a request passed the proxy."""
        return bool(self.proxy_secret) and hmac.compare_digest(self.proxy_secret, digest(secret))


def digest(token: str) -> str:
    """Return the digest of a token."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def read_credentials(folder: Path) -> Credentials:
    """Read a folder. Raises CredentialsRefusedError."""
    texts, faults = _read_files(folder)
    tokens: dict[str, Caller] = {}
    for name, role in _TOKEN_FILES.items():
        for line, words in _lines(texts.get(name, "")):
            place = f"{folder / name}:{line}"
            if fault := _token_fault(words):
                faults.append(f"{place}: {fault}")
            elif digest(words[1]) in tokens:
                faults.append(f"{place}: the token must be its caller's alone: another line has it, too")
            else:
                tokens[digest(words[1])] = Caller(words[0], role, SignedInBy.TOKEN)
    cookie_key, proxy_secret = (texts.get(name, "").strip() for name in (_COOKIE_KEY, _PROXY_SECRET))
    if _COOKIE_KEY in texts and len(cookie_key) < MIN_KEY:
        faults.append(f"{folder / _COOKIE_KEY} must have at least {MIN_KEY} characters: {_RANDOM}")
    if _PROXY_SECRET in texts and not _is_token(proxy_secret):
        faults.append(f"{folder / _PROXY_SECRET} must have {_TOKEN_RULE}: {_RANDOM}")
    if tokens and _COOKIE_KEY not in texts:
        rule = "must exist where there are tokens, the same for all replicas"
        faults.append(f"{folder / _COOKIE_KEY} {rule}: {_RANDOM}")
    if not tokens and not proxy_secret and not faults:
        files = " or ".join(_TOKEN_FILES)
        faults.append(f"{folder} must have {_PROXY_SECRET}, or a line NAME TOKEN in {files}")
    if faults:
        raise CredentialsRefusedError(*faults)
    return Credentials(tokens, cookie_key.encode(), digest(proxy_secret) if proxy_secret else "")


def _read_files(folder: Path) -> tuple[dict[str, str], list[str]]:
    """Return the texts of files by name, and faults."""
    texts: dict[str, str] = {}
    faults = []
    try:
        names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        return {}, [f"{folder} must be a readable folder: {error.strerror}"]
    for name in names:
        path = folder / name
        try:
            if name in _FILES:
                texts[name] = _read(path)
            else:
                faults.append(f"{printable_line(path)} must be one of {', '.join(_FILES)}")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            faults.append(f"{path} must be a readable file: {reason}")
    return texts, faults


def _read(path: Path) -> str:
    """Read a text. Raises OSError and ValueError."""
    data = read_bounded(path)
    if len(data) > _MAX_FILE_BYTES:
        raise FileRefusedError(f"must have at most {_MAX_FILE_BYTES} bytes (was {len(data)})")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start + 1} is not UTF-8") from None


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the words of each line that is neither empty nor a comment."""
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if words and not words[0].startswith("#"):
            yield number, words


def _token_fault(words: list[str]) -> str:
    if len(words) != 2:  # noqa: PLR2004 - NAME and TOKEN
        return f"must be NAME TOKEN (was {len(words)} words)"
    name, token = words
    if len(name) > _MAX_NAME or not name.isprintable():
        return f"NAME must have at most {_MAX_NAME} printable characters"
    return "" if _is_token(token) else f"TOKEN must have {_TOKEN_RULE}: {_RANDOM}"


def _is_token(text: str) -> bool:
    return len(text) >= MIN_TOKEN and text.isascii() and text.isprintable() and " " not in text
