"""The name of a job, which contains every field that claim needs.

Scheduled: TYPE|USER|OCCURRENCE|OFFSET_MS|LIFE_MS. Ad hoc: TYPE|USER|~ID|DUE_MS|LIFE_MS. LIFE 0: no deadline.

USER is encoded (`user_key`). A lease is that name followed by |WORKER|SEQ (and an x where the concurrency policy tracks
the job, and a t where the circuit breaker waits for its outcome).
"""

from typing import NamedTuple

from taskqueue.store.scalars import END_MS
from taskqueue.store.user_key import escape_user, read_user, try_read_user


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
    >>> parse("fetch-orders|auth0%7C5f7c|1764000000|250|300000").user
    'auth0|5f7c'
    """
    task_type, user, occurrence, offset, life = name.split("|", 5)[:5]
    if "%" in user:  # scripts look up every other user by name, so that an odd one does no harm
        user = read_user(user)
    if occurrence.startswith("~"):
        job = JobName(task_type, user, None, occurrence[1:], int(offset), int(life))
    else:
        start_s = int(occurrence)
        job = JobName(task_type, user, start_s, "", start_s * 1000 + int(offset), int(life))
    if not 0 <= job.due_ms < END_MS:
        raise ValueError(name)
    return job


def scheduled_name(task_type: str, user: str, occurrence_s: int, offset_ms: int, life_ms: int) -> str:
    """Return the name of a scheduled job, as scripts/tick.lua writes it.

    >>> scheduled_name("fetch-orders", "auth0|5f7c", 1_764_000_000, 250, 300_000)
    'fetch-orders|auth0%7C5f7c|1764000000|250|300000'
    """
    return f"{task_type}|{escape_user(user)}|{occurrence_s}|{offset_ms}|{life_ms}"


def ad_hoc_stem(task_type: str, user: str, job_id: str) -> str:
    """Return the name of an ad hoc job up to its due, which scripts/enqueue.lua adds.

    >>> ad_hoc_stem("fetch-orders", "auth0|5f7c", "a1")
    'fetch-orders|auth0%7C5f7c|~a1'
    """
    return f"{task_type}|{escape_user(user)}|~{job_id}"


def owner_of(name: str) -> tuple[str, str]:
    """Return type and user of a job's name or a lease, also of one that cannot be read.

    >>> owner_of("fetch-orders|auth0%7C5f7c|1764000000|250|300000"), owner_of("junk")
    (('fetch-orders', 'auth0|5f7c'), ('junk', ''))
    """
    task_type, _, rest = name.partition("|")
    return task_type, try_read_user(rest.partition("|")[0])


def split_lease(lease: str) -> tuple[str, str]:
    """Return the job's name and the worker of a lease.

    >>> split_lease("fetch-orders|u-1|1764000000|250|300000|worker-a.0|7x")
    ('fetch-orders|u-1|1764000000|250|300000', 'worker-a.0')
    """
    name, worker, _ = lease.rsplit("|", 2)
    return name, worker
