"""Fixtures of tests that ask an API: `api` starts a process, `serve` serves in the test's loop, `http`, `ask` ask."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from taskqueue.store.connection import Store
from tests.support.api.asked import Asked
from tests.support.api.in_process import ServedApi, served_api
from tests.support.api.process import AS_EDITOR, CREDENTIALS, RunningApi, running_api, write_credentials
from tests.support.api.seeded import seed

#: Starts an API on a store, with the files of a credentials folder and settings by name.
StartApi = Callable[..., RunningApi]
ServeApi = Callable[..., Awaitable[ServedApi]]


@pytest.fixture
def api(redis_url: str, tmp_path: Path) -> Iterator[StartApi]:
    """Start API processes, which end with the test: api(store, credentials=CREDENTIALS, read_only=True).url."""
    with ExitStack() as running:

        def start(
            store: Store, credentials: Mapping[str, str] | None = None, **settings: object
        ) -> RunningApi:
            start = partial(running_api, redis_url, store.keys.release, tmp_path)
            return running.enter_context(start(credentials, **settings))

        yield start


@asynccontextmanager
async def serving(redis_url: str, folder: Path) -> AsyncIterator[ServeApi]:
    """Serve APIs in the running loop, in milliseconds, until the end: `serve` says how.   folder: for credentials."""
    async with AsyncExitStack() as running:

        async def start(
            store: Store, credentials: Mapping[str, str] | None = None, **settings: object
        ) -> ServedApi:
            where = write_credentials(folder / "credentials", credentials) if credentials else None
            served = served_api(redis_url, store.keys.release, where, **settings)
            return await running.enter_async_context(served)

        yield start


@pytest.fixture
async def serve(redis_url: str, tmp_path: Path) -> AsyncIterator[ServeApi]:
    """Serve APIs in the test's loop: (await serve(store, CREDENTIALS, read_only=True)).url."""
    async with serving(redis_url, tmp_path) as start:
        yield start


@pytest.fixture
async def ask(store: Store, serve: ServeApi, http: aiohttp.ClientSession) -> Asked:
    """Ask an API on a store with types, limits and users, as an editor."""
    await seed(store)
    return Asked(http, (await serve(store, CREDENTIALS)).url, AS_EDITOR)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """Return a client that keeps no cookies."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session
