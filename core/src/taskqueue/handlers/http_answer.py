"""The status of an answer that the HTTP parser refuses: two Content-Lengths, a body after a 204, endless headers.

The work behind an answer was done, or was not, whatever is wrong with what follows the status line; a job that was
done must not be sent again for it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

#: So much of an answer is kept until it has been read.
HEAD_MAX_BYTES = 16 * 1024

_STATUS = re.compile(rb"\s*HTTP/\d(?:\.\d)?[ \t]+([1-9]\d\d)(?=[ \t\r\n])", re.IGNORECASE)
_BEGINNING = re.compile(rb"\s*(?:H|HT|HTT|HTTP|HTTP/[\d.]*[ \t]*\d{0,3})?", re.IGNORECASE)
_FIELD = re.compile(rb"^(Retry-After|Date):[ \t]*([^\r\n]{0,200})", re.IGNORECASE | re.MULTILINE)
_END = re.compile(rb"\r?\n\r?\n")
_INFORMATIONAL = re.compile(rb"\s*HTTP/\d(?:\.\d)?[ \t]+1(?!01)\d\d(?=[ \t\r\n])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Head:
    """What counts of an answer."""

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
    """Say whether an answer could have gone on to a status line: it broke off, rather than being something else.

    >>> is_beginning(b"HTTP/1.1 20"), is_beginning(b"220 smtp ready"), is_beginning(b"")
    (True, False, True)
    """
    return _BEGINNING.fullmatch(_final(data)) is not None


def _final(data: bytes) -> bytes:
    """Leave out what comes before the final answer, such as 100 Continue."""
    while (found := _INFORMATIONAL.match(data)) is not None:
        end = _END.search(data, found.end())
        data = data[end.end() :] if end else b""
    return data
