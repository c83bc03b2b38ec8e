"""Many ad hoc jobs, enqueued in batches: one is on its way while the next one is checked."""

import asyncio
from collections.abc import AsyncIterable, Iterable, Sequence

from taskqueue.client.arguments import check_named, milliseconds, params_json
from taskqueue.client.batches import batches
from taskqueue.models.ad_hoc_job import AdHocJob
from taskqueue.models.identity import check_job_id, check_type_name, check_user_id
from taskqueue.models.locked_params import Locks, refuse_locked
from taskqueue.models.refusal import ValueRefusedError
from taskqueue.store.connection import Store
from taskqueue.store.enqueue import MAX_JOBS, NewJob, enqueue_packed, pack_jobs
from taskqueue.store.errors import LockedParamsError, UnknownTypeError
from taskqueue.store.named_types import read_locks

Jobs = Iterable[AdHocJob] | AsyncIterable[AdHocJob]

#: Turns of the event loop until a call is on the wire: before Python 3.12, redis-py sends from a task of its own.
_TURNS_TO_SEND = 3


def check_job(job: AdHocJob) -> NewJob:
    """Raise ValueRefusedError, which names the field, unless the job can be enqueued."""
    return NewJob(
        check_named("task_type", check_type_name, job.task_type),
        check_named("user", check_user_id, job.user),
        params_json(job.params),
        None if job.job_id is None else check_named("job_id", check_job_id, job.job_id),
        milliseconds("delay_s", job.delay_s),
        0 if job.expires_s is None else max(1, milliseconds("expires_s", job.expires_s)),
    )


async def enqueue_in_batches(store: Store, turn: asyncio.Semaphore, jobs: Jobs) -> list[str]:
    """Enqueue jobs in their order, MAX_JOBS a call, and return their names. turn: held during each call.

    Raises the error of the first job that is refused, once the batches before its own are enqueued.
    """
    names: list[str] = []
    locks = dict[str, frozenset[str]]()
    first, on_its_way = 0, None
    try:
        async for batch in batches("jobs", jobs, MAX_JOBS):
            packed = pack_jobs(_check(batch, first))
            await _check_locked(store, batch, first, locks)
            if on_its_way:
                names += await on_its_way
            on_its_way = asyncio.create_task(_enqueue(store, turn, packed, batch, first))
            for _ in range(_TURNS_TO_SEND):
                await asyncio.sleep(0)
            first += len(batch)
    finally:
        last = await on_its_way if on_its_way else []
    return names + last


def _check(batch: Sequence[AdHocJob], first: int) -> list[NewJob]:
    """first: the number of jobs before this batch."""
    checked: list[NewJob] = []
    for job in batch:
        if not isinstance(job, AdHocJob):
            raise ValueRefusedError(
                f"jobs[{first + len(checked)}] must be an AdHocJob (was {type(job).__name__})"
            )
        try:
            checked.append(check_job(job))
        except ValueRefusedError as error:
            raise ValueRefusedError(f"jobs[{first + len(checked)}].{error}") from None
    return checked


async def _check_locked(
    store: Store, batch: Sequence[AdHocJob], first: int, locks: dict[str, frozenset[str]]
) -> None:
    """Raise LockedParamsError for the first job with params that its type locks. locks: by type, as read before."""
    new = {job.task_type for job in batch if job.params} - locks.keys()
    if new:
        found = await read_locks(store, sorted(new))
        locks.update(dict.fromkeys(new, frozenset()) | dict(found.by_type))
    if not any(locks.values()):
        return
    for number, job in enumerate(batch, first):
        if job.params and (names := Locks(locks).overridden(job.task_type, job.params)):
            raise LockedParamsError(f"jobs[{number}].params: {refuse_locked(job.task_type, names)}")


async def _enqueue(
    store: Store, turn: asyncio.Semaphore, packed: bytes, batch: Sequence[AdHocJob], first: int
) -> list[str]:
    try:
        async with turn:
            return await enqueue_packed(store, packed)
    except UnknownTypeError as error:
        unknown = next(n for n, job in enumerate(batch, first) if job.task_type == error.detail)
        raise UnknownTypeError(f"jobs[{unknown}].task_type: {error.detail}") from None
