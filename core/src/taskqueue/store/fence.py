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


async def claim_epoch(store: Store, above: int) -> int:
    """An epoch that nobody else ever gets, beyond `above` and all before; older ones are refused from now on."""
    key = store.keys("config")
    epoch = int(await store.client.hincrby(key, "epoch", 1))
    if epoch <= above:  # the store was emptied
        epoch = int(await store.client.hincrby(key, "epoch", above + 1 - epoch))
    return epoch
