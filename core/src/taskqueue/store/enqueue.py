"""enqueue: jobs outside the schedule."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from taskqueue.models.identity import check_job_id, check_user_id
from taskqueue.models.refusal import ValueRefusedError
from taskqueue.store.connection import Store
from taskqueue.store.errors import UnknownTypeError
from taskqueue.store.job_name import ad_hoc_stem
from taskqueue.store.named_types import check_locked
from taskqueue.store.script import Script
from taskqueue.store.wire import pack, packed

_ENQUEUE = Script("enqueue", packed(tuple[Literal["ok", "unknown"], list[str]]))
_encode = msgspec.json.Encoder().encode
#: Jobs of a call: it takes the server 1 to 3 ms, for which other calls wait.
MAX_JOBS = 400
#: Of an id that is made here.
_ID_DIGITS = 32


class NewJob(msgspec.Struct, frozen=True):
    """A job to enqueue, its parts checked.

    params: JSON; '' without params.   job_id: the caller's, by which a repeated call finds the job; None: no call is
    repeated.   delay_ms: the job is due so much later.   life_ms: it expires so long after its due; 0: never.
    """

    task_type: str
    user: str
    params: str
    job_id: str | None
    delay_ms: int
    life_ms: int


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

    params: merged over the type's; params of a subscription do not count.   delay_ms, life_ms: see NewJob.

    Raises UnknownTypeError, LockedParamsError for locked params, and ValueRefusedError for a user or job_id
    that no job's name can contain. After an unknown effect (any StoreFailure) repeat with the same job_id.
    """
    for label, check, part in (("user", check_user_id, user), ("job_id", check_job_id, job_id)):
        try:
            if part is not None:
                check(part)
        except ValueRefusedError as error:
            raise ValueRefusedError(f"{label} {error}") from None
    await check_locked(store, task_type, params or {})
    written = _encode(dict(params)).decode() if params else ""
    (name,) = await enqueue_all(store, [NewJob(task_type, user, written, job_id, delay_ms, life_ms)])
    return name


async def enqueue_all(store: Store, jobs: Sequence[NewJob]) -> list[str]:
    """Add at most MAX_JOBS jobs, all or none; return their names. A repeated call adds those without a job_id again.

    The caller has checked the parts, and that no params are locked. Raises UnknownTypeError for the first job's type
    that does not exist.
    """
    return await enqueue_packed(store, pack_jobs(jobs))


def pack_jobs(jobs: Sequence[NewJob]) -> bytes:
    """Return at most MAX_JOBS jobs for `enqueue_packed`, with ids for those that have none."""
    made = os.urandom(_ID_DIGITS // 2 * len(jobs)).hex()
    ids = [
        made[_ID_DIGITS * n : _ID_DIGITS * (n + 1)] if job.job_id is None else job.job_id
        for n, job in enumerate(jobs)
    ]
    types = {name: number for number, name in enumerate(dict.fromkeys(job.task_type for job in jobs), 1)}
    columns = (
        [types[job.task_type] for job in jobs],
        [ad_hoc_stem(job.task_type, job.user, job_id) for job, job_id in zip(jobs, ids, strict=True)],
        [job.job_id is not None for job in jobs],
        [job.delay_ms for job in jobs],
        [job.life_ms for job in jobs],
        [job.params for job in jobs],
    )
    return pack((list(types), *columns))


async def enqueue_packed(store: Store, packed_jobs: bytes) -> list[str]:
    """Add jobs as `enqueue_all` does."""
    verdict, answer = await store.run(_ENQUEUE, packed_jobs)
    if verdict == "unknown":
        raise UnknownTypeError(answer[0])
    return answer
