"""A real Valkey for every test run, a release of its own for every test, and no key left behind unaccounted."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator

import pytest
from backlog import server
from hypothesis import settings
from script_clock import ScriptClock, replaced

from taskqueue.store.connection import Store, open_store

_releases = itertools.count()

# A deadline would judge the machine, which others may be using, and not the code.
settings.register_profile("taskqueue", deadline=None)
settings.load_profile("taskqueue")


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """TASKQUEUE_TEST_REDIS names a server to use; else one is started."""
    given = os.environ.get("TASKQUEUE_TEST_REDIS")
    if given:
        yield given
        return
    with server() as url:
        yield url


@pytest.fixture
def release() -> str:
    return f"test-{os.getpid()}-{next(_releases)}"


@pytest.fixture
async def store(redis_url: str, release: str) -> AsyncIterator[Store]:
    """An empty store; afterwards every key must be in the table of permanent keys or have a TTL."""
    opened = open_store(redis_url, release, timeout_s=30)
    yield opened
    keys = [key async for key in opened.client.scan_iter(match=f"taskqueue:{{{release}}}:*")]
    leaked = [key.decode() for key in keys if not opened.keys.is_permanent(key.decode())]
    for _ in range(2):  # of one key among hundreds that were expiring, a server was once seen to say -1
        leaked = [key for key in leaked if await opened.client.pttl(key) == -1]
    if keys:
        await asyncio.wait_for(opened.client.unlink(*keys), 30)
    await opened.close()
    assert leaked == [], "keys without a TTL outside the table of permanent keys"


@pytest.fixture(scope="session")
def scripts_with_a_clock() -> Iterator[None]:
    """From here on, scripts ask for the clock of their release first; where there is none, for the server's."""
    with replaced():
        yield


@pytest.fixture
async def clock(store: Store, scripts_with_a_clock: None) -> AsyncIterator[ScriptClock]:
    """The clock of this test's store, which stands still until it is moved."""
    made = ScriptClock(store)
    await made.set(made.now_us)
    yield made
    await made.remove()
