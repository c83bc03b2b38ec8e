"""enqueue: a job outside the schedule."""

import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from taskqueue.models.identity import check_job_id, check_user_id
from taskqueue.models.refusal import ValueRefusedError
from taskqueue.store.connection import Store
from taskqueue.store.errors import UnknownTypeError
from taskqueue.store.script import Script
from taskqueue.store.types import check_locked
from taskqueue.store.user_key import escape_user
from taskqueue.store.wire import shaped

_ENQUEUE = Script("enqueue", shaped(tuple[bytes, bytes]))


async def enqueue(
    store: Store,
    task_type: str,
    user: str,
    params: Mapping[str, Any] | None = None,
    *,
    job_id: str | None = None,
    delay_ms: int = 0,
    life_ms: int = 0,
) -> str:
    """Add one job and return its name. The same job_id within an hour adds no job and returns the same name.

    params: merged over the type's; params of a subscription do not count.   delay_ms: the job is due so much later.
    life_ms: the job expires so long after its due; 0: never.

    Raises UnknownTypeError, LockedParamsError for locked params, and ValueRefusedError for a user or job_id
    that no job's name can contain. After an unknown effect (any StoreFailure) repeat with the same job_id.
    """
    made = uuid.uuid4().hex if job_id is None else job_id
    for label, check, part in (("user", check_user_id, user), ("job_id", check_job_id, made)):
        try:
            check(part)
        except ValueRefusedError as error:
            raise ValueRefusedError(f"{label} {error}") from None
    await check_locked(store, task_type, params or {})
    body = msgspec.json.encode(dict(params)) if params else b""
    verdict, name = await store.run(_ENQUEUE, task_type, escape_user(user), made, delay_ms, life_ms, body)
    if verdict == b"unknown":
        raise UnknownTypeError(task_type)
    return name.decode()
