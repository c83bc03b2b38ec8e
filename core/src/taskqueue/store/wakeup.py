"""Wake-ups: tokens by which an enqueue wakes one idle worker."""

from taskqueue.store.command import blpop
from taskqueue.store.connection import Store
from taskqueue.store.script import Script

#: Where an enqueue leaves a token for one idle worker.
WAKEUPS = "wakeups"
_PASS = Script("pass_wakeup", int)


async def wait_for_wakeup(store: Store, timeout_s: float) -> bool:
    """Blocks until an ad hoc job was enqueued; needs a connection meanwhile. False after timeout_s."""
    return await store.read(blpop(store.keys(WAKEUPS), timeout_s))


async def pass_wakeup_on(store: Store) -> None:
    """Hands a wake-up to another worker: this one is full."""
    await store.run(_PASS)
