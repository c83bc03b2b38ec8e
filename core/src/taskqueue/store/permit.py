"""permit: slots of the limit for further calls of a running job."""

from taskqueue.store.connection import Store
from taskqueue.store.script import Script
from taskqueue.store.wire import shaped

_PERMIT = Script("permit", shaped(tuple[int, int]))


async def permit(store: Store, cost: int, lease_ms: int) -> tuple[bool, float]:
    """(granted, seconds): the first of `cost` slots is so far away, or, refused, ask again after that time."""
    granted, wait_us = await store.run(_PERMIT, cost, lease_ms)
    return bool(granted), wait_us / 1e6
