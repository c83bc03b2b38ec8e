"""Jobs outside the schedule."""

import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from taskqueue.store.connection import Store
from taskqueue.store.errors import UnknownTypeError
from taskqueue.store.script import run


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
    """Adds one job and returns its name. The same job_id within an hour adds nothing and returns the same name.

    Raises UnknownTypeError. After an unknown outcome repeat with the same job_id.
    """
    made = job_id or uuid.uuid4().hex
    body = msgspec.json.encode(dict(params)) if params else b""
    verdict, name = await run(store, "enqueue", task_type, user, made, delay_ms, life_ms, body)
    if verdict == b"unknown":
        raise UnknownTypeError(task_type)
    return str(name.decode())
