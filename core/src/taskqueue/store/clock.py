"""clock: the store's clock, the only one that decides."""

from taskqueue.store.connection import Store


async def server_now_us(store: Store) -> int:
    """Epoch microseconds."""
    return int(await store.run("clock"))


async def server_now_ms(store: Store) -> int:
    """Epoch milliseconds."""
    return await server_now_us(store) // 1000
