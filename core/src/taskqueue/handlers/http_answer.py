"""The status of an answer that the HTTP parser refuses: two Content-Lengths, a body after a 204, endless headers.

The status line tells whether the work was done, however malformed the rest is. A job that was done must not be sent
again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

#: Bytes of an answer that are kept until it has been read.
HEAD_MAX_BYTES = 16 * 1024

_STATUS = re.compile(rb"\s*HTTP/\d(?:\.\d)?[ \t]+([1-9]\d\d)(?=[ \t\r\n])", re.IGNORECASE)
_BEGINNING = re.compile(rb"\s*(?:H|HT|HTT|HTTP|HTTP/[\d.]*[ \t]*\d{0,3})?", re.IGNORECASE)
_FIELD = re.compile(rb"^(Retry-After|Date):[ \t]*([^\r\n]{0,200})", re.IGNORECASE | re.MULTILINE)
_END = re.compile(rb"\r?\n\r?\n")
_INFORMATIONAL = re.compile(rb"\s*HTTP/\d(?:\.\d)?[ \t]+1(?!01)\d\d(?=[ \t\r\n])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Head:
    """The part of an answer that decides the outcome. headers: Retry-After and Date."""

    status: int
    headers: Mapping[str, str]


def read_head(data: bytes) -> Head | None:
    r"""Return the final status in the first bytes of an answer; None if they hold none.

    >>> read_head(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-L")
    Head(status=503, headers={'Retry-After': '7'})
    """
    data = _final(data)
    found = _STATUS.match(data)
    if found is None:
        return None
    end = _END.search(data, found.end())
    fields = _FIELD.findall(data, found.end(), end.start() if end else len(data))
    return Head(
        int(found[1]), {name.decode().title(): value.decode("latin-1").strip() for name, value in fields}
    )


def is_beginning(data: bytes) -> bool:
    """Tell whether an answer may have broken off before the end of a status line, rather than being no HTTP.

    >>> is_beginning(b"HTTP/1.1 20"), is_beginning(b"220 smtp ready"), is_beginning(b"")
    (True, False, True)
    """
    return _BEGINNING.fullmatch(_final(data)) is not None


def _final(data: bytes) -> bytes:
    """Return the bytes without informational answers, such as 100 Continue, at their beginning."""
    while (found := _INFORMATIONAL.match(data)) is not None:
        end = _END.search(data, found.end())
        data = data[end.end() :] if end else b""
    return data
