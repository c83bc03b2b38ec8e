"""heartbeat: a worker's sign of life, which extends its leases."""

from collections.abc import Sequence

from taskqueue.store.connection import Store
from taskqueue.store.script import Script
from taskqueue.store.wire import pack, packed

_HEARTBEAT = Script("heartbeat", packed(list[str]))


async def heartbeat(
    store: Store, worker: str, lease_ms: int, info: bytes, leases: Sequence[str], handlers: Sequence[str]
) -> list[str]:
    """Extend the leases of `leases`; return the ones that the worker lost."""
    return await store.run(_HEARTBEAT, worker, lease_ms, info, pack(leases), pack(handlers))
