"""The app over a store, with its reader running, and requests to it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.types import ASGIApp

from taskqueue.client import Client
from taskqueue.store.connection import Store
from taskqueue_api.application import guarded_app
from taskqueue_api.live.reader import Reader
from taskqueue_api.parts import Parts
from taskqueue_api.settings import ApiSettings
from taskqueue_api.sign_in.authentication import SignIn
from taskqueue_api.sign_in.credentials_folder import CredentialsFolder
from taskqueue_api.sign_in.throttle import Throttle
from tests.support.api.asgi import Answer, ask, streaming

HTML = {"Accept": "text/html", "Origin": "http://localhost"}
SWAPPED = {**HTML, "HX-Request": "true"}


@dataclass(frozen=True, slots=True)
class App:
    """asgi: the app behind its guard."""

    asgi: ASGIApp
    parts: Parts

    async def get(self, path: str, headers: Mapping[str, str] = HTML) -> Answer:
        return await ask(self.asgi, "GET", path, headers)

    async def post(
        self, path: str, fields: Mapping[str, str], headers: Mapping[str, str] = SWAPPED
    ) -> Answer:
        form = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return await ask(self.asgi, "POST", path, form, [urlencode(fields).encode()])

    def stream(self, path: str) -> AbstractAsyncContextManager[Answer]:
        """Open a stream, which is left at the end."""
        return streaming(self.asgi, path, HTML)


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
