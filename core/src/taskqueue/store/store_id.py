"""The id of a store, by which an application finds out that the store lost its users."""

from functools import partial

from taskqueue.store.command import get
from taskqueue.store.connection import Store
from taskqueue.store.scalars import read_whole


async def read_store_id(store: Store) -> str | None:
    """Read the id that the store got with its first task types, the time in ms; None before.

    A store that was emptied gets another one.
    """
    mark = await store.read(get(store.keys("installed")))
    return str(store.malformed.read("installed", partial(_read, mark)) or "") or None if mark else None


def _read(mark: bytes) -> int:
    return read_whole(mark.decode("ascii").rpartition("|")[2])
