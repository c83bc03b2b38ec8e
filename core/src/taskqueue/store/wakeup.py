"""Wake-ups: tokens by which an enqueue wakes one idle worker."""

from taskqueue.store.command import blpop
from taskqueue.store.connection import Store
from taskqueue.store.script import Script

#: The list of tokens, one for each idle worker to wake.
WAKEUP_TOKENS = "wakeup_tokens"
_PASS = Script("pass_wakeup", int)


async def wait_for_wakeup(store: Store, timeout_s: float) -> bool:
    """Wait for a wake-up, on a connection of its own; return False after timeout_s."""
    return await store.read(blpop(store.keys(WAKEUP_TOKENS), timeout_s))


async def pass_wakeup_on(store: Store) -> None:
    """Pass a wake-up on to another worker, from one that is full."""
    await store.run(_PASS)
