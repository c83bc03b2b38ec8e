"""The connection of a client, and the turns of its calls."""

import asyncio

from taskqueue.store.connection import Store

#: Calls in flight; further ones wait for their turn. The store has connections for a few more.
_MAX_CALLS = 50


class Calls:
    """The base of the verbs of a client: each call holds a turn while it uses the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turn = asyncio.Semaphore(_MAX_CALLS)
