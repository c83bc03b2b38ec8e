"""The answers of the example API: to requests that count, and to requests under /-/."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec

from taskqueue.dev.example_api.arrivals import Arrivals, whole_number
from taskqueue.dev.example_api.limits import Refusal
from taskqueue.dev.example_api.rules import Rules
from taskqueue.models.nesting import cut


class Limit(msgspec.Struct, forbid_unknown_fields=True):
    """Body of POST /-/limit. rate: arrivals allowed in any second."""

    rate: int

    def __post_init__(self) -> None:
        if self.rate < 1:
            raise ValueError("rate must be at least 1")


def answer(status: HTTPStatus, body: bytes, extra: str = "") -> bytes:
    """Return an HTTP/1.1 answer. extra: further header lines, each ended by CR LF."""
    head = f"HTTP/1.1 {status} {status.phrase}\r\nContent-Type: application/json\r\n{extra}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


OK = answer(HTTPStatus.OK, b"{}")


def refuse(refusal: Refusal) -> bytes:
    """Return the answer to a request above a limit."""
    body = b'{"error": "rate limit exceeded"}'
    if refusal.limit:
        body = msgspec.json.encode({"error": "rate limit exceeded", "limit": refusal.limit})
    return answer(HTTPStatus.TOO_MANY_REQUESTS, body, f"Retry-After: {refusal.retry_after_s}\r\n")


def control(arrivals: Arrivals, method: str, path: str, query: Mapping[str, str], body: bytes) -> bytes:
    """Return the answer to a request under /-/, which is not counted."""
    match method, path:
        case "GET", "/-/stats":
            return answer(HTTPStatus.OK, arrivals.stats())
        case "GET", "/-/arrivals":
            return answer(HTTPStatus.OK, arrivals.lines(whole_number(query.get("from")) or 0))
        case "POST", "/-/reset":
            arrivals.clear()
            return OK
        case "POST", "/-/limit":
            try:
                arrivals.rate = msgspec.json.decode(cut(body), type=Limit).rate
            except msgspec.DecodeError as error:
                return answer(HTTPStatus.BAD_REQUEST, msgspec.json.encode({"error": str(error)}))
            return OK
        case "GET", "/-/limits":
            if (found := arrivals.limits_stats(query.get("name"))) is not None:
                return answer(HTTPStatus.OK, found)
        case "POST", "/-/limits":
            try:
                arrivals.limits.replace(msgspec.json.decode(cut(body), type=Rules))
            except msgspec.DecodeError as error:
                return answer(HTTPStatus.BAD_REQUEST, msgspec.json.encode({"error": str(error)}))
            return OK
    return answer(HTTPStatus.NOT_FOUND, b'{"error": "not found"}')
