"""Who may write what manifests say; scripts/lib/fence.lua decides."""

from typing import NamedTuple

from taskqueue.store.command import hget
from taskqueue.store.connection import Store
from taskqueue.store.errors import DeposedError, ForeignOwnerError
from taskqueue.store.script import Script

_CLAIM_EPOCH = Script("claim_epoch", int)


class Fence(NamedTuple):
    """owner: NAMESPACE/UID whose objects these are; the first who writes keeps the store.

    epoch: of the leader, growing.
    """

    owner: str = ""
    epoch: int = 0


#: A folder's: anybody may write, as long as nobody owns the store.
UNFENCED = Fence()


async def refuse_foreign(store: Store, fence: Fence = UNFENCED) -> None:
    """Raises ForeignOwnerError if the store is kept by another owner than this writer."""
    kept = await _owner(store)
    if kept not in {"", fence.owner}:
        namespace, _, uid = kept.partition("/")
        raise ForeignOwnerError(
            f"They are the objects in the Kubernetes namespace {namespace} (uid {uid}): "
            "edit those with kubectl, or choose another release."
        )


async def check(store: Store, verdict: bytes, fence: Fence) -> None:
    """Raises DeposedError or ForeignOwnerError if the store refused the writer."""
    if verdict == b"deposed":
        raise DeposedError(f"Our epoch is {fence.epoch}.")
    if verdict == b"foreign":
        await refuse_foreign(store, fence)
        raise ForeignOwnerError  # the owner went meanwhile


async def read_epoch(store: Store) -> int:
    """The last epoch that was claimed; 0 in an empty store."""
    value = await store.read(hget(store.keys("config"), "epoch"))
    return store.malformed.read("config epoch", lambda: int(value or 0)) or 0


async def claim_epoch(store: Store, owner: str, above: int) -> int:
    """An epoch that nobody else ever gets, beyond `above` and all before; older ones are refused from now on.

    From the store of another owner none is taken: whoever writes there is refused, with any.
    """
    return await store.run(_CLAIM_EPOCH, owner, above)


async def _owner(store: Store) -> str:
    return (await store.read(hget(store.keys("config"), "owner")) or b"").decode(errors="replace")
