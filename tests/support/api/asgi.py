"""Requests to an ASGI app without a server."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import msgspec
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Scope


@dataclass
class Answer:
    """An answer, also of a stream: its body grows. status 0: the app answered nothing."""

    status: int = 0
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def problem(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(self.body)
        return found


async def ask(
    app: ASGIApp,
    method: str = "GET",
    target: str = "/",
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    body: Iterable[bytes] = (),
    *,
    client: str = "127.0.0.1",
) -> Answer:
    """Return the answer to a request. headers: `Host: localhost` unless they have a host.   body: its chunks."""
    answer = Answer()
    await _run(app, _scope(method, target, headers, client), list(body), answer)
    return answer


@asynccontextmanager
async def streaming(app: ASGIApp, target: str, headers: Mapping[str, str]) -> AsyncIterator[Answer]:
    """Ask for a stream, and leave it at the end."""
    answer = Answer()
    asking = asyncio.create_task(_run(app, _scope("GET", target, headers, "127.0.0.1"), [], answer))
    try:
        yield answer
    finally:
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking


async def _run(app: ASGIApp, scope: Scope, chunks: list[bytes], answer: Answer) -> None:
    has_ended = False

    async def receive() -> Message:
        nonlocal has_ended
        if has_ended:
            await asyncio.Event().wait()  # the caller stays
        chunk = chunks.pop(0) if chunks else b""
        has_ended = not chunks
        return {"type": "http.request", "body": chunk, "more_body": bool(chunks)}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status, answer.headers = message["status"], Headers(raw=message["headers"])
        else:
            answer.body += message.get("body", b"")

    await app(scope, receive, send)


def _scope(
    method: str, target: str, headers: Mapping[str, str] | Iterable[tuple[str, str]], client: str
) -> Scope:
    pairs = [*(headers.items() if isinstance(headers, Mapping) else headers)]
    if not any(name.lower() == "host" for name, _ in pairs):
        pairs.append(("Host", "localhost"))
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "client": (client, 1),
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs],
        "state": {},
    }
