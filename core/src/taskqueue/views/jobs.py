"""Jobs that wait or run, the first of each place, a row each."""

from itertools import islice

from taskqueue.store.connection import Store
from taskqueue.store.job_name import parse
from taskqueue.store.listing import WaitingJob, read_jobs
from taskqueue.views.instant import at
from taskqueue.views.view import Instant, View


class JobRow(View):
    """A job.   where: a lane, parked:LIMIT, suspects or leased:WORKER.

    limit: of the queue in which the job waits, or for which it is parked; None for one that runs.
    """

    type: str
    user: str
    due: Instant
    where: str
    limit: str | None
    job: str


class JobList(View):
    """The jobs that were found.   is_cut: whether there may be more."""

    jobs: list[JobRow]
    is_cut: bool


async def list_jobs(store: Store, most: int = 100) -> JobList:
    """Return at most `most` jobs: the first of each lane and of each limit, suspects, and jobs that run."""
    found = await read_jobs(store, most)
    return JobList(jobs=[job_row(job) for job in islice(found, most)], is_cut=len(found) >= most)


def job_row(job: WaitingJob) -> JobRow:
    """Return the row of a job."""
    name = parse(job.name)
    return JobRow(
        type=name.type,
        user=name.user,
        due=at(name.due_ms),
        where=job.where,
        limit=job.limit or None,
        job=job.name,
    )
