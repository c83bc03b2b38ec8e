"""Jobs that wait or run, a page at a time, of a type, of a user, or in a state."""

from typing import Literal

import msgspec

from taskqueue.store.connection import Store
from taskqueue.store.job_places import Selection
from taskqueue.store.job_scan import Position, Stage, walk_from
from taskqueue.views.errors import wrong_cursor
from taskqueue.views.jobs import JobRow, job_row
from taskqueue.views.view import View

JobState = Literal["waiting", "running"]
_STAGES: dict[JobState | None, list[Stage]] = {
    None: list(Stage),
    "waiting": [Stage.LANES, Stage.PARKED],
    "running": [Stage.LEASES],
}
#: Round trips of one page, each over up to 1,000 jobs: tens of milliseconds.
_MAX_STEPS = 30


class JobPage(View):
    """A page of jobs, which may be short.   after: the cursor of the next page; empty on the last one."""

    jobs: list[JobRow]
    after: str


async def list_job_page(
    store: Store,
    most: int = 100,
    after: str = "",
    *,
    task_type: str | None = None,
    user: str | None = None,
    state: JobState | None = None,
) -> JobPage:
    """Return the next `most` jobs at most, in the order of the store, which has no other.

    Jobs that move meanwhile may be missing, or come twice. Raises ValueRefusedError for text that is no cursor.
    """
    jobs: dict[str, JobRow] = {}
    steps = 0
    position = _read(after)
    async for step in walk_from(store, position, Selection(task_type, user), _STAGES[state]):
        if step.job:
            jobs[step.job.name] = job_row(step.job.job)
        steps += step.job is None
        if len(jobs) == most or steps == _MAX_STEPS:
            return JobPage(jobs=list(jobs.values()), after=msgspec.json.encode(step.behind).decode())
    return JobPage(jobs=list(jobs.values()), after="")


def _read(after: str) -> Position:
    try:
        return msgspec.json.decode(after, type=Position) if after else Position()
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise wrong_cursor(after) from None
