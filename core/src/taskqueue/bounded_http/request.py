"""The head of a request, parsed, and the answer as bytes. Pure."""

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

PLAIN = "text/plain; charset=utf-8"


class BadRequestError(ValueError):
    """The head is not HTTP/1.x."""


@dataclass(frozen=True, slots=True)
class Request:
    """A parsed head.

    query: undecoded.   headers: names in lower case.   tls: of the connection, None on a plain port.
    """

    method: str
    path: str
    query: str
    version: str
    headers: tuple[tuple[str, str], ...]
    tls: ssl.SSLObject | None = None

    @property
    def may_keep_alive(self) -> bool:
        """Whether another request may follow: not behind a body, which is never read."""
        headers = dict(self.headers)
        return (
            self.version == "HTTP/1.1"
            and "close" not in headers.get("connection", "").lower()
            and headers.get("content-length", "0") == "0"
            and "transfer-encoding" not in headers
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer. keep: the connection may stay open for another request."""

    status: int
    content_type: str
    body: bytes
    keep: bool = False


def parse(head: bytes, tls: ssl.SSLObject | None = None) -> Request:
    """Parse a head, given without its last empty line. Raises BadRequestError."""
    try:
        first, *lines = head.decode().split("\r\n")
    except UnicodeDecodeError as error:
        raise BadRequestError("the head must be UTF-8") from error
    method, _, rest = first.partition(" ")
    target, _, version = rest.rpartition(" ")
    if not method.isalpha() or not target or " " in target or version not in {"HTTP/1.1", "HTTP/1.0"}:
        raise BadRequestError("the first line must be METHOD PATH HTTP/1.x")
    path, _, query = target.partition("?")
    return Request(method, path, query, version, tuple(_headers(lines)), tls)


def _headers(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadRequestError("a header must be NAME: VALUE, on one line")
        yield name.lower(), value.strip()


def spell(answer: Answer, *, keep: bool, without_body: bool = False) -> bytes:
    """Return the bytes of an answer, without its body for HEAD."""
    head = (
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n"
        f"Content-Type: {answer.content_type}\r\nContent-Length: {len(answer.body)}\r\n"
        f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n"
    ).encode()
    return head if without_body else head + answer.body


def refusal(status: HTTPStatus, sentence: str) -> Answer:
    """Return a refusal in a line of text, after which the connection closes."""
    return Answer(status, PLAIN, f"{sentence}\n".encode())
