"""enqueue: a job outside the schedule."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from taskqueue.models.identity import USER_ID_PATTERN
from taskqueue.models.locked_params import refuse_locked
from taskqueue.models.refusal import ValueRefusedError, shown
from taskqueue.store.connection import Store
from taskqueue.store.errors import LockedParamsError, UnknownTypeError
from taskqueue.store.script import Script
from taskqueue.store.types import read_locks
from taskqueue.store.wire import shaped

#: A user or an id: both are fields of the job's name, which "|" separates.
_ENQUEUE = Script("enqueue", shaped(tuple[bytes, bytes]))
_PART = re.compile(USER_ID_PATTERN.removesuffix("$"))


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

    delay_ms: the job is due so much later. life_ms: the job expires so long after its due; 0: never.

    Raises UnknownTypeError, LockedParamsError for locked params, and ValueRefusedError for a user or job_id
    that no job's name can contain. After an unknown effect (any StoreFailure) repeat with the same job_id.
    """
    made = job_id or uuid.uuid4().hex
    for label, part in (("user", user), ("job_id", made)):
        if not _PART.fullmatch(part):
            raise ValueRefusedError(f'{label} must match {_PART.pattern} (was "{shown(part)}")')
    if params:
        await _refuse_locked(store, task_type, params)
    body = msgspec.json.encode(dict(params)) if params else b""
    verdict, name = await store.run(_ENQUEUE, task_type, user, made, delay_ms, life_ms, body)
    if verdict == b"unknown":
        raise UnknownTypeError(task_type)
    return name.decode()


async def _refuse_locked(store: Store, task_type: str, params: Mapping[str, Any]) -> None:
    """Refuse params that a worker would leave out. The script refuses a type that is missing or cannot be read."""
    locks = await read_locks(store, [task_type])
    if names := locks.overridden(task_type, params):
        raise LockedParamsError(str(refuse_locked(task_type, names)))
