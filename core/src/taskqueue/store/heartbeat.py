"""heartbeat: extends a worker's leases, and says which of them it lost."""

from collections.abc import Sequence

from taskqueue.store.connection import Store
from taskqueue.store.script import Script
from taskqueue.store.wire import pack, packed

_HEARTBEAT = Script("heartbeat", packed(list[str]))


async def heartbeat(
    store: Store, worker: str, lease_ms: int, info: bytes, members: Sequence[str], handlers: Sequence[str]
) -> list[str]:
    """Extends the leases of `members` and returns those that are no longer the worker's."""
    return await store.run(_HEARTBEAT, worker, lease_ms, info, pack(members), pack(handlers))
