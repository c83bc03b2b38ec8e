"""Lookups of one user, for people: its source, its places in the spread, and its jobs."""

from collections.abc import AsyncIterator, Sequence
from functools import partial

from taskqueue.store.command import hmget, zscan, zscore
from taskqueue.store.connection import Store
from taskqueue.store.job_name import parse
from taskqueue.store.limit_names import limit_names
from taskqueue.store.listing import WaitingJob, limit_of, read_lanes, read_waiting, where_of
from taskqueue.store.malformed import location_of
from taskqueue.store.scalars import Place, read_place
from taskqueue.store.types import Catalog
from taskqueue.store.user_key import escape_user
from taskqueue.store.users import Source, StoredUser


async def find_stored_users(store: Store, users: Sequence[str]) -> list[StoredUser | None]:
    """Read the source and digest of each of `users`, None for a user who is not in the store."""
    fields = [escape_user(user) for user in users]
    values = await store.read(hmget(store.keys("users"), *fields)) if fields else []
    return [
        store.malformed.read(f"users {field}", partial(StoredUser.read, value)) if value else None
        for field, value in zip(fields, values, strict=True)
    ]


async def find_digests(store: Store, source: Source, users: Sequence[str]) -> dict[str, str]:
    """Read the digest of each of `users` that the store has from this source."""
    stored = zip(users, await find_stored_users(store, users), strict=True)
    return {user: found.digest for user, found in stored if found and found.source == source}


async def read_user_places(
    store: Store, user: str, generations: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], Place]:
    """Read the user's place in each (type, generation) that emits its jobs."""
    member = escape_user(user)
    scores = await store.read_all(
        [zscore(store.keys.schedule(task_type, number), member) for task_type, number in generations]
    )
    return {
        generation: read_place(score)
        for generation, score in zip(generations, scores, strict=True)
        if score is not None and score.is_integer() and score >= 0
    }


async def find_jobs(store: Store, user: str, catalog: Catalog) -> list[WaitingJob]:
    """Find every job of a user that waits or runs. catalog: the types, for whose limits the jobs may wait.

    The search walks the whole queue, a thousand jobs a call.
    """
    names = await read_lanes(store)
    parked = set[str]()
    for name, record in catalog.records.items():
        of_type = limit_names(record.task_type, catalog.limits)
        parked |= {f"parked:{of_type.queue}|{limit}" for limit in of_type.parked_at(name, user)}
    names += sorted(parked)
    found: dict[str, WaitingJob] = {}
    for name in [*names, "suspects", "leases"]:
        where = "leased" if name == "leases" else where_of(name)
        limit = limit_of(name)
        async for member, score in _members(store, store.keys(name), f"*|{escape_user(user)}|*"):
            job = store.malformed.read(
                location_of(name, member), partial(read_waiting, where, member, score, limit)
            )
            if job and parse(job.name).user == user:
                found[job.name] = job  # the later place: the job moved there meanwhile
    return sorted(found.values(), key=lambda job: job.score_ms)


async def _members(store: Store, key: str, match: str) -> AsyncIterator[tuple[bytes, float]]:
    async for rows in store.scan(zscan(key, 1_000, match)):
        for row in rows:
            yield row
