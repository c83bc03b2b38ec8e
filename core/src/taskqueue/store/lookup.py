"""Lookups of users by their ids: source and digest, places in the spread, jobs."""

from collections.abc import Mapping, Sequence
from functools import partial

from taskqueue.models.values import UserSubscription
from taskqueue.store.command import hmget, zmscore, zscore
from taskqueue.store.connection import Store
from taskqueue.store.job_places import LEASES, Selection, walk_jobs, walk_places
from taskqueue.store.listing import WaitingJob, limit_of, read_waiting, where_of
from taskqueue.store.malformed import location_of
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
    """Return the `users` that differ from the store, each with its record; a user without tasks differs if stored."""
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
    """Read the user's place in each (type, generation), also those that suspension keeps idle."""
    member = escape_user(user)
    scores = await store.read_all(
        [zscore(store.keys.schedule(task_type, number), member) for task_type, number in generations]
    )
    return {
        generation: read_place(score)
        for generation, score in zip(generations, scores, strict=True)
        if score is not None and score.is_integer()
    }


async def find_named(store: Store, names: Mapping[str, Sequence[str]]) -> list[WaitingJob]:
    """Find the jobs that wait, of names by place (`LimitNames.places`), in one round trip."""
    places = [place for place, several in names.items() if several]
    scores = await store.read_all([zmscore(store.keys(place), *names[place]) for place in places])
    found = [
        store.malformed.read(
            location_of(place, name.encode()),
            partial(read_waiting, where_of(place), name.encode(), score, limit_of(place)),
        )
        for place, several in zip(places, scores, strict=True)
        for name, score in zip(names[place], several, strict=True)
        if score is not None
    ]
    return [job for job in found if job]


async def find_leased(store: Store, user: str) -> list[WaitingJob]:
    """Find every job of a user that runs. The search walks all leases, a thousand a call."""
    return [placed.job async for placed in walk_places(store, [LEASES], Selection(user=user))]


async def find_jobs(store: Store, user: str) -> list[WaitingJob]:
    """Find every job of a user that waits or runs. The search walks the whole queue, a thousand jobs a call."""
    found = dict[str, WaitingJob]()
    async for placed in walk_jobs(store, Selection(user=user), running=True):
        found[placed.name] = placed.job  # the later place: the job moved there meanwhile
    return sorted(found.values(), key=lambda job: job.score_ms)
