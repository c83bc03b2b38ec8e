"""A real Valkey for every test run, a release of its own for every test, and no key left behind unaccounted."""

import itertools
import os
import random
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace

import pytest
from hypothesis import settings

from taskqueue.scheduler import store_clock, ticker, type_cache
from taskqueue.store.connection import Store
from tests.support.store.backlog import server
from tests.support.store.checked_store import checked_store
from tests.support.store.script_clock import ScriptClock, replaced

_releases = itertools.count()

FUZZING = "TASKQUEUE_FUZZ" in os.environ

# A deadline would judge the machine, which others may be using, and not the code. A test that is green stays green:
# examples are few and the same at every run, but in `make fuzz`, which looks for new ones.
settings.register_profile("same", deadline=None, derandomize=True, max_examples=50)
settings.register_profile("new", deadline=None, print_blob=True, max_examples=1_000)
settings.load_profile("new" if FUZZING else "same")


@pytest.fixture(autouse=True)
def same_chance(request: pytest.FixtureRequest) -> None:
    """Repeat the random choices of the code under test (jitter, backoff) in every run, too."""
    if not FUZZING:
        random.seed(request.node.nodeid)


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
    async with checked_store(redis_url, release) as opened:
        yield opened


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


@pytest.fixture
def ticking_clock(clock: ScriptClock, monkeypatch: pytest.MonkeyPatch) -> ScriptClock:
    """The scripts' clock, which tickers of this process go by, too."""
    for module in (store_clock, ticker, type_cache):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock
