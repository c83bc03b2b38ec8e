"""Read-only looks at the queue, for people and metrics. Nothing here decides anything."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from taskqueue.store.connection import Store
from taskqueue.store.job_name import split_lease
from taskqueue.store.keys import LANES


@dataclass(frozen=True, slots=True)
class WaitingJob:
    """where: a lane, parked:LIMIT, suspects or leased:WORKER.

    score_ms: due or retry time; for a lease its expiry; for a suspect when it became one.
    """

    name: str
    where: str
    score_ms: int


async def read_jobs(store: Store, most: int = 100) -> list[WaitingJob]:
    """The first jobs of every lane and of every limit that jobs wait for, of suspects, and in flight."""
    keys = store.keys
    narrows = [name.decode() for name in await store.read("ZRANGE", keys("wake"), 0, most)]
    places = [*LANES, "suspects", *(f"parked:{narrow}" for narrow in narrows)]
    queues = [keys.ready(place) if place in LANES else keys(place) for place in places]
    *waiting, leased = await store.read_all(
        [("ZRANGE", key, 0, most - 1, "WITHSCORES") for key in (*queues, keys("leased"))]
    )
    jobs = [
        WaitingJob(name.decode(), place, int(score))
        for place, rows in zip(places, waiting, strict=True)
        for name, score in _pairs(rows)
    ]
    for member, expiry in _pairs(leased):
        name, worker = split_lease(member.decode())
        jobs.append(WaitingJob(name, f"leased:{worker}", int(expiry)))
    return jobs


def _pairs(rows: list[bytes]) -> Iterator[tuple[bytes, float]]:
    """Yield member and score of an answer WITHSCORES, which is one flat list."""
    yield from zip(rows[::2], map(float, rows[1::2]), strict=True)


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """A worker's last heartbeat."""

    worker: str
    seen_ms: int
    info: dict[str, object]


async def read_workers(store: Store) -> list[WorkerSeen]:
    rows = await store.read("HGETALL", store.keys("workers"))
    return sorted(_workers(rows), key=lambda worker: worker.worker)


def _workers(rows: dict[bytes, bytes]) -> Iterator[WorkerSeen]:
    for worker, value in rows.items():
        seen, _, info = value.partition(b"|")
        yield WorkerSeen(worker.decode(), int(seen), msgspec.json.decode(info))


async def read_handlers(store: Store) -> dict[str, int]:
    """Names of handlers that some worker registered, and when it last said so (epoch ms)."""
    rows = await store.read("HGETALL", store.keys("handlers"))
    return {name.decode(): int(seen) for name, seen in rows.items()}
