"""The app over a store, with its reader running, and requests to it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode

from starlette.types import ASGIApp, Message

from taskqueue.client import Client
from taskqueue.store.connection import Store
from taskqueue_api.application import guarded_app
from taskqueue_api.live.reader import Reader
from taskqueue_api.parts import Parts
from taskqueue_api.settings import ApiSettings
from taskqueue_api.sign_in.credentials_folder import CredentialsFolder
from taskqueue_api.sign_in.sessions import SignIn
from taskqueue_api.sign_in.throttle import Throttle

HTML = {"Accept": "text/html", "Origin": "http://localhost"}
SWAPPED = {**HTML, "HX-Request": "true"}


@dataclass(slots=True)
class Answer:
    """An answer, also of a stream: its body grows."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True, slots=True)
class App:
    """asgi: the app behind its guard."""

    asgi: ASGIApp
    parts: Parts

    async def get(self, path: str, headers: Mapping[str, str] = HTML) -> Answer:
        return await self._ask("GET", path, headers, b"")

    async def post(
        self, path: str, fields: Mapping[str, str], headers: Mapping[str, str] = SWAPPED
    ) -> Answer:
        form = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return await self._ask("POST", path, form, urlencode(fields).encode())

    @asynccontextmanager
    async def stream(self, path: str) -> AsyncIterator[Answer]:
        """Open a stream, which is left at the end."""
        answer = Answer()
        asking = asyncio.create_task(self._run("GET", path, HTML, b"", answer, asyncio.Event()))
        try:
            yield answer
        finally:
            asking.cancel()
            with suppress(asyncio.CancelledError):
                await asking

    async def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        answer = Answer()
        await self._run(method, path, headers, body, answer, asyncio.Event())
        return answer

    async def _run(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        answer: Answer,
        left: asyncio.Event,
    ) -> None:
        asked = False

        async def receive() -> Message:
            nonlocal asked
            if asked:
                await left.wait()
            asked = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                answer.text += message.get("body", b"").decode()

        await self.asgi(_scope(method, path, headers), receive, send)


@asynccontextmanager
async def running_app(store: Store, **settings: Any) -> AsyncIterator[App]:
    """Run the app and its reader on a store, for a caller of loopback."""
    made = ApiSettings(redis_url="redis://unused", release=store.keys.release, **settings)
    reader = Reader(store)
    parts = Parts(
        made, store, Client(store), SignIn(CredentialsFolder(made.credentials), Throttle(), made), reader
    )
    reading = asyncio.create_task(reader.run())
    try:
        yield App(guarded_app(parts), parts)
    finally:
        await reader.close()
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading


def _scope(method: str, path: str, headers: Mapping[str, str]) -> dict[str, Any]:
    path, _, query = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [
            (name.lower().encode(), value.encode())
            for name, value in {"Host": "localhost", **headers}.items()
        ],
        "client": ("127.0.0.1", 1234),
        "server": ("localhost", 80),
    }
