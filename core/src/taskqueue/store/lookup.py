"""Lookups of users by their ids: source and digest, places in the spread, jobs."""

from collections.abc import Sequence
from functools import partial

from taskqueue.models.values import UserSubscription
from taskqueue.store.command import hmget, zscore
from taskqueue.store.connection import Store
from taskqueue.store.job_places import Selection, walk_jobs
from taskqueue.store.listing import WaitingJob
from taskqueue.store.scalars import Place, read_place
from taskqueue.store.user_key import escape_user
from taskqueue.store.users import Source, StoredUser, digest


async def find_stored_users(store: Store, users: Sequence[str]) -> list[StoredUser | None]:
    """Read the source and digest of each of `users`, None for a user who is not in the store."""
    fields = [escape_user(user) for user in users]
    values = await store.read(hmget(store.keys("users"), *fields)) if fields else []
    return [
        store.malformed.read(f"users {field}", partial(StoredUser.read, value)) if value else None
        for field, value in zip(fields, values, strict=True)
    ]


async def find_changed_users(
    store: Store, source: Source, users: Sequence[UserSubscription]
) -> list[tuple[UserSubscription, StoredUser | None]]:
    """Return those of `users` that differ from the store, each as it is stored; without tasks: that are stored."""
    stored = await find_stored_users(store, [user.user_id for user in users])
    return [
        (user, found)
        for user, found in zip(users, stored, strict=True)
        if found != (StoredUser(source, digest(user)) if user.tasks else None)
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


async def find_jobs(store: Store, user: str) -> list[WaitingJob]:
    """Find every job of a user that waits or runs. The search walks the whole queue, a thousand jobs a call."""
    found = dict[str, WaitingJob]()
    async for placed in walk_jobs(store, Selection(user=user), running=True):
        found[placed.name] = placed.job  # the later place: the job moved there meanwhile
    return sorted(found.values(), key=lambda job: job.score_ms)
