"""Read-only looks at one user, for people: who declared it, where its places are, which of its jobs wait."""

from collections.abc import AsyncIterator, Sequence

from taskqueue.store.connection import Store
from taskqueue.store.job_name import parse, split_lease
from taskqueue.store.keys import LANES
from taskqueue.store.listing import WaitingJob
from taskqueue.store.users import Owner


async def find_owners(store: Store, users: Sequence[str]) -> list[Owner | None]:
    """Read the source and digest of each of `users`, None for those the store does not know."""
    values = await store.read("HMGET", store.keys("users"), *users) if users else []
    return [Owner.read(value) if value else None for value in values]


async def read_offsets(
    store: Store, user: str, generations: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], int]:
    """Read the user's offset (ms) in each (type, generation) that holds it and emits it."""
    scores = await store.read_all(
        [("ZSCORE", store.keys.schedule(task_type, number), user) for task_type, number in generations]
    )
    return {
        place: int(score)
        for place, score in zip(generations, scores, strict=True)
        if score is not None and score >= 0
    }


async def find_jobs(store: Store, user: str, types: Sequence[str]) -> list[WaitingJob]:
    """Find every job of a user that waits or runs; `types`: those whose limits its jobs may wait for.

    Looks through all that is queued, a thousand jobs a call.
    """
    narrows = [f"parked:type:{name}" for name in types] + [f"parked:user:{user}"]
    places = [(lane, store.keys.ready(lane)) for lane in LANES]
    places += [(place, store.keys(place)) for place in [*narrows, "suspects"]]
    found: dict[str, WaitingJob] = {}
    for where, key in [*places, ("leased", store.keys("leased"))]:
        async for member, score in _members(store, key, f"*|{user}|*"):
            name = member.decode()
            place = where
            if where == "leased":
                name, worker = split_lease(name)
                place = f"leased:{worker}"
            if parse(name).user == user:
                found[name] = WaitingJob(
                    name, place, int(score)
                )  # the later place is where it went meanwhile
    return sorted(found.values(), key=lambda job: job.score_ms)


async def _members(store: Store, key: str, match: str) -> AsyncIterator[tuple[bytes, float]]:
    async for rows in store.scan("ZSCAN", key, 1_000, match):
        for row in rows:
            yield row
