"""Who may write what manifests say; scripts/lib/fence.lua decides."""

from typing import NamedTuple

from taskqueue.store.connection import Store
from taskqueue.store.errors import DeposedError, ForeignOwnerError


class Fence(NamedTuple):
    """owner: whose manifests these are; the first who writes keeps the store. epoch: of the leader, growing."""

    owner: str = ""
    epoch: int = 0


#: A folder's: anybody may write, as long as nobody owns the store.
UNFENCED = Fence()


def check(verdict: bytes, fence: Fence) -> None:
    """Raises DeposedError or ForeignOwnerError if the store refused the writer."""
    if verdict == b"deposed":
        raise DeposedError(f"Our epoch is {fence.epoch}.")
    if verdict == b"foreign":
        raise ForeignOwnerError(f"We are {fence.owner or 'a folder of manifests'}.")


async def read_epoch(store: Store) -> int:
    """The epoch of the leader that wrote last; 0: none ever did."""
    return int(await store.client.hget(store.keys("config"), "epoch") or 0)
