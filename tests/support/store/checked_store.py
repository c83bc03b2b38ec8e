"""An empty store, whose keys are accounted for at its end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from taskqueue.store.connection import Store, open_store
from tests.support.store.raw import raw


@asynccontextmanager
async def checked_store(url: str, release: str) -> AsyncIterator[Store]:
    """Open an empty store; afterwards every key must be in the table of permanent keys or have a TTL."""
    opened = open_store(url, release, timeout_s=30)
    yield opened
    keys = [key async for key in raw(opened).scan_iter(match=f"taskqueue:{{{release}}}:*")]
    leaked = [key.decode() for key in keys if not opened.keys.is_permanent(key.decode())]
    for _ in range(2):  # of one key among hundreds that were expiring, a server was once seen to say -1
        leaked = [key for key in leaked if await raw(opened).pttl(key) == -1]
    if keys:
        await asyncio.wait_for(raw(opened).unlink(*keys), 30)
    await opened.close()
    assert leaked == [], "keys without a TTL outside the table of permanent keys"
