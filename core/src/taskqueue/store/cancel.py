"""cancel: ends jobs that wait, on demand also jobs that run, in bounded steps.

Jobs move meanwhile. So all places are walked until a walk finds no job, and the script ends a job only where it was
seen: a job that moved is met again, and a command that was cut off may be repeated.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from enum import StrEnum

from taskqueue.store.clock import server_now_ms
from taskqueue.store.command import zscore
from taskqueue.store.connection import Store
from taskqueue.store.job_name import JobName, parse
from taskqueue.store.job_places import LEASES, PlacedJob, Selection, walk_jobs, walk_places
from taskqueue.store.limit_names import limit_names
from taskqueue.store.listing import read_lanes
from taskqueue.store.malformed import UNREADABLE
from taskqueue.store.script import Script
from taskqueue.store.types import Catalog, read_catalog
from taskqueue.store.wire import pack, shaped

#: Jobs that one call of the script ends, and names that it looks for: at most a millisecond of the server's time.
_BATCH, _LOOKUPS = 100, 1_000
#: Walks over all places; those that find nothing while the scheduler is still to emit jobs, and the time between them.
_MAX_WALKS, _MAX_IDLE, _IDLE_S = 100, 8, 0.25
#: Searches for a named job, which may be moving.
_SEARCHES = 3

_CANCEL = Script("cancel", shaped(list[bytes]))


class Fate(StrEnum):
    """The fate of a job that was to be cancelled by name."""

    CANCELLED = "cancelled"
    RUNNING = "running"
    DEAD = "dead"
    UNKNOWN = "unknown"


async def cancel_due(
    store: Store, *, task_type: str | None = None, user: str | None = None, running: bool = False
) -> AsyncIterator[int]:
    """End the jobs of a type, of a user, or of both, that are due now; yield the number that each step ended.

    Jobs that are due later stay. Without `running` so do jobs that run now, also while they wait for another attempt.
    """
    selection = Selection(task_type, user, await server_now_ms(store))
    kept = set() if running else {job.name async for job in walk_places(store, [LEASES], selection)}
    idle = 0
    for _ in range(_MAX_WALKS):
        found = False
        async for jobs in _batches(walk_jobs(store, selection, running=running), kept):
            found = True
            yield len(await _cancel(store, jobs))
        if found:
            idle = 0
        elif idle < _MAX_IDLE and await _is_behind(store, selection):
            idle += 1
            await asyncio.sleep(_IDLE_S)
        else:
            return


async def cancel_named(store: Store, names: Sequence[str], *, running: bool = False) -> dict[str, Fate]:
    """End jobs by name, whenever they are due: those that wait and, with `running`, those that run."""
    fates = dict.fromkeys(names, Fate.UNKNOWN)
    left = {name: job for name in fates if (job := _parse(name))}
    for _ in range(_SEARCHES):
        ended = await _cancel_waiting(store, left)
        leased = [job async for job in walk_places(store, [LEASES], Selection()) if job.name in left]
        if running and leased:
            members = await _cancel(store, {LEASES: [job.member for job in leased]})
            ended |= {job.name for job in leased if job.member in members}
        fates |= dict.fromkeys((job.name for job in leased), Fate.RUNNING) | dict.fromkeys(
            ended, Fate.CANCELLED
        )
        left = {name: job for name, job in left.items() if name not in ended}
        if all(fates[name] is Fate.RUNNING and not running for name in left):
            return fates
    scores = await store.read_all([zscore(store.keys("dead"), name) for name in left])
    dead = [name for name, died in zip(left, scores, strict=True) if died is not None]
    return fates | dict.fromkeys(dead, Fate.DEAD)


def _parse(name: str) -> JobName | None:
    """Return the parts of a job's name; None for other text."""
    try:
        return parse(name) if name.isascii() else None
    except UNREADABLE:
        return None


async def _cancel(store: Store, jobs: Mapping[str, Sequence[str]]) -> set[str]:
    """End jobs, given by place; return the members that were there."""
    return {member.decode() for member in await store.run(_CANCEL, pack(jobs))}


async def _cancel_waiting(store: Store, jobs: Mapping[str, JobName]) -> set[str]:
    """End those of the jobs that wait, looking in every lane and where the limits of their types may park them."""
    catalog = await read_catalog(store)
    lanes = [*await read_lanes(store), "suspects"]
    names, ended = list(jobs), set[str]()
    step = max(1, min(_BATCH, _LOOKUPS // len(lanes)))
    for first in range(0, len(names), step):
        some = names[first : first + step]
        places = dict.fromkeys(lanes, some)
        for name in some:
            for place in _parked_at(catalog, jobs[name]):
                places[place] = [*places.get(place, ()), name]
        ended |= await _cancel(store, places)
    return ended


def _parked_at(catalog: Catalog, job: JobName) -> list[str]:
    """Return the parked keys that may have a job."""
    record = catalog.records.get(job.type)
    if record is None:
        return []
    return limit_names(record.task_type, catalog.limits).parked_places(job.type, job.user)


async def _batches(jobs: AsyncIterator[PlacedJob], kept: set[str]) -> AsyncIterator[dict[str, list[str]]]:
    """Yield jobs by place, as many as one call of the script ends, without those that are kept."""
    batch, size = dict[str, list[str]](), 0
    async for job in jobs:
        if job.name in kept:
            continue
        batch.setdefault(job.place, []).append(job.member)
        size += 1
        if size == _BATCH:
            yield batch
            batch, size = {}, 0
    if batch:
        yield batch


async def _is_behind(store: Store, selection: Selection) -> bool:
    """Tell whether jobs of the selection may be due and not emitted, because their queue was full."""
    behind = (await read_catalog(store)).behind
    return any(
        at_ms < selection.until_ms for name, at_ms in behind.items() if selection.task_type in {None, name}
    )
