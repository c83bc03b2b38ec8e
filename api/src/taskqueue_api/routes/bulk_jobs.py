"""POST /v1/jobs of NDJSON: jobs outside the schedule, a line each."""

from collections.abc import AsyncIterator

from fastapi import Request
from pydantic import ValidationError

from taskqueue.models.ad_hoc_job import AdHocJob
from taskqueue.models.locked_params import refuse_locked
from taskqueue.models.part import refusals
from taskqueue.models.refusal import ManifestRefusedError, Refusal
from taskqueue.sources.lines import Line
from taskqueue.sources.ndjson_users import decode_line
from taskqueue.store.connection import Store
from taskqueue.store.named_types import find_types
from taskqueue_api.noted_writes import note
from taskqueue_api.parts import UsedParts
from taskqueue_api.request.line_faults import LineFaults
from taskqueue_api.request.lines import LinesRoute, read_lines
from taskqueue_api.request.route import new_router
from taskqueue_api.routes.job_answers import JobsAnswer
from taskqueue_api.routes.job_specs import JobSpec

router = new_router("jobs", LinesRoute)

#: Jobs whose names are held at once.
_MAX_NAMES = 20_000
#: Types that one body holds at once: a release has hundreds, a hostile body names any number.
_MAX_TYPES = 2_000


@router.post("", include_in_schema=False)
async def enqueue_jobs(request: Request, parts: UsedParts) -> JobsAnswer:
    """Enqueue many jobs, a line each; lines at fault are left out and named."""
    faults, enqueued = LineFaults(), 0
    jobs = _read(request, parts.store, faults)
    while names := await parts.client.enqueue_many(_first(jobs)):
        enqueued += len(names)
        note(request, f"enqueued {enqueued} jobs")
    return JobsAnswer(enqueued=enqueued, linesAtFault=faults.lines, faults=faults.listed)


async def _first(jobs: AsyncIterator[AdHocJob]) -> AsyncIterator[AdHocJob]:
    """Yield the next jobs, some of all."""
    for _ in range(_MAX_NAMES):
        try:
            yield await anext(jobs)
        except StopAsyncIteration:
            return


async def _read(request: Request, store: Store, faults: LineFaults) -> AsyncIterator[AdHocJob]:
    types = _Types(store)
    async for line in read_lines(request):
        if line.data.strip():
            try:
                job = _job(line)
                await types.check(job)
            except ManifestRefusedError as error:
                for refusal in error.refusals:
                    faults.add(line.number, refusal.field, refusal.message)
            else:
                yield AdHocJob(job.user, job.type, job.params, job.id, job.delay_s, job.expires_s)


def _job(line: Line) -> JobSpec:
    """Read one job. Raises ManifestRefusedError."""
    try:
        return JobSpec.model_validate(decode_line(line))
    except ValidationError as error:
        raise ManifestRefusedError(tuple(refusals(error, JobSpec))) from None


class _Types:
    """The types of one body, each read once; of a body that names more than _MAX_TYPES, some are read again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._locked: dict[str, frozenset[str] | None] = {}

    async def check(self, job: JobSpec) -> None:
        """Raise ManifestRefusedError for a job of an unknown type, or with params that its type locks."""
        if job.type not in self._locked:
            if len(self._locked) >= _MAX_TYPES:
                self._locked.clear()
            self._locked[job.type] = await self._read(job.type)
        locked = self._locked[job.type]
        if locked is None:
            raise ManifestRefusedError((Refusal(("type",), f"there is no task type {job.type}"),))
        if names := locked & job.params.keys():
            raise ManifestRefusedError((Refusal(("params",), str(refuse_locked(job.type, sorted(names)))),))

    async def _read(self, task_type: str) -> frozenset[str] | None:
        """Return the locked params of a type; None for an unknown one."""
        found = await find_types(self._store, [task_type])
        record = found.get(task_type)
        return frozenset(record.locked_params if record else ()) if task_type in found else None
