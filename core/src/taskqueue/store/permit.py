"""permit: slots of limits for further calls of a running job."""

from typing import NamedTuple

from taskqueue.store.connection import Store
from taskqueue.store.script import Script
from taskqueue.store.user_key import escape_user
from taskqueue.store.wire import shaped

_PERMIT = Script("permit", shaped(tuple[int, int, int]))


class Permit(NamedTuple):
    """The answer. granted: whether slots were reserved.   wait_s: until the first slot, or until the next try.

    now_us: the server's clock at the call.
    """

    granted: bool
    wait_s: float
    now_us: int


async def permit(
    store: Store, cost: int, lease_ms: int, task_type: str = "", user: str = "", limit: str | None = None
) -> Permit:
    """Reserve `cost` slots of all limits of a job's type, or of one limit by name and those around it.

    Without a type, of the global limit. An unknown limit grants none.
    """
    now_us, granted, wait_us = await store.run(
        _PERMIT, cost, lease_ms, task_type, escape_user(user), limit or ""
    )
    return Permit(bool(granted), wait_us / 1e6, now_us)
