"""clock: the store's clock, the only one that decides."""

from taskqueue.store.connection import Store
from taskqueue.store.script import Script

_CLOCK = Script("clock", int)


async def server_now_us(store: Store) -> int:
    """Epoch microseconds."""
    return await store.run(_CLOCK)


async def server_now_ms(store: Store) -> int:
    """Epoch milliseconds."""
    return await server_now_us(store) // 1000
