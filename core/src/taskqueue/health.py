"""What is asked of a process over HTTP: /livez, /readyz, /metrics, pages of its own. One answer a connection."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

#: A check returns what is wrong, in a sentence, or None.
Check = Callable[[], str | None]
#: A page returns its status, its content type and itself.
Page = Callable[[], Awaitable[tuple[int, str, bytes]]]

NO_PAGES: Mapping[str, Page] = MappingProxyType({})

_READ_TIMEOUT_S = 5.0
_PLAIN = "text/plain; charset=utf-8"
_REASONS = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}


class Progress:
    """When a loop made its last step. One that waits for its turn is idle, and as live as can be."""

    def __init__(self, loop: str) -> None:
        self._loop = loop
        self.step()

    def step(self) -> None:
        self._since_s: float | None = time.monotonic()

    def idle(self) -> None:
        self._since_s = None

    def stuck(self, within_s: float) -> str | None:
        """What is wrong, if the last step is longer ago than that."""
        silent_s = 0.0 if self._since_s is None else time.monotonic() - self._since_s
        return None if silent_s < within_s else f"the {self._loop} loop made no step for {silent_s:.0f} s"


async def serve_health(
    host: str,
    port: int,
    *,
    live: Check,
    ready: Check,
    note: Check = lambda: None,
    pages: Mapping[str, Page] = NO_PAGES,
) -> asyncio.Server:
    """Answer probes until the server is closed; port 0 takes a free one. Raises OSError if it is taken.

    note: what /readyz says beside "ok", of a thing that is odd and no reason to be unready.
    pages: further ones by path; one of them may stand for /metrics.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_READ_TIMEOUT_S):
                head = await reader.readuntil(b"\r\n\r\n")
                status, kind, body = await _respond(head, live, ready, note, pages)
                writer.write(
                    f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: {kind}\r\n"
                    f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
                )
                if not head.startswith(b"HEAD "):
                    writer.write(body)
                await writer.drain()
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            pass  # a caller that went away or does not speak HTTP
        finally:
            writer.close()

    return await asyncio.start_server(answer, host, port)


async def _respond(
    head: bytes, live: Check, ready: Check, note: Check, pages: Mapping[str, Page]
) -> tuple[int, str, bytes]:
    method, _, rest = head.decode("latin-1").partition(" ")
    path = rest.partition(" ")[0].partition("?")[0]
    if method not in {"GET", "HEAD"}:
        return 405, _PLAIN, b"only GET\n"
    if path in pages:
        return await pages[path]()
    if path == "/metrics":
        return 200, CONTENT_TYPE_LATEST, generate_latest(REGISTRY)
    check = {"/livez": live, "/readyz": ready}.get(path)
    if check is None:
        there_is = sorted({"/livez", "/readyz", "/metrics", *pages})
        return 404, _PLAIN, f"there is {', '.join(there_is)}\n".encode()
    fault = check()
    if fault:
        return 503, _PLAIN, f"{fault}\n".encode()
    beside = note() if check is ready else None
    return 200, _PLAIN, f"ok; {beside}\n".encode() if beside else b"ok\n"
