"""What a worker says between claims: that it lives, and that a running job wants more of the limit."""

from collections.abc import Sequence

import msgspec

from taskqueue.store.connection import Store

_encode = msgspec.msgpack.Encoder().encode
_lost = msgspec.msgpack.Decoder(list[str]).decode

#: Where an enqueue leaves a token for one idle worker.
WAKEUPS = "wakeups"


async def heartbeat(
    store: Store, worker: str, lease_ms: int, info: bytes, members: Sequence[str], handlers: Sequence[str]
) -> list[str]:
    """Extends the leases of `members` and returns those that are no longer the worker's."""
    return _lost(await store.run("heartbeat", worker, lease_ms, info, _encode(members), _encode(handlers)))


async def permit(store: Store, cost: int, lease_ms: int) -> tuple[bool, float]:
    """(granted, seconds): the first of `cost` slots is so far away, or, refused, ask again after that time."""
    granted, wait_us = await store.run("permit", cost, lease_ms)
    return bool(granted), wait_us / 1e6


async def wait_for_wakeup(store: Store, timeout_s: float) -> bool:
    """Blocks until an ad hoc job was enqueued; needs a connection meanwhile. False after timeout_s."""
    return await store.pop(store.keys(WAKEUPS), timeout_s)


async def pass_wakeup_on(store: Store) -> None:
    """Hands a wake-up to another worker: this one is full."""
    await store.run("pass_wakeup")
