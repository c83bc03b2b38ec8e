"""Jobs outside the schedule."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from taskqueue.models.identity import USER_ID_PATTERN
from taskqueue.store.connection import Store
from taskqueue.store.errors import UnknownTypeError

#: What a user and an id may be: both are part of the job's name, whose fields "|" separates.
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
    """Adds one job and returns its name. The same job_id within an hour adds nothing and returns the same name.

    Raises UnknownTypeError, and ValueError for a user or job_id that no job's name can hold.
    After an unknown outcome repeat with the same job_id.
    """
    made = job_id or uuid.uuid4().hex
    for part in (user, made):
        if not _PART.fullmatch(part):
            raise ValueError(f"{part!r} must match {_PART.pattern}")
    body = msgspec.json.encode(dict(params)) if params else b""
    verdict, name = await store.run("enqueue", task_type, user, made, delay_ms, life_ms, body)
    if verdict == b"unknown":
        raise UnknownTypeError(task_type)
    return str(name.decode())
