"""Listings of jobs, workers and handlers, for people and metrics."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import msgspec

from taskqueue.store.command import hgetall, zrange, zrange_scores
from taskqueue.store.connection import Store
from taskqueue.store.job_name import parse, split_lease
from taskqueue.store.malformed import location_of
from taskqueue.store.scalars import read_ms
from taskqueue.store.user_key import read_limit_name


@dataclass(frozen=True, slots=True)
class WaitingJob:
    """A job that waits or runs.

    where: a lane, parked:LIMIT, suspects or leased:WORKER. score_ms: due or retry time; the expiry of a lease; the time
    at which a job became a suspect. limit: for which the job waits, of its queue or where it is parked, or empty.
    """

    name: str
    where: str
    score_ms: int
    limit: str = ""


async def read_jobs(store: Store, most: int = 100) -> list[WaitingJob]:
    """Read the first `most` jobs of every lane and of every limit that jobs wait for, suspects, and leased jobs."""
    keys = store.keys
    indexes = ("limits_free_at", "lanes_busy", "lanes_due")
    limits, *lanes = await store.read_all([zrange(keys(index), 0, most) for index in indexes])
    names = [f"ready:{lane.decode(errors='replace')}" for index in lanes for lane in index]
    names += ["suspects", *(f"parked:{limit.decode(errors='replace')}" for limit in limits), "leases"]
    waiting = await store.read_all([zrange_scores(keys(name), 0, most - 1) for name in names])
    jobs = [
        store.malformed.read(
            location_of(name, member), partial(read_waiting, where_of(name), member, score, limit_of(name))
        )
        for name, rows in zip(names, waiting, strict=True)
        for member, score in rows
    ]
    return [job for job in jobs if job]


async def read_lanes(store: Store) -> list[str]:
    """Read the names of the lanes with jobs, as keys have them: ready:QUEUE:LANE."""
    indexes = [zrange(store.keys(index), 0, -1) for index in ("lanes_busy", "lanes_due")]
    lanes = {lane.decode(errors="replace") for index in await store.read_all(indexes) for lane in index}
    return [f"ready:{lane}" for lane in sorted(lanes)]


def where_of(name: str) -> str:
    """Return the place of the jobs in a key, for people: a lane, parked:LIMIT, suspects or leased.

    >>> where_of("ready:app:normal"), where_of("parked:app|shop|u-1"), where_of("leases")
    ('normal', 'parked:shop|u-1', 'leased')
    """
    family, _, rest = name.partition(":")
    if family == "ready":
        return rest.rpartition(":")[2]
    if family == "leases":
        return "leased"
    return f"parked:{limit_of(name)}" if family == "parked" else name


def limit_of(name: str) -> str:
    """Return the limit for which the jobs in a key wait; empty for suspects and leased jobs.

    >>> limit_of("ready:app:normal"), limit_of("parked:app|shop|u-1"), limit_of("leases")
    ('app', 'shop|u-1', '')
    """
    family, _, rest = name.partition(":")
    if family == "ready":
        return rest.rpartition(":")[0]
    return read_limit_name(rest.partition("|")[2]) if family == "parked" else ""


def read_waiting(where: str, member: bytes, score: float, limit: str = "") -> WaitingJob:
    """Read a member of a lane, of a limit's queue or of `leases`. Raises any error of UNREADABLE."""
    name = member.decode("ascii")
    if where == "leased":
        name, worker = split_lease(name)
        where = f"leased:{worker}"
    parse(name)
    return WaitingJob(name, where, read_ms(score), limit)


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """A worker's last heartbeat."""

    worker: str
    seen_ms: int
    info: dict[str, object]


async def read_workers(store: Store) -> list[WorkerSeen]:
    """Read the last heartbeat of every worker, by name."""
    rows = await store.read(hgetall(store.keys("workers")))
    return sorted(_workers(store, rows), key=lambda worker: worker.worker)


def _workers(store: Store, rows: dict[bytes, bytes]) -> Iterator[WorkerSeen]:
    for worker, value in rows.items():
        read = store.malformed.read(location_of("workers", worker), partial(read_worker, worker, value))
        if read:
            yield read


def read_worker(worker: bytes, value: bytes) -> WorkerSeen:
    """Read a worker's last heartbeat. Raises any error of UNREADABLE."""
    seen, _, info = value.partition(b"|")
    return WorkerSeen(worker.decode(), read_ms(int(seen)), msgspec.json.decode(info, type=dict[str, object]))


async def read_handlers(store: Store) -> dict[str, int]:
    """Read the names of handlers that workers registered, each with the last time at which one did (epoch ms)."""
    rows = await store.read(hgetall(store.keys("handlers")))
    read = (
        store.malformed.read(location_of("handlers", name), partial(read_handler, name, seen))
        for name, seen in rows.items()
    )
    return dict(one for one in read if one)


def read_handler(name: bytes, seen: bytes) -> tuple[str, int]:
    """Read a name and the last time at which a worker had it. Raises any error of UNREADABLE."""
    return name.decode(), read_ms(int(seen))
