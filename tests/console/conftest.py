"""One browser for all tests, and consoles on real Valkeys. All run in one loop, which the browser's driver needs."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from taskqueue.store.connection import Store
from tests.support.api.fixtures import ServeApi, api, serving
from tests.support.api.process import CREDENTIALS
from tests.support.console.busy import fill
from tests.support.console.window import Window, opened_window
from tests.support.store.checked_store import checked_store
from tools.docs.chromium import PROGRAM, REMEDY, running_chromium

__all__ = ["api"]

#: Of each expectation: a hang alone exceeds it.
_LIMIT_MS = 20_000
_HERE = Path(__file__).parent
in_one_loop = partial(pytest_asyncio.fixture, loop_scope="session")

#: Opens a window of the browser on a console: open_window(url, width=390, scheme="dark").
OpenWindow = Callable[..., AbstractAsyncContextManager[Window]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of this folder in one loop."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@in_one_loop(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium; without it all tests are skipped, but not under CI=true."""
    if not PROGRAM and os.environ.get("CI") != "true":
        pytest.skip(REMEDY)
    expect.set_options(timeout=_LIMIT_MS)
    async with running_chromium() as running:
        yield running


@in_one_loop
async def store(redis_url: str, release: str) -> AsyncIterator[Store]:
    """An empty store; afterwards every key must be in the table of permanent keys or have a TTL."""
    async with checked_store(redis_url, release) as opened:
        yield opened


@in_one_loop
async def serve(redis_url: str, tmp_path: Path) -> AsyncIterator[ServeApi]:
    """Serve consoles: (await serve(store, CREDENTIALS)).url."""
    async with serving(redis_url, tmp_path) as start:
        yield start


@in_one_loop(scope="session")
async def busy(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The URL of a console on a store that no test changes, with something to show on every page."""
    folder = tmp_path_factory.mktemp("busy")
    async with (
        checked_store(redis_url, f"busy-{os.getpid()}") as store,
        serving(redis_url, folder) as start,
    ):
        await fill(store)
        yield (await start(store, CREDENTIALS)).url


@pytest.fixture
def open_window(browser: Browser) -> OpenWindow:
    return partial(opened_window, browser)
