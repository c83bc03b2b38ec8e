"""clock: the server's clock, by which every instant of the store is decided."""

from taskqueue.store.connection import Store
from taskqueue.store.script import Script

_CLOCK = Script("clock", int)


async def server_now_us(store: Store) -> int:
    """Return the time in epoch microseconds."""
    return await store.run(_CLOCK)


async def server_now_ms(store: Store) -> int:
    """Return the time in epoch milliseconds."""
    return await server_now_us(store) // 1000
