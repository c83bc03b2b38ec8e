"""Waiting jobs follow limits that changed; scripts/lib/changed_limits.lua has the mechanism."""

from taskqueue.store.connection import Store
from taskqueue.store.script import Script

_FOLLOW_LIMITS = Script("follow_limits", int)
#: Jobs and parked limits that one call looks at: a few milliseconds of the server's time.
_BATCH = 500


async def follow_limits(store: Store) -> bool:
    """Have some waiting jobs follow limits that changed; tell whether there is more to do."""
    more = await store.run(_FOLLOW_LIMITS, _BATCH)
    return more == 1
