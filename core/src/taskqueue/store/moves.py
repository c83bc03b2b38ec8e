"""Waiting jobs of types that take from other limits than before; scripts/lib/moves.lua has the mechanism."""

from taskqueue.store.connection import Store
from taskqueue.store.script import Script

_MOVE_JOBS = Script("move_jobs", int)
#: Jobs that one call looks at: a few milliseconds of the server's time.
_JOBS = 500


async def move_jobs(store: Store) -> bool:
    """Take some waiting jobs along to the queue that their type has now; tell whether there is more to do."""
    more = await store.run(_MOVE_JOBS, _JOBS)
    return more == 1
