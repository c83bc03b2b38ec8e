"""Read-only looks at the queue, for people and metrics. Nothing here decides anything."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from taskqueue.store.connection import Store
from taskqueue.store.job_name import split_lease
from taskqueue.store.keys import LANES


@dataclass(frozen=True, slots=True)
class WaitingJob:
    """where: a lane, parked:LIMIT or leased:WORKER. score_ms: due or retry time; for a lease its expiry."""

    name: str
    where: str
    score_ms: int


async def read_jobs(store: Store, most: int = 100) -> list[WaitingJob]:
    """The first jobs of every lane, of every limit that jobs wait for, and in flight."""
    keys = store.keys
    narrows = [name.decode() for name in await store.client.zrange(keys("wake"), 0, most)]
    places = [*LANES, *(f"parked:{narrow}" for narrow in narrows)]
    pipeline = store.client.pipeline(transaction=False)
    for place in places:
        key = keys(place) if place.startswith("parked:") else keys.ready(place)
        pipeline.zrange(key, 0, most - 1, withscores=True)
    pipeline.zrange(keys("leased"), 0, most - 1, withscores=True)
    *waiting, leased = await pipeline.execute()
    jobs = [
        WaitingJob(name.decode(), place, int(score))
        for place, rows in zip(places, waiting, strict=True)
        for name, score in rows
    ]
    for member, expiry in leased:
        name, worker = split_lease(member.decode())
        jobs.append(WaitingJob(name, f"leased:{worker}", int(expiry)))
    return jobs


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """A worker's last heartbeat."""

    worker: str
    seen_ms: int
    info: dict[str, object]


async def read_workers(store: Store) -> list[WorkerSeen]:
    rows = await store.client.hgetall(store.keys("workers"))
    return sorted(_workers(rows), key=lambda worker: worker.worker)


def _workers(rows: dict[bytes, bytes]) -> Iterator[WorkerSeen]:
    for worker, value in rows.items():
        seen, _, info = value.partition(b"|")
        yield WorkerSeen(worker.decode(), int(seen), msgspec.json.decode(info))


async def read_handlers(store: Store) -> dict[str, int]:
    """Names of handlers that some worker registered, and when it last said so (epoch ms)."""
    rows = await store.client.hgetall(store.keys("handlers"))
    return {name.decode(): int(seen) for name, seen in rows.items()}
