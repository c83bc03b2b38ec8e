"""The health port of a process: /livez, /readyz, /metrics and further pages, one answer a connection.

`taskqueue.bounded_http` bounds the cost of a caller.
"""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from taskqueue.bounded_http.port import Port
from taskqueue.bounded_http.request import PLAIN, Answer, Request

#: Returns a sentence about a fault, or None.
Check = Callable[[], str | None]
#: Returns a sentence for a person, though the process is well, or None.
Note = Callable[[], str | None]
#: Returns the status, the content type and the body of a page.
Page = Callable[[], Awaitable[tuple[int, str, bytes]]]

#: A process is not ready while the store has not answered for so many seconds; calls are repeated more often.
REACHABLE_S = 5.0
NO_PAGES: Mapping[str, Page] = MappingProxyType({})


def no_note() -> None:
    """Return no note."""


async def serve_health(
    host: str,
    port: int,
    *,
    live: Check,
    ready: Check,
    note: Note = no_note,
    pages: Mapping[str, Page] = NO_PAGES,
) -> Port:
    """Answer probes until the port is closed; port 0 takes a free one. Raises OSError if the port is taken.

    note: a sentence added to the text of /readyz.   pages: further pages by path; one may replace /metrics.
    """
    readiness = _Readiness(ready, note)

    async def answer(request: Request) -> Answer:
        return Answer(*await _respond(request, live, readiness, pages))

    serving = Port(answer)
    await serving.open(host, port)
    return serving


class _Readiness(NamedTuple):
    check: Check
    note: Note

    def answer(self) -> tuple[int, str, bytes]:
        status, kind, body = _probe(self.check)
        note = self.note()
        return status, kind, body + f"note: {note}\n".encode() if note else body


def _probe(check: Check) -> tuple[int, str, bytes]:
    fault = check()
    return (503, PLAIN, f"{fault}\n".encode()) if fault else (200, PLAIN, b"ok\n")


async def _respond(
    request: Request, live: Check, readiness: _Readiness, pages: Mapping[str, Page]
) -> tuple[int, str, bytes]:
    if request.method not in {"GET", "HEAD"}:
        return 405, PLAIN, b"only GET\n"
    path = request.path
    if path in pages:
        return await pages[path]()
    if path == "/metrics":
        return 200, CONTENT_TYPE_LATEST, generate_latest(REGISTRY)
    if path == "/livez":
        return _probe(live)
    if path == "/readyz":
        return readiness.answer()
    paths = sorted({"/livez", "/readyz", "/metrics", *pages})
    return 404, PLAIN, f"there is {', '.join(paths)}\n".encode()
