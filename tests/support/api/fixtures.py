"""Fixtures of tests that ask an API process: `api` starts one, `http` asks it."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from taskqueue.store.connection import Store
from tests.support.api.process import RunningApi, running_api

#: Starts an API on a store, with the files of a credentials folder and settings by name.
StartApi = Callable[..., RunningApi]


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


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """Return a client that keeps no cookies."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session
