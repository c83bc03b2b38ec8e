"""The fence: the right to write the contents of manifests; scripts/lib/fence.lua decides."""

from typing import NamedTuple

from taskqueue.store.command import hget
from taskqueue.store.connection import Store
from taskqueue.store.errors import DeposedError, ForeignOwnerError
from taskqueue.store.script import Script

_TAKE_EPOCH = Script("take_epoch", int)


class Fence(NamedTuple):
    """The writer's credentials.

    owner: NAMESPACE/UID of the writer's objects; the store stays with the first owner that writes. epoch: of the
    leader, higher for each new one.
    """

    owner: str = ""
    epoch: int = 0


#: Of a folder of manifests, which may write as long as the store has no owner.
UNFENCED = Fence()


async def refuse_foreign(store: Store, fence: Fence = UNFENCED) -> None:
    """Raise ForeignOwnerError if the store has another owner than this writer."""
    kept = await _owner(store)
    if kept not in {"", fence.owner}:
        namespace, _, uid = kept.partition("/")
        raise ForeignOwnerError(
            f"They are the objects in the Kubernetes namespace {namespace} (uid {uid}): "
            "edit those with kubectl, or choose another release."
        )


async def check(store: Store, verdict: bytes, fence: Fence) -> None:
    """Raise DeposedError or ForeignOwnerError if the store refused the writer."""
    if verdict == b"deposed":
        raise DeposedError(f"Our epoch is {fence.epoch}.")
    if verdict == b"foreign":
        await refuse_foreign(store, fence)
        raise ForeignOwnerError  # the owner went meanwhile


async def read_epoch(store: Store) -> int:
    """Read the last epoch that was claimed; 0 in an empty store."""
    value = await store.read(hget(store.keys("config"), "epoch"))
    return store.malformed.read("config epoch", lambda: int(value or 0)) or 0


async def take_epoch(store: Store, owner: str, above: int) -> int:
    """Claim a unique epoch, above `above` and every epoch before; writers of older epochs are refused from now on.

    In the store of another owner no epoch is claimed: every write is refused there.
    """
    return await store.run(_TAKE_EPOCH, owner, above)


async def _owner(store: Store) -> str:
    return (await store.read(hget(store.keys("config"), "owner")) or b"").decode(errors="replace")
