"""A store's connections after its server was restarted."""

from contextlib import suppress

from taskqueue.store.clock import server_now_us
from taskqueue.store.connection import Store
from taskqueue.store.errors import StoreFailure


async def renew_connections(store: Store) -> None:
    """Have the connections to the former server fail now, so that the next call is made on a new one."""
    with suppress(StoreFailure):
        await server_now_us(store)
