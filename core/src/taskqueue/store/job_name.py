"""The name of a job, which contains every field that claim needs.

Scheduled: TYPE|USER|OCCURRENCE|OFFSET_MS|LIFE_MS. Ad hoc: TYPE|USER|~ID|DUE_MS|LIFE_MS. LIFE 0: no deadline.

A lease is that name followed by |WORKER|SEQ (and an x where the concurrency policy tracks the job).
"""

from typing import NamedTuple

from taskqueue.store.scalars import END_MS


class JobName(NamedTuple):
    """occurrence: epoch seconds; None for an ad hoc job, which has an `id`. life_ms 0: no deadline."""

    type: str
    user: str
    occurrence: int | None
    id: str
    due_ms: int
    life_ms: int


def parse(name: str) -> JobName:
    """Read a job's name or a lease. Raises ValueError.

    >>> parse("fetch-orders|u-1|1764000000|250|300000").due_ms
    1764000000250
    >>> parse("fetch-orders|u-1|~a1|1764000000250|0|worker|7").id
    'a1'
    """
    task_type, user, occurrence, offset, life = name.split("|", 5)[:5]
    if occurrence.startswith("~"):
        job = JobName(task_type, user, None, occurrence[1:], int(offset), int(life))
    else:
        start_s = int(occurrence)
        job = JobName(task_type, user, start_s, "", start_s * 1000 + int(offset), int(life))
    if not 0 <= job.due_ms < END_MS:
        raise ValueError(name)
    return job


def split_lease(lease: str) -> tuple[str, str]:
    """Return the job's name and the worker of a lease.

    >>> split_lease("fetch-orders|u-1|1764000000|250|300000|worker-a.0|7x")
    ('fetch-orders|u-1|1764000000|250|300000', 'worker-a.0')
    """
    name, worker, _ = lease.rsplit("|", 2)
    return name, worker
