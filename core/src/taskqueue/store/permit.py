"""permit: slots of the global limit for further calls of a running job."""

from taskqueue.store.connection import Store
from taskqueue.store.script import Script
from taskqueue.store.wire import shaped

_PERMIT = Script("permit", shaped(tuple[int, int]))


async def permit(store: Store, cost: int, lease_ms: int) -> tuple[bool, float]:
    """Reserve `cost` slots; return whether that succeeded, and the seconds until the first slot or the next try."""
    granted, wait_us = await store.run(_PERMIT, cost, lease_ms)
    return bool(granted), wait_us / 1e6
