"""permit: slots of limits for further calls of a running job."""

from taskqueue.store.connection import Store
from taskqueue.store.script import Script
from taskqueue.store.wire import shaped

_PERMIT = Script("permit", shaped(tuple[int, int]))


async def permit(
    store: Store, cost: int, lease_ms: int, task_type: str = "", user: str = "", limit: str | None = None
) -> tuple[bool, float]:
    """Reserve `cost` slots of all limits of a job's type, or of one limit by name and those around it.

    Without a type, of the global limit. An unknown limit grants none.
    Returns whether slots were granted, and the seconds until the first slot or the next try.
    """
    granted, wait_us = await store.run(_PERMIT, cost, lease_ms, task_type, user, limit or "")
    return bool(granted), wait_us / 1e6
