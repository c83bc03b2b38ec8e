"""URL and headers of an HTTP handler: an unambiguous URL, and headers of one line each.

No message repeats a URL or a header: both may hold secrets.
"""

import re
from urllib.parse import urlsplit

from taskqueue.models.refusal import ValueRefusedError

MAX_URL_CHARACTERS = 2_048
MAX_HEADERS = 64
MAX_HEADER_CHARACTERS = 4_096

_PORT = "0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_USER = r"([A-Za-z0-9._~!$&()*+,;=:@\x27-]|%[0-9A-Fa-f]{2})*@"
_NAME = r"([A-Za-z0-9._~!$&()*+,;=<>\x27\x22-]|%[89A-Fa-f][0-9A-Fa-f])+"
_ADDRESS = r"\[[0-9A-Fa-f:.]+(%25[^\[\]/?#%]+)?\]"
#: A URL that Go, for the API server, and Python both read as the same place.
URL_PATTERN = (
    f"^[A-Za-z]+://({_USER})?({_ADDRESS}|{_NAME})(:({_PORT})?)?"
    r"(/([^?%]|%[0-9A-Fa-f]{2})*)?([?].*)?$"
)

_PRINTABLE = re.compile("[!-~]+")
_URL = re.compile(URL_PATTERN.removesuffix("$"))
_HEADER_NAME = re.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")  # a token of RFC 9110, section 5.6.2


def check_url(url: str) -> None:
    """Raise ValueRefusedError unless the URL is absolute, http or https, with a host."""
    if len(url) > MAX_URL_CHARACTERS:
        raise ValueRefusedError(f"must be a URL of at most {MAX_URL_CHARACTERS} characters")
    if not _PRINTABLE.fullmatch(url):
        raise ValueRefusedError("must be a URL without spaces, other characters percent-encoded")
    try:
        parts = urlsplit(url)
        complete = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        complete = complete and _URL.fullmatch(url) is not None
    except ValueError:  # urlsplit's words for a bad port or a bad IPv6 address would repeat the URL
        complete = False
    if not complete:
        raise ValueRefusedError(
            'must be an absolute http or https URL, such as "https://api.example.com/sync"'
        )


def check_headers(headers: object) -> dict[str, str]:
    """Return the headers without those that are null. Raises ValueRefusedError for unsafe ones."""
    if not isinstance(headers, dict):
        raise ValueRefusedError(
            "must be a mapping of header names to text, such as {Accept: application/json}"
        )
    headers = {name: text for name, text in headers.items() if text is not None}
    if len(headers) > MAX_HEADERS:
        raise ValueRefusedError(f"must have at most {MAX_HEADERS} headers (was {len(headers)})")
    for name, text in headers.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise ValueRefusedError("header names must be letters, digits and dashes")
        if not isinstance(text, str):
            raise ValueRefusedError(f"the value of {name} must be text, in quotes")
        if len(text) > MAX_HEADER_CHARACTERS or not (text.isprintable() or not text):
            raise ValueRefusedError(
                f"the value of {name} must be on one line, without CR or LF, "
                f"of at most {MAX_HEADER_CHARACTERS} characters"
            )
    return headers
